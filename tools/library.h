/* SPDX-License-Identifier: MIT */
/*
 * library.h - the libcop.so that programs are started with.
 */
#ifndef COP_TOOLS_LIBRARY_H
#define COP_TOOLS_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

#include "verdict.h"

struct library {
	char path[PATH_MAX];  /* where it is, or was looked for first */
	unsigned int machine; /* e_machine of its ELF header */
	bool in_preload;      /* LD_PRELOAD names one already, that of path */
};

/**
 * library_find - find the library that programs are to have
 * @lib: what is found
 *
 * Returns ACTIVE, or what is wrong with it.
 */
enum verdict library_find(struct library *lib);

/**
 * library_preload - put the library at the end of LD_PRELOAD
 * @lib: from library_find()
 *
 * Returns 0 or -1 with errno.
 */
int library_preload(const struct library *lib);

#endif /* COP_TOOLS_LIBRARY_H */
