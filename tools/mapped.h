/* SPDX-License-Identifier: MIT */
/*
 * mapped.h - finds the libcop.so that a process has mapped.
 */
#ifndef COP_TOOLS_MAPPED_H
#define COP_TOOLS_MAPPED_H

#include "own.h"
#include "target.h"

#define MAPPED_MAX \
	8 /* the most in one process: dlmopen() loads more than one */

/* The libraries in a process that are ours, or have its name. */
struct mapped {
	int n; /* how many are ours */
	struct cop_export export[MAPPED_MAX];
	bool is_named;	/* a file of the library's name is mapped */
	bool has_other; /* such a file, or a library that has the name for the
			 * linker, is another build */
	bool is_slow;	/* such a file's pages may take for ever */
};

/**
 * mapped_find - find a library in a process's map
 * @t: the process; its ranges are set, and are valid until the next call
 * @own: our library
 * @found: filled in
 *
 * Returns 0, or an errno: EACCES if this user may not read the map.
 */
int mapped_find(struct target *t, const struct own *own, struct mapped *found);

#endif /* COP_TOOLS_MAPPED_H */
