/* SPDX-License-Identifier: MIT */
/*
 * mapped.h - which libcop.so a process has.
 */
#ifndef COP_TOOLS_MAPPED_H
#define COP_TOOLS_MAPPED_H

#include "own.h"
#include "target.h"

#define MAPPED_MAX 8 /* of one process: dlmopen() makes more than one */

/* What there is in a process of our library, or of others by its name. */
struct mapped {
	int n; /* of ours */
	struct cop_export export[MAPPED_MAX];
	bool is_named;	/* a file of the library's name is mapped */
	bool has_other; /* such a file is another library */
	bool is_slow;	/* such a file's pages may take for ever */
};

/**
 * mapped_find - look through what a process has mapped
 * @t: the process, which gets its ranges; good until the next call
 * @own: the library that is looked for
 * @found: what there is
 *
 * Returns 0, or an errno: EACCES where one may not even see that much.
 */
int mapped_find(struct target *t, const struct own *own, struct mapped *found);

#endif /* COP_TOOLS_MAPPED_H */
