// SPDX-License-Identifier: MIT
/*
 * options.c - reads the options of cop run and of cop enable, which set the library's
 * variables, and a subcommand's own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adopt.h"
#include "command.h"
#include "key.h"
#include "options.h"
#include "say.h"
#include "setting.h"

#define KEY_FILE "COP_KEY_FILE"

static bool is_name(const char *value)
{
	return *value;
}

static const struct choice {
	const char *name;
	const char *variable; /* the variable that the option sets */
	const char *value;    /* its value if the option has none; "": the
			       * option must have one; NULL: likewise, and it
			       * may stand twice */
	bool (*is_valid)(const char *value); /* NULL: takes no value */
	const char *wants;		     /* names the valid values */
	const char *args, *help;
} choices[] = {
	{ "--adopt", "COP_ADOPT", "udp", adopt_is_valid,
	  "udp, or udp: and ports or ranges of ports, as in udp:5000-5999,7000",
	  "[=udp[:PORTS]]",
	  "make COP sockets of its UDP sockets: of all, or by PORTS" },
	{ "--transport", "COP_TRANSPORT", "", is_name,
	  "a transport's name, or PROTOCOL/TYPE", " NAME",
	  "with --adopt: put them on this transport, not on COP" },
	{ "--stats", "COP_STATS", "stderr", is_name, "stderr or a file's name",
	  "[=FILE]", "print a line for each COP socket that is closed" },
	{ "--debug", "COP_DEBUG", "1", NULL, NULL, "",
	  "report errors and the senders of strays on stderr" },
	{ "--modules", "COP_MODULES", NULL, is_name, "a directory", " DIR",
	  "look in DIR for transports that it asks for" },
	{ "--load", "COP_LOAD", NULL, is_name, "a transport's file", " FILE",
	  "load the transport FILE when it starts" },
	{ "--key", KEY_FILE, "", is_name, "a file of keys", " FILE",
	  "with --transport sealed: encrypt with the key in FILE" },
};

#define CHOICES (sizeof(choices) / sizeof(*choices))
#define BEYOND	256 /* the first long option's number, beyond all letters */
#define OWN	(BEYOND + CHOICES) /* the first option of the subcommand's own */
#define OWN_MAX 8

/* Set by --transport: the environment's own COP_TRANSPORT may be for other programs. */
static bool asks_for_transport;

bool options_ask_for_transport(void)
{
	return asks_for_transport;
}

static int argument_of(const struct choice *c)
{
	if (!c->is_valid)
		return no_argument;
	return c->value && *c->value ? optional_argument : required_argument;
}

/* A value that may be left out needs a = before it: the next word may be the command. */
static void make_list(const struct options *options,
		      struct option list[CHOICES + OWN_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; options->has_settings && i < CHOICES; i++)
		list[n++] = (struct option){ choices[i].name + 2,
					     argument_of(&choices[i]), NULL,
					     BEYOND + i };
	for (size_t i = 0; i < options->n_own; i++)
		list[n++] = (struct option){ options->own[i].name + 2,
					     *options->own[i].args != '\0',
					     NULL, OWN + i };
	list[n] = (struct option){ 0 };
}

/* The program may change its directory, and start others. */
static int set(const struct choice *c, const char *value, bool stood_before)
{
	if (!c->value)
		return setting_append(c->variable, value, !stood_before);
	if (!strcmp(c->variable, KEY_FILE))
		return setting_append(c->variable, value, true);
	return setenv(c->variable, value, 1);
}

/* The library would refuse each socket. */
static int check_key(const char *subcommand, const struct choice *c,
		     const char *value)
{
	const char *why = NULL;

	if (!strcmp(c->variable, KEY_FILE))
		why = key_fault(value);
	return why ? cop_fail(EXIT_USAGE, "%s: --key %s: %s", subcommand, value,
			      why)
		   : 0;
}

static int apply(const char *subcommand, const struct choice *c,
		 const char *value)
{
	static bool stands[CHOICES];
	bool *before = &stands[c - choices];
	int err;

	if (!value)
		value = c->value;
	else if (!c->is_valid(value))
		return cop_fail(EXIT_USAGE, "%s: %s=%s: the value must be %s",
				subcommand, c->name, value, c->wants);
	err = check_key(subcommand, c, value);
	if (err)
		return err;
	err = set(c, value, *before);
	*before = true;
	if (!strcmp(c->variable, "COP_TRANSPORT"))
		asks_for_transport = true;
	return err ? cop_fail(EXIT_USAGE, "%s: %s", subcommand, strerror(errno))
		   : 0;
}

static int take(const struct options *options, int is, const char *value)
{
	const struct own_option *own;

	if (is < (int)OWN)
		return apply(options->subcommand, &choices[is - BEYOND], value);
	own = &options->own[is - OWN];
	*own->value = value ?: own->name;
	return 0;
}

/* Reports a wrong use of an option of the subcommand's own. */
static int refuse_own(const char *subcommand, const struct own_option *own)
{
	return *own->args ? cop_fail(EXIT_USAGE, "%s: %s needs a value",
				     subcommand, own->name)
			  : cop_fail(EXIT_USAGE, "%s: %s takes no value",
				     subcommand, own->name);
}

/* Reports an option that getopt_long() has not understood. */
static int refuse(const struct options *options, const char *arg)
{
	const char *subcommand = options->subcommand;
	const struct choice *c;

	if (optopt >= (int)OWN)
		return refuse_own(subcommand, &options->own[optopt - OWN]);
	if (optopt >= BEYOND) {
		c = &choices[optopt - BEYOND];
		return c->is_valid
			       ? cop_fail(EXIT_USAGE,
					  "%s: %s: the value must be %s",
					  subcommand, c->name, c->wants)
			       : cop_fail(EXIT_USAGE, "%s: %s takes no value",
					  subcommand, c->name);
	}
	return cop_fail(EXIT_USAGE,
			"%s: there is no option %s: cop help %s lists them",
			subcommand, arg, subcommand);
}

int options_read(const struct options *options, int argc, char *argv[],
		 int *first)
{
	struct option list[CHOICES + OWN_MAX + 1];
	int at = *first, is, status;

	make_list(options, list);
	opterr = 0;
	optind = at;
	while ((is = getopt_long(argc, argv, "+", list, NULL)) != -1) {
		status = is < BEYOND ? refuse(options, argv[at])
				     : take(options, is, optarg);
		if (status)
			return status;
		at = optind;
	}
	*first = optind;
	return 0;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

int options_check(const struct options *options)
{
	if (!asks_for_transport || is_set("COP_ADOPT"))
		return 0;
	return cop_fail(EXIT_USAGE, "%s: --transport needs --adopt",
			options->subcommand);
}

static void help_line(const char *name, const char *args, const char *help)
{
	char both[64];

	snprintf(both, sizeof(both), "%s%s", name, args);
	printf("  %-22s %s\n", both, help);
}

void options_help(const struct options *options)
{
	for (size_t i = 0; options->has_settings && i < CHOICES; i++)
		help_line(choices[i].name, choices[i].args, choices[i].help);
	for (size_t i = 0; i < options->n_own; i++)
		help_line(options->own[i].name, options->own[i].args,
			  options->own[i].help);
}
