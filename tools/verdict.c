// SPDX-License-Identifier: MIT
/*
 * verdict.c - the table of all verdicts about libcop and a program. cop(1) has
 * the same table, and a test compares them.
 */
#include "verdict.h"

const struct verdict_row cop_verdicts[] = {
	{ ACTIVE, "active", "libcop acts in it" },
	{ INACTIVE, "inactive",
	  "LD_PRELOAD has no libcop here: start programs with cop run" },
	{ NO_LIBRARY, "no-library",
	  "there is no libcop.so that can be read: make install puts it "
	  "where cop looks" },
	{ LIBRARY_PATH, "library-path",
	  "LD_PRELOAD can't have a path with a space, a colon or a $: "
	  "move libcop.so to another directory" },
	{ BAD_LIBRARY, "bad-library",
	  "is no library for this machine: build libcop.so again" },
	{ UNLOADABLE, "unloadable",
	  "its loader does not load libcop.so: correct what the loader "
	  "reports" },
	{ STATIC, "static",
	  "is statically linked, so no library gets into it: take a build "
	  "that is dynamically linked" },
	{ GO, "go",
	  "is a Go program, which makes its system calls itself, past every "
	  "library: LD_PRELOAD can't reach it" },
	{ MACHINE, "machine",
	  "is for another machine or word length than libcop.so: build "
	  "libcop.so for that" },
	{ MUSL, "musl",
	  "is linked with musl, whose loader can't load a library for glibc: "
	  "take a build for glibc" },
	{ OTHER_LIBC, "libc",
	  "its loader is not glibc's, which libcop.so is for: take a build "
	  "for glibc" },
	{ SET_ID, "set-id",
	  "runs with another user's or group's rights, so its loader ignores "
	  "LD_PRELOAD: start it as that user" },
	{ CAPABILITIES, "capabilities",
	  "gets capabilities from its file, so its loader ignores LD_PRELOAD: "
	  "start it as root, or give them by setpriv --ambient-caps" },
	{ NO_PROGRAM, "no-program",
	  "is a loader or a library: name the program itself" },
	{ UNREADABLE, "unreadable",
	  "may be executed but not read, so cop can't tell whether libcop "
	  "acts in it" },
	{ UNKNOWN_LOADER, "unknown-loader",
	  "its loader is not one of the system's, and cop check runs no other, "
	  "so it can't tell whether libcop acts in it" },
	{ NOT_EXECUTABLE, "not-executable", "can't be executed" },
	{ NOT_FOUND, "not-found", "is not found" },
};

const size_t cop_verdicts_count = sizeof(cop_verdicts) / sizeof(*cop_verdicts);

const struct verdict_row *verdict_row(enum verdict verdict)
{
	const struct verdict_row *row = cop_verdicts;

	while (row->code != verdict)
		row++;
	return row;
}
