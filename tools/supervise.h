/* SPDX-License-Identifier: MIT */
/*
 * supervise.h - work that may never come to an end, and somebody who notices.
 */
#ifndef COP_TOOLS_SUPERVISE_H
#define COP_TOOLS_SUPERVISE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "refused.h"

#define SKIPPED_MAX 256

/*
 * What the worker and its supervisor both see. A new worker goes on where the last
 * one ended.
 */
struct progress {
	_Atomic(int) at;	    /* the process that is looked at, 0: none */
	_Atomic(int) beats;	    /* moves while there is progress */
	_Atomic(int) rows, columns; /* of the terminal, 0: there is none */
	int after;	  /* go on with processes that have higher numbers */
	bool is_first;	  /* it is the first look at all of them */
	bool has_heading; /* that is printed */
	int skipped[SKIPPED_MAX]; /* processes not to look at again */
	unsigned int n_skipped;	  /* that were put there, over time */
	struct refused refused;
};

/**
 * supervise - have a worker work, and another one if it does not come to an end
 * @work: does it, in a process of its own, with stdout and stderr that lead to
 *	those of this process. Returns what to exit with
 * @arg: is given to @work as well
 *
 * Where a worker makes no progress with a process for half a second, it is given
 * up, the process is noted, and the next worker begins behind it.
 *
 * Returns what to exit with.
 */
int supervise(int (*work)(void *arg, struct progress *p), void *arg);

/**
 * supervise_beat - say that there is progress
 *
 * Does nothing outside a worker.
 */
void supervise_beat(void);

#endif /* COP_TOOLS_SUPERVISE_H */
