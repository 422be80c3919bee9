/* SPDX-License-Identifier: MIT */
/*
 * command.h - functions that the subcommands of cop share.
 */
#ifndef COP_TOOLS_COMMAND_H
#define COP_TOOLS_COMMAND_H

#include <stdbool.h>

/* The exit status if cop itself fails, as in env(1), nice(1) and timeout(1). */
#define EXIT_USAGE 125

struct command {
	const char *name;
	const char *args;    /* the arguments, for its usage */
	const char *summary; /* what it does, in a few words */
	void (*help)(void);  /* prints the rest of cop help NAME; or NULL */
	int (*main)(int argc, char *argv[]); /* argv[0] is the name; NULL: a
					      * program of its own */
	const char *program; /* that program is cop-PROGRAM; NULL: cop-NAME */
	bool keeps_preload;  /* the program reads LD_PRELOAD */
};

/* In run.c. */
extern const struct command cop_run;

/* Subcommands that are programs of their own. cop lists them, too. */
#define CHECK_SUMMARY	   "say whether libcop acts here, or would in a program"
#define STAT_SUMMARY	   "show the COP sockets of running programs"
#define ENABLE_SUMMARY	   "give libcop to a service of systemd"
#define DISABLE_SUMMARY	   "take libcop from a service of systemd"
#define STATUS_SUMMARY	   "say whether a service of systemd has libcop"
#define TRANSPORTS_SUMMARY "list the transports that a program can ask for"

/**
 * cop_usage - print the text of cop help NAME
 * @command: the subcommand
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
 * cop_finish - have what was printed written, before cop ends
 * @status: the status to exit with
 *
 * Returns @status, or EXIT_USAGE if not all of it could be written.
 */
int cop_finish(int status);

/**
 * cop_program - the main() of a subcommand that is a program of its own
 * @command: the subcommand
 * @argc: main()'s
 * @argv: main()'s. If cop has started the program: the launcher's path (empty
 *	if it is not known), the subcommand's name, and the arguments. If a user
 *	has started it: the program's name and the arguments
 *
 * Returns the status to exit with.
 */
int cop_program(const struct command *command, int argc, char *argv[]);

#endif /* COP_TOOLS_COMMAND_H */
