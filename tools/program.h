/* SPDX-License-Identifier: MIT */
/*
 * program.h - finds the program that a command would run, and says whether
 * libcop would act in it.
 */
#ifndef COP_TOOLS_PROGRAM_H
#define COP_TOOLS_PROGRAM_H

#include <limits.h>

#include "verdict.h"

#define SHELL "/bin/sh" /* runs a file that the kernel can't run */

struct program {
	char path[PATH_MAX];   /* the command's file */
	char runs[PATH_MAX];   /* the ELF file that would run: the same file,
				* or its last interpreter */
	char loader[PATH_MAX]; /* the loader of that file */
};

/**
 * program_find - find a command as execvp() does
 * @prog: its path is set
 * @command: a path with a slash, or a name to find in PATH
 *
 * Returns ACTIVE, or NOT_FOUND or NOT_EXECUTABLE with errno.
 */
enum verdict program_find(struct program *prog, const char *command);

/**
 * program_judge - whether libcop would act in a program
 * @prog: from program_find()
 *
 * Returns ACTIVE, or the verdict that says why not; NOT_EXECUTABLE with errno.
 */
enum verdict program_judge(struct program *prog);

#endif /* COP_TOOLS_PROGRAM_H */
