// SPDX-License-Identifier: MIT
/*
 * wanted.c - the options of cop stat.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "say.h"
#include "wanted.h"

#define SECONDS_MAX 86400

/* Each returns whether the value will do. */
static bool take_flows(struct wanted *w, const char *value)
{
	(void)value;
	return w->flows = true;
}

static bool take_json(struct wanted *w, const char *value)
{
	(void)value;
	return w->json = true;
}

static bool take_numeric(struct wanted *w, const char *value)
{
	(void)w;
	(void)value;
	return true;
}

static bool take_watch(struct wanted *w, const char *value)
{
	char *end;

	w->watch = true;
	w->seconds = 1;
	if (!value)
		return true;
	w->seconds = strtod(value, &end);
	return isdigit((unsigned char)*value) && !*end && w->seconds >= 0.01 &&
	       w->seconds <= SECONDS_MAX;
}

static bool number(const char *value, long max, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(value, &end, 10);
	return isdigit((unsigned char)*value) && !*end && !errno && *n > 0 &&
	       *n <= max;
}

static bool take_pid(struct wanted *w, const char *value)
{
	return number(value, 1 << 30, &w->pid);
}

static bool take_port(struct wanted *w, const char *value)
{
	return number(value, 65535, &w->port);
}

static bool take_sport(struct wanted *w, const char *value)
{
	return number(value, 65535, &w->sport);
}

static bool take_dport(struct wanted *w, const char *value)
{
	return number(value, 65535, &w->dport);
}

static const struct option {
	char letter; /* 0: it has none */
	const char *name;
	bool (*take)(struct wanted *w, const char *value);
	const char *value; /* NULL: it takes none; [NAME]: it may have one */
	const char *wants; /* if it isn't valid */
	const char *help;
} options[] = {
	{ 'f', "--flows", take_flows, NULL, NULL,
	  "also the flows of each socket, one for each peer" },
	{ 'w', "--watch", take_watch, "[SECONDS]",
	  "a number of seconds from 0.01 to 86400",
	  "again and again, with rates; every second unless it is said" },
	{ 'j', "--json", take_json, NULL, NULL,
	  "a line of JSON for each socket, and for each flow" },
	{ 'p', "--pid", take_pid, "PID", "the number of a process",
	  "of this process alone" },
	{ 0, "--port", take_port, "PORT", "a port",
	  "those that have this port, or whose peer has" },
	{ 0, "--sport", take_sport, "PORT", "a port", "those that have it" },
	{ 0, "--dport", take_dport, "PORT", "a port",
	  "those whose peer has it" },
	{ 'n', "--numeric", take_numeric, NULL, NULL,
	  "addresses as numbers, as they always are" },
};

#define OPTIONS (sizeof(options) / sizeof(*options))

static const struct option *find_option(const char *arg, size_t len)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if ((strlen(options[i].name) == len &&
		     !strncmp(options[i].name, arg, len)) ||
		    (len == 1 && options[i].letter == *arg))
			return &options[i];
	return NULL;
}

static bool may_do_without(const struct option *option)
{
	return option->value[0] == '[';
}

/* Where it is not in the same word: the next one, for which *i is moved. */
static const char *next_word(const struct option *option, char *argv[], int *i)
{
	const char *next = argv[*i + 1];

	if (!next || (may_do_without(option) && !isdigit((unsigned char)*next)))
		return NULL;
	(*i)++;
	return next;
}

static int apply(const struct option *option, const char *value, char *argv[],
		 int *i, struct wanted *w)
{
	if (option->value && !value)
		value = next_word(option, argv, i);
	if (!option->value && value)
		return cop_fail(EXIT_USAGE, "stat: %s takes no value",
				option->name);
	if (option->value && !value && !may_do_without(option))
		return cop_fail(EXIT_USAGE, "stat: %s: %s is missing",
				option->name, option->value);
	if (option->take(w, value))
		return 0;
	return cop_fail(EXIT_USAGE, "stat: %s %s: %s is wanted", option->name,
			value, option->wants);
}

static int no_option(const char *arg)
{
	return cop_fail(EXIT_USAGE,
			"stat: there is no option %s: cop help stat lists them",
			arg);
}

static int read_long(char *argv[], int *i, struct wanted *w)
{
	const char *arg = argv[*i];
	size_t len = strcspn(arg, "=");
	const struct option *option = find_option(arg, len);

	if (!option)
		return no_option(arg);
	return apply(option, arg[len] ? arg + len + 1 : NULL, argv, i, w);
}

/* Letters may follow each other, and a value the last one. */
static int read_letters(char *argv[], int *i, struct wanted *w)
{
	const char *arg = argv[*i];
	int status = 0;

	for (const char *c = arg + 1; *c && !status; c++) {
		const struct option *option = find_option(c, 1);
		bool is_value = c[1] && option && option->value &&
				(!may_do_without(option) ||
				 isdigit((unsigned char)c[1]));

		if (!option)
			return no_option(arg);
		if (is_value || !c[1] || !option->value)
			status = apply(option, is_value ? c + 1 : NULL, argv, i,
				       w);
		else
			option->take(w, NULL);
		if (is_value)
			break;
	}
	return status;
}

int wanted_read(int argc, char *argv[], struct wanted *w)
{
	int status = 0;

	for (int i = 1; i < argc && !status; i++) {
		if (!strncmp(argv[i], "--", 2))
			status = read_long(argv, &i, w);
		else if (argv[i][0] == '-' && argv[i][1])
			status = read_letters(argv, &i, w);
		else
			status = cop_fail(EXIT_USAGE,
					  "stat: %s: only options are taken: "
					  "cop help stat lists them",
					  argv[i]);
	}
	return status;
}

void wanted_help(void)
{
	char name[64];

	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];

		snprintf(name, sizeof(name), "%c%c%s %s%s%s",
			 o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			 o->letter ? "," : " ", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-24s %s\n", name, o->help);
	}
}
