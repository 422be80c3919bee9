/* SPDX-License-Identifier: MIT */
/*
 * program.h - what would run if a command were executed, and whether libcop
 * would act in it.
 */
#ifndef COP_TOOLS_PROGRAM_H
#define COP_TOOLS_PROGRAM_H

#include <limits.h>

#include "verdict.h"

#define SHELL "/bin/sh" /* runs what the kernel finds no way to run */

struct program {
	char path[PATH_MAX];   /* of the command */
	char runs[PATH_MAX];   /* of the ELF file that would run: the same, or
				* its interpreter's, or the interpreter's */
	char loader[PATH_MAX]; /* that would load it */
};

/**
 * program_find - find a command as execvp() does
 * @prog: its path is set
 * @command: with a slash, or to be looked for in PATH
 *
 * Returns ACTIVE, or NOT_FOUND or NOT_EXECUTABLE with errno.
 */
enum verdict program_find(struct program *prog, const char *command);

/**
 * program_judge - whether libcop would act in a program
 * @prog: from program_find()
 *
 * Returns ACTIVE, or why not; NOT_EXECUTABLE with errno.
 */
enum verdict program_judge(struct program *prog);

#endif /* COP_TOOLS_PROGRAM_H */
