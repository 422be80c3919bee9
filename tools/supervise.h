/* SPDX-License-Identifier: MIT */
/*
 * supervise.h - runs work that may never end in a child process, and watches
 * it.
 */
#ifndef COP_TOOLS_SUPERVISE_H
#define COP_TOOLS_SUPERVISE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "refused.h"

#define SKIPPED_MAX 256

/*
 * Memory that the worker and its supervisor share. A new worker goes on where
 * the last one was given up.
 */
struct progress {
	_Atomic(int) at;	    /* the process being read, 0: none */
	_Atomic(int) beats;	    /* changes while there is progress */
	_Atomic(int) rows, columns; /* the terminal's size, 0: no terminal */
	int after;		    /* go on with processes of higher numbers */
	bool is_first;	  /* this is the first reading of all processes */
	bool has_heading; /* the heading is printed */
	int skipped[SKIPPED_MAX]; /* processes not to read again */
	unsigned int n_skipped;	  /* how many were put there so far */
	struct refused refused;
};

/**
 * supervise - do work in a worker, and in another worker if the first one is
 * stuck
 * @work: does the work in the worker, whose stdout and stderr lead to those of
 *	this process. Returns the status to exit with
 * @arg: passed to @work
 *
 * If a worker makes no progress with a process for half a second, it is given
 * up. The process is noted, and the next worker begins behind it.
 *
 * Returns the status to exit with.
 */
int supervise(int (*work)(void *arg, struct progress *p), void *arg);

/**
 * supervise_beat - tell the supervisor that there is progress
 *
 * Does nothing outside a worker.
 */
void supervise_beat(void);

#endif /* COP_TOOLS_SUPERVISE_H */
