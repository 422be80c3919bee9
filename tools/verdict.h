/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - the verdicts about libcop and a program.
 */
#ifndef COP_TOOLS_VERDICT_H
#define COP_TOOLS_VERDICT_H

#include <stddef.h>

/* The numbers are the exit statuses of cop check, so they never change. */
enum verdict {
	ACTIVE = 0,
	INACTIVE = 1,
	NO_LIBRARY = 2,
	LIBRARY_PATH = 3,
	BAD_LIBRARY = 4,
	UNLOADABLE = 5,
	STATIC = 6,
	GO = 7,
	MACHINE = 8,
	MUSL = 9,
	OTHER_LIBC = 10,
	SET_ID = 11,
	CAPABILITIES = 12,
	NO_PROGRAM = 13,
	UNREADABLE = 14,
	UNKNOWN_LOADER = 15,
	NOT_EXECUTABLE = 126,
	NOT_FOUND = 127,
};

struct verdict_row {
	enum verdict code;
	const char *name; /* one word, for scripts */
	const char *text; /* why, and what to do; follows "PROGRAM: " */
};

extern const struct verdict_row cop_verdicts[];
extern const size_t cop_verdicts_count;

/**
 * verdict_row - get the table's row for a verdict
 * @verdict: the verdict
 */
const struct verdict_row *verdict_row(enum verdict verdict);

#endif /* COP_TOOLS_VERDICT_H */
