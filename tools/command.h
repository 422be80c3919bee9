/* SPDX-License-Identifier: MIT */
/*
 * command.h - what the subcommands of cop have in common.
 */
#ifndef COP_TOOLS_COMMAND_H
#define COP_TOOLS_COMMAND_H

#include <stdbool.h>

/* What cop itself could not do, as in env(1), nice(1) and timeout(1). */
#define EXIT_USAGE 125

struct command {
	const char *name;
	const char *args;    /* as they stand in its usage */
	const char *summary; /* what it does, in a few words */
	void (*help)(void);  /* the rest of what cop help NAME says; or NULL */
	int (*main)(int argc, char *argv[]); /* argv[0] is the name; NULL: a
					      * program of its own */
	bool keeps_preload;		     /* which looks at LD_PRELOAD */
};

/* It is in run.c. */
extern const struct command cop_run;

/* Those that are programs of their own; cop lists them, too. */
#define CHECK_SUMMARY "say whether libcop acts here, or would in a program"
#define STAT_SUMMARY  "show the COP sockets of running programs"

/**
 * cop_usage - print what cop help NAME prints
 * @command: of the subcommand
 *
 * Returns the status to exit with.
 */
int cop_usage(const struct command *command);

/**
 * cop_is_help - whether an argument asks for help
 * @arg: the argument
 */
bool cop_is_help(const char *arg);

/**
 * cop_program - the main() of a subcommand that is a program of its own
 * @command: the subcommand
 * @argc: as of main()
 * @argv: likewise. From cop it has the launcher's path (empty where it is not
 *	known), the subcommand's name, and the arguments; a program that is
 *	started by hand has only these behind its own name
 *
 * Returns the status to exit with.
 */
int cop_program(const struct command *command, int argc, char *argv[]);

#endif /* COP_TOOLS_COMMAND_H */
