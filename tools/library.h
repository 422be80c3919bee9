/* SPDX-License-Identifier: MIT */
/*
 * library.h - finds the libcop.so for new programs.
 */
#ifndef COP_TOOLS_LIBRARY_H
#define COP_TOOLS_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

#include "verdict.h"

#define LIBRARY_NAME "libcop.so"

struct library {
	char path[PATH_MAX]; /* its path, or the last path that was tried */
	bool in_preload;     /* LD_PRELOAD names a libcop.so already */
};

/**
 * library_is_named - whether a path's last part is the library's name
 * @path: the path
 */
bool library_is_named(const char *path);

/**
 * library_ours - find the library that belongs to this cop
 * @path: set to its path, or to the last path that was tried
 *
 * Returns whether there is a library that can be read.
 */
bool library_ours(char path[PATH_MAX]);

/**
 * library_find - find the library for new programs
 * @lib: filled in
 *
 * Returns ACTIVE, or the verdict that names what is wrong with the library.
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
