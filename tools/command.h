/* SPDX-License-Identifier: MIT */
/*
 * command.h - what the subcommands of the launcher have in common.
 */
#ifndef COP_TOOLS_COMMAND_H
#define COP_TOOLS_COMMAND_H

/* What cop itself could not do, as in env(1), nice(1) and timeout(1). */
#define EXIT_USAGE 125

struct command {
	const char *name;
	const char *args;    /* as they stand in its usage */
	const char *summary; /* what it does, in a few words */
	void (*help)(void);  /* the rest of what cop help NAME says; or NULL */
	int (*main)(int argc, char *argv[]); /* argv[0] is the name */
};

/* Each is in the file of its name. */
extern const struct command cop_run;
extern const struct command cop_check;
extern const struct command cop_stat;

/**
 * cop_fail - say why, on one line of stderr
 * @status: what to return
 * @fmt: as for printf(), without "cop: " ahead and the newline behind
 *
 * Returns @status.
 */
int cop_fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * cop_usage - print what cop help NAME prints
 * @command: of the subcommand
 *
 * Returns the status to exit with.
 */
int cop_usage(const struct command *command);

#endif /* COP_TOOLS_COMMAND_H */
