// SPDX-License-Identifier: MIT
/*
 * transports.c - cop transports: lists the transports that a program can ask for.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "inet/request.h"
#include "lib/escape.h"
#include "lib/libc.h"
#include "offer.h"
#include "say.h"
#include "setting.h"
#include "socket/sock.h"

/* Exit status: a file can't be used. */
#define EXIT_UNUSABLE 1

static const char *const states[] = {
	[OFFER_OK] = "ok",	     [OFFER_FAILS] = "fails",
	[OFFER_HIDDEN] = "hidden",   [OFFER_UNASKED] = "unasked",
	[OFFER_UNTRIED] = "untried",
};

/* ---- the table ----------------------------------------------------------- */

static const char *const heading[] = { "Transport", "Family",  "Type",
				       "Protocol",  "Version", "State" };

#define COLUMNS (sizeof(heading) / sizeof(*heading))
#define CELL	(OFFER_NAME * COP_ESCAPE_MAX)

static void put_text(char to[CELL], const char *text)
{
	cop_escape(to, CELL, *text ? text : "-", COP_ESCAPE_LINE);
}

static void put_number(char to[CELL], int n, const char *any)
{
	if (n == OFFER_ANY)
		strcpy(to, any);
	else
		snprintf(to, CELL, "%d", n);
}

static void put_family(char to[CELL], int family)
{
	if (family == PF_INET || family == PF_INET6)
		strcpy(to, family == PF_INET ? "inet" : "inet6");
	else
		put_number(to, family, "-");
}

/* A file that nobody asks for has no numbers. */
static void put_cells(char cells[COLUMNS][CELL], const struct offer *o)
{
	const bool has_asked =
		o->state != OFFER_UNASKED && o->asked.family != OFFER_ANY;
	const char *any = has_asked ? "any" : "-";

	put_text(cells[0], *o->name ? o->name : o->module);
	put_family(cells[1], has_asked ? o->asked.family : OFFER_ANY);
	put_number(cells[2], has_asked ? o->asked.type : OFFER_ANY, any);
	put_number(cells[3], has_asked ? o->asked.protocol : OFFER_ANY, any);
	put_text(cells[4], o->version);
	put_text(cells[5], states[o->state]);
}

static void measure(int widths[COLUMNS], const struct offers *offers)
{
	char cells[COLUMNS][CELL];

	for (size_t c = 0; c < COLUMNS; c++)
		widths[c] = strlen(heading[c]);
	for (size_t i = 0; i < offers->n; i++) {
		put_cells(cells, &offers->list[i]);
		for (size_t c = 0; c < COLUMNS; c++)
			if ((int)strlen(cells[c]) > widths[c])
				widths[c] = strlen(cells[c]);
	}
}

static void show_row(const int widths[COLUMNS], const struct offer *o)
{
	char cells[COLUMNS][CELL];

	put_cells(cells, o);
	for (size_t c = 0; c < COLUMNS; c++)
		printf("%-*s ", widths[c], cells[c]);
	if (!o->file)
		cop_say(stdout, "built in");
	else if (o->target)
		cop_say(stdout, "%s -> %s", o->file, o->target);
	else
		cop_say(stdout, "%s", o->file);
	if (o->state != OFFER_OK) {
		putchar('\t');
		cop_say(stdout, "%s", o->why);
	}
}

static void show_table(const struct offers *offers)
{
	int widths[COLUMNS];

	measure(widths, offers);
	for (size_t c = 0; c < COLUMNS; c++)
		printf("%-*s ", widths[c], heading[c]);
	printf("File\n");
	for (size_t i = 0; i < offers->n; i++)
		show_row(widths, &offers->list[i]);
}

/* ---- JSON ---------------------------------------------------------------- */

static void json_text(const char *name, const char *text)
{
	char safe[2 * PATH_MAX * COP_ESCAPE_MAX];

	printf(",\"%s\":", name);
	if (!text || !*text) {
		printf("null");
		return;
	}
	cop_escape(safe, sizeof(safe), text, COP_ESCAPE_JSON);
	printf("\"%s\"", safe);
}

static void json_number(const char *name, int n)
{
	if (n == OFFER_ANY)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%d", name, n);
}

