/* SPDX-License-Identifier: MIT */
/*
 * library.h - the libcop.so that programs are started with.
 */
#ifndef COP_TOOLS_LIBRARY_H
#define COP_TOOLS_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

#include "verdict.h"

#define LIBRARY_NAME "libcop.so"

struct library {
	char path[PATH_MAX]; /* where it is, or was looked for last */
	bool in_preload;     /* LD_PRELOAD names one already */
};

/**
 * library_is_named - whether a path's last part is the library's name
 * @path: the path
 */
bool library_is_named(const char *path);

/**
 * library_ours - find the library that belongs to this cop
 * @path: where its path is put; or the last one that was tried
 *
 * Returns whether there is one that can be read.
 */
bool library_ours(char path[PATH_MAX]);

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
