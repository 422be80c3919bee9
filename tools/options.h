/* SPDX-License-Identifier: MIT */
/*
 * options.h - the options of subcommands, and those that set the library's variables.
 */
#ifndef COP_TOOLS_OPTIONS_H
#define COP_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* An option of one subcommand alone. */
struct own_option {
	const char *name;
	const char *args; /* "": takes no value; else " VALUE", for the help */
	const char *help; /* what it does */
	const char *
		*value; /* set to its value, or to its name if it takes none */
};

struct options {
	const char *subcommand;	      /* for messages */
	bool has_settings;	      /* it has the options of cop run */
	const struct own_option *own; /* the subcommand's own */
	size_t n_own;
};

/**
 * options_read - read options, up to the first word that is none
 * @options: the subcommand's options
 * @argc: main()'s
 * @argv: main()'s
 * @first: the index to begin at; set to the index of that word, or to @argc
 *
 * The options of cop run set variables in the environment. Returns 0, or the status to
 * exit with.
 */
int options_read(const struct options *options, int argc, char *argv[],
		 int *first);

/**
 * options_check - check what only all options together tell
 * @options: the subcommand's options
 *
 * Returns 0, or the status to exit with.
 */
int options_check(const struct options *options);

/* Whether --transport was among the options. */
bool options_ask_for_transport(void);

/**
 * options_help - print a line for each option
 * @options: the subcommand's options
 */
void options_help(const struct options *options);

/* The options of cop run, for a usage line. */
#define OPTIONS_USAGE                                                  \
	"[--adopt[=udp[:PORTS]]] [--transport NAME] [--stats[=FILE]] " \
	"[--debug] [--modules DIR] [--load FILE] [--key FILE] "

#endif /* COP_TOOLS_OPTIONS_H */
