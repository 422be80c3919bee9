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

/* Exit status: the reading did not come to its end. */
#define EXIT_CUT 3

/*
 * Memory that the worker and its supervisor share. A new worker goes on where
 * the last one was given up.
 */
struct progress {
	_Atomic(int) at;	    /* the process being read, 0: none */
	_Atomic(int) beats;	    /* changes while there is progress */
	_Atomic(int) readings;	    /* how many readings have ended */
	_Atomic(bool) is_paused;    /* the worker waits for the next reading */
	_Atomic(int) rows, columns; /* the terminal's size, 0: no terminal */
	int after;		    /* go on with processes of higher numbers */
	bool is_over;		    /* read no more processes, only report */
	bool is_first;	  /* this is the first reading of all processes */
	bool has_heading; /* the heading is printed */
	int skipped[SKIPPED_MAX]; /* processes not to read again */
	unsigned int n_skipped;	  /* how many were put there so far */
	struct refused refused;
};

/* In milliseconds. Time during which nobody reads the output does not count. */
struct limits {
	int patience; /* how long a worker may sleep without progress */
	int hurry;    /* the same, after several processes were given up */
	int busy;     /* processor time that it may take without progress */
	int reading;  /* how long one reading of all processes may take */
};

/**
 * supervise - do work in a worker, and in another worker if the first one is
 * stuck
 * @work: does the work in the worker, whose stdout and stderr lead to those of
 *	this process. Returns the status to exit with
 * @arg: passed to @work
 * @limits: when to give up a worker
 *
 * If a worker makes no progress with a process, or dies, it is given up. The
 * process is noted, and the next worker begins behind it. If a reading takes
 * too long, or a worker is given up outside a process, the next worker only
 * reports (@is_over), and there is no other worker after it.
 *
 * Output reaches stdout and stderr in whole lines. A worker ends with this
 * process, and after the same processor time as a reading may take.
 *
 * Returns the status to exit with, EXIT_CUT if no worker could report.
 */
int supervise(int (*work)(void *arg, struct progress *p), void *arg,
	      const struct limits *limits);

/**
 * supervise_beat - tell the supervisor that there is progress
 *
 * Does nothing outside a worker.
 */
void supervise_beat(void);

/**
 * supervise_begin - tell the supervisor that a reading begins or goes on
 *
 * Only in a worker.
 */
void supervise_begin(void);

/**
 * supervise_pause - tell the supervisor that a reading has ended, and that the
 * worker waits for the next one
 *
 * Only in a worker.
 */
void supervise_pause(void);

#endif /* COP_TOOLS_SUPERVISE_H */
