/* SPDX-License-Identifier: MIT */
/*
 * mapped.h - which libcop.so a process has.
 */
#ifndef COP_TOOLS_MAPPED_H
#define COP_TOOLS_MAPPED_H

#include "cop/export.h"
#include "target.h"

#define MAPPED_MAX 8 /* of one process: dlmopen() makes more than one */

/* What there is in a process that has the name or the symbol. */
struct mapped {
	int n; /* of those that can be read */
	struct cop_export export[MAPPED_MAX];
	bool is_named; /* there is a file of the library's name */
	char other[COP_EXPORT_VERSION]; /* the version of one that can't be
					 * read, or empty */
	bool has_other;			/* there is such a one */
};

/**
 * mapped_find - look through what a process has mapped
 * @t: the process
 * @found: what there is
 *
 * Returns 0, or an errno: EACCES where one may not even see that much.
 */
int mapped_find(struct target *t, struct mapped *found);

#endif /* COP_TOOLS_MAPPED_H */
