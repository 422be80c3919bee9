/* SPDX-License-Identifier: MIT */
/*
 * loader.h - what a program's own loader says of libcop.so.
 */
#ifndef COP_TOOLS_LOADER_H
#define COP_TOOLS_LOADER_H

#include <limits.h>

#include "program.h"
#include "verdict.h"

#define LOADER_MAX (PATH_MAX + 512) /* of a line that it says */

struct loaded {
	char path[LOADER_MAX];	    /* of the libcop.so that it would load */
	char complaint[LOADER_MAX]; /* why it would not */
	char other[LOADER_MAX];	    /* what else it says */
};

/**
 * loader_ask - have a program's loader list what it would load for SHELL
 * @prog: from program_judge(), which found it ACTIVE
 * @loaded: what it says of libcop.so
 *
 * The environment is ours. The program itself is not given to the loader: glibc's
 * runs code of a file that it only lists, where the file asks for it (DT_AUDIT) or
 * is mapped on top of the loader. Returns ACTIVE, INACTIVE if there is no libcop.so
 * among it, UNLOADABLE, or UNKNOWN_LOADER if the loader is not the system's, and
 * nothing was run.
 */
enum verdict loader_ask(const struct program *prog, struct loaded *loaded);

#endif /* COP_TOOLS_LOADER_H */