static void show_json(const struct offer *o)
{
	const bool has_asked = o->state != OFFER_UNASKED;

	printf("{\"type\":\"transport\"");
	json_text("name", o->name);
	json_text("module", o->module);
	json_text("version", o->version);
	json_number("family", has_asked ? o->asked.family : OFFER_ANY);
	json_number("socktype", has_asked ? o->asked.type : OFFER_ANY);
	json_number("protocol", has_asked ? o->asked.protocol : OFFER_ANY);
	json_text("state", states[o->state]);
	json_text("reason", o->why);
	json_text("file", o->file);
	json_text("target", o->target);
	json_text("from", o->from);
	printf("}\n");
}

/* ---- the subcommand ------------------------------------------------------ */

#define BEYOND 256 /* beyond all letters */

static const struct choice {
	const char *name, *variable, *args, *help;
	int letter;
} choices[] = {
	{ "--modules", "COP_MODULES", "DIR",
	  "look in DIR, and not in COP_MODULES", BEYOND },
	{ "--load", "COP_LOAD", "FILE", "look at FILE, and not at COP_LOAD",
	  BEYOND + 1 },
	{ "--json", NULL, NULL, "print JSON: a line for each transport", 'j' },
};

#define CHOICES (sizeof(choices) / sizeof(*choices))

static int refuse(int what, const char *arg)
{
	if (what == ':')
		return cop_fail(EXIT_USAGE,
				"transports: %s: a value is missing", arg);
	return cop_fail(EXIT_USAGE,
			"transports: there is no option %s: cop help "
			"transports lists them",
			arg);
}

static int set(const struct choice *c, const char *value)
{
	static bool stands[CHOICES];
	bool *before = &stands[c - choices];
	int err = setting_append(c->variable, value, !*before);

	*before = true;
	return err ? cop_fail(EXIT_USAGE, "transports: %s", strerror(errno))
		   : 0;
}

/* Returns 0, or the status to exit with. */
static int read_options(int argc, char *argv[], bool *json)
{
	struct option options[CHOICES + 1] = { 0 };
	int at = 1, is, status = 0;

	for (size_t i = 0; i < CHOICES; i++)
		options[i] = (struct option){ choices[i].name + 2,
					      choices[i].args != NULL, NULL,
					      choices[i].letter };
	opterr = 0;
	while (!status &&
	       (is = getopt_long(argc, argv, "+:j", options, NULL)) != -1) {
		if (is == 'j')
			*json = true;
		else
			status = is < BEYOND
					 ? refuse(is, argv[at])
					 : set(&choices[is - BEYOND], optarg);
		at = optind;
	}
	if (!status && optind < argc)
		return cop_fail(EXIT_USAGE,
				"transports: %s is no option: cop help "
				"transports lists them",
				argv[optind]);
	return status;
}

/* As the library starts in a program, apart from what serves the program's calls. */
static void start_library(void)
{
	cop_libc_init();
	inet_init();
	modules_init();
	request_init();
}

static int transports_main(int argc, char *argv[])
{
	static struct offers offers;
	bool json = false;
	int status = read_options(argc, argv, &json);

	if (status)
		return status;
	start_library();
	offers_find(&offers);
	if (!json)
		show_table(&offers);
	for (size_t i = 0; i < offers.n; i++) {
		if (json)
			show_json(&offers.list[i]);
		if (offers.list[i].state == OFFER_FAILS)
			status = EXIT_UNUSABLE;
	}
	return status;
}

static void transports_help(void)
{
	char name[64];

	printf("\n");
	for (size_t i = 0; i < CHOICES; i++) {
		const struct choice *c = &choices[i];

		snprintf(name, sizeof(name), "%s%s %s",
			 c->letter < BEYOND ? "-j, " : "    ", c->name,
			 c->args ?: "");
		printf("  %-24s %s\n", name, c->help);
	}
	printf("\n"
	       "Exits with 0 if each file can be used, with %d if one can't, "
	       "with %d if it is\nused wrongly.\n",
	       EXIT_UNUSABLE, EXIT_USAGE);
}

static const struct command command = {
	.name = "transports",
	.args = "[-j] [--modules DIR] [--load FILE]",
	.summary = TRANSPORTS_SUMMARY,
	.help = transports_help,
	.main = transports_main,
};

int main(int argc, char *argv[])
{
	return cop_program(&command, argc, argv);
}
