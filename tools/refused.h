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
	bool is_full; /* there was no room for another name */
	char names[512];
};

struct refused {
	bool is_silent; /* the messages were printed before */
	int others;	/* processes of other users, whose map can't be read */
	int own;	/* processes of this user, whose map can't be read */
	int versions;	/* processes with another version of the library */
	struct refusal memory; /* have the library, memory can't be read */
	struct refusal slow;   /* library in a file that may stall a read */
	struct refusal stuck;  /* the read did not end */
	int unseen;	       /* processes for which no time was left */
	struct refusal greedy; /* the budget of one process was too small */
};

/**
 * refused_maps - note that a process's map can't be read
 * @refused: the notes
 * @t: the process
 * @err: errno; some values mean that the process has ended
 */
void refused_maps(struct refused *refused, const struct target *t, int err);

/**
 * refused_mem - note that a process has the library, but its memory can't be
 * read
 * @refused: the notes
 * @t: the process, with its name
 */
void refused_mem(struct refused *refused, const struct target *t);

/**
 * refused_version - note that a process has another library with our library's
 * name
 * @refused: the notes; prints a line at once
 * @t: the process, with its name
 */
void refused_version(struct refused *refused, const struct target *t);

/**
 * refused_add - note a process
 * @refusal: the kind of refusal
 * @t: the process, with its name
 */
void refused_add(struct refusal *refusal, const struct target *t);

/**
 * refused_say - print the notes on stderr
 * @refused: the notes
 * @is_one: the user has asked for one process only
 *
 * Returns whether that process can't be shown.
 */
bool refused_say(const struct refused *refused, bool is_one);

#endif /* COP_TOOLS_REFUSED_H */
