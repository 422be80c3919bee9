// SPDX-License-Identifier: MIT
/*
 * wanted.c - reads the options of cop stat.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "say.h"
#include "wanted.h"

#define SECONDS_MAX 86400

/* Each of these returns whether the value is valid. */
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

static const struct choice {
	int letter; /* or a number beyond all letters */
	const char *name;
	bool (*take)(struct wanted *w, const char *value);
	const char *value; /* NULL: takes no value; [NAME]: may have one */
	const char *wants; /* names the valid values */
	const char *help;
} choices[] = {
	{ 'f', "--flows", take_flows, NULL, NULL,
	  "show the flows of each socket too, one for each peer" },
	{ 'w', "--watch", take_watch, "[SECONDS]",
	  "a number of seconds from 0.01 to 86400",
	  "show the sockets every SECONDS (1 if not given), with rates" },
	{ 'j', "--json", take_json, NULL, NULL,
	  "print JSON: a line for each socket, and for each flow" },
	{ 'p', "--pid", take_pid, "PID", "the number of a process",
	  "show only this process" },
	{ 256, "--port", take_port, "PORT", "a port",
	  "show only sockets bound or connected to this port" },
	{ 257, "--sport", take_sport, "PORT", "a port",
	  "show only sockets bound to this port" },
	{ 258, "--dport", take_dport, "PORT", "a port",
	  "show only sockets connected to this port" },
	{ 'n', "--numeric", take_numeric, NULL, NULL,
	  "show addresses as numbers; cop stat always does" },
};

#define CHOICES (sizeof(choices) / sizeof(*choices))

static int takes_value(const struct choice *c)
{
	if (!c->value)
		return no_argument;
	return c->value[0] == '[' ? optional_argument : required_argument;
}

/*
 * Makes getopt_long(3)'s list; the ":" lets this program report errors itself.
 */
static void make_options(struct option options[CHOICES + 1], char *letters)
{
	static const char *const colons[] = {
		[no_argument] = "",
		[required_argument] = ":",
		[optional_argument] = "::",
	};

	letters += sprintf(letters, "+:");
	for (size_t i = 0; i < CHOICES; i++) {
		const struct choice *c = &choices[i];

		options[i] = (struct option){ c->name + 2, takes_value(c), NULL,
					      c->letter };
		if (c->letter < 256)
			letters += sprintf(letters, "%c%s", c->letter,
					   colons[takes_value(c)]);
	}
	options[CHOICES] = (struct option){ 0 };
}

static const struct choice *find_choice(int letter)
{
	for (size_t i = 0; i < CHOICES; i++)
		if (choices[i].letter == letter)
			return &choices[i];
	return NULL;
}

/*
 * An option that may have a value takes the next word only if it is a number.
 */
static const char *value_of(const struct choice *c, char *argv[])
{
	const char *next = argv[optind];

	if (optarg || takes_value(c) != optional_argument || !next ||
	    !isdigit((unsigned char)*next))
		return optarg;
	optind++;
	return next;
}

static int apply(const struct choice *c, const char *value, struct wanted *w)
{
	if (c->take(w, value))
		return 0;
	return cop_fail(EXIT_USAGE, "stat: %s %s: the value must be %s",
			c->name, value, c->wants);
}

/* Reports an option that getopt_long() has not understood. */
static int refuse(int what, const char *arg)
{
	const struct choice *c = find_choice(optopt);

	if (what == ':' && c)
		return cop_fail(EXIT_USAGE, "stat: %s: %s is missing", c->name,
				c->value);
	if (c)
		return cop_fail(EXIT_USAGE, "stat: %s takes no value", c->name);
	return cop_fail(EXIT_USAGE,
			"stat: there is no option %s: cop help stat lists them",
			arg);
}

int wanted_read(int argc, char *argv[], struct wanted *w)
{
	struct option options[CHOICES + 1];
	char letters[4 * CHOICES];
	int at = 1, letter, status = 0;

	make_options(options, letters);
	opterr = 0;
	while (!status && (letter = getopt_long(argc, argv, letters, options,
						NULL)) != -1) {
		const struct choice *c = find_choice(letter);

		status = c ? apply(c, value_of(c, argv), w)
			   : refuse(letter, argv[at]);
		at = optind;
	}
	if (!status && optind < argc)
		return cop_fail(
			EXIT_USAGE,
			"stat: %s is no option: cop help stat lists them",
			argv[optind]);
	return status;
}

void wanted_help(void)
{
	char name[64], letter[8];

	for (size_t i = 0; i < CHOICES; i++) {
		const struct choice *c = &choices[i];

		snprintf(letter, sizeof(letter),
			 c->letter < 256 ? "-%c," : "   ", c->letter);
		snprintf(name, sizeof(name), "%s %s%s%s", letter, c->name,
			 c->value ? " " : "", c->value ? c->value : "");
		printf("  %-24s %s\n", name, c->help);
	}
}
