/* SPDX-License-Identifier: MIT */
/*
 * refused.h - processes that cop stat can't show, and why.
 */
#ifndef COP_TOOLS_REFUSED_H
#define COP_TOOLS_REFUSED_H

#include "target.h"

/* Processes of one kind, and the names of the first of them. */
struct refusal {
	int n;
	char names[512];
};

struct refused {
	bool is_silent; /* all was said before */
	int others;	/* not even known whether they have the library: of
			 * other users, */
	int own;	/* or protected ones of the same one */
	int versions;	/* they have one that is not known */
	struct refusal
		memory;	      /* they have it, but their memory can't be read */
	struct refusal slow;  /* it is in a file that may never be read */
	struct refusal stuck; /* looking at them did not end */
	struct refusal greedy; /* they took all that is spent on one */
};

/**
 * refused_maps - it can't be seen what a process has mapped
 * @refused: where it is noted
 * @t: the process
 * @err: errno, of which some mean that it has ended
 */
void refused_maps(struct refused *refused, const struct target *t, int err);

/**
 * refused_mem - a process has the library, but its memory can't be read
 * @refused: where it is noted
 * @t: the process, with its name
 */
void refused_mem(struct refused *refused, const struct target *t);

/**
 * refused_version - a process has another library by the name of ours
 * @refused: where it is noted; a line says so at once
 * @t: the process, with its name
 */
void refused_version(struct refused *refused, const struct target *t);

/**
 * refused_add - note a process
 * @refusal: of which kind
 * @t: the process, with its name
 */
void refused_add(struct refusal *refusal, const struct target *t);

/**
 * refused_say - say what there is to say of the processes, on stderr
 * @refused: what was noted
 * @is_one: only one was looked at, by request
 *
 * Returns whether that one can't be shown.
 */
bool refused_say(const struct refused *refused, bool is_one);

#endif /* COP_TOOLS_REFUSED_H */
