/* SPDX-License-Identifier: MIT */
/*
 * loader.h - asks a program's own loader about libcop.so.
 */
#ifndef COP_TOOLS_LOADER_H
#define COP_TOOLS_LOADER_H

#include <limits.h>

#include "program.h"
#include "verdict.h"

#define LOADER_MAX (PATH_MAX + 512) /* the longest line of the loader */

struct loaded {
	char path[LOADER_MAX];	    /* the libcop.so that it would load */
	char complaint[LOADER_MAX]; /* its reason not to load libcop.so */
	char other[LOADER_MAX];	    /* its other messages */
};

/**
 * loader_ask - let a program's loader list the libraries that it would load for
 * SHELL
 * @prog: from program_judge(), which found it ACTIVE
 * @loaded: the loader's answer about libcop.so
 *
 * The loader gets this process's environment. It does not get the program
 * itself: even to list a file, glibc's loader runs code of the file if the file
 * asks for it (DT_AUDIT) or is mapped over the loader. Returns ACTIVE; INACTIVE
 * if libcop.so is not on the list; UNLOADABLE; or UNKNOWN_LOADER, without
 * running anything, if the loader is not the system's.
 */
enum verdict loader_ask(const struct program *prog, struct loaded *loaded);

#endif /* COP_TOOLS_LOADER_H */
