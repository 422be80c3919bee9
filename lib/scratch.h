/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - descriptors that the library opens for part of a call.
 */
#ifndef COP_SCRATCH_H
#define COP_SCRATCH_H

#include <signal.h>
#include <stdbool.h>

/* A part of a call that has such a descriptor; on the caller's stack. */
struct cop_scratch {
	sigset_t mask; /* the thread's signal mask before */
	int cancel;    /* its cancellation state before */
	bool counted;  /* whether cop_process.scratch has it */
	bool inner;    /* it is part of another, which has all this; or nothing
			* may be changed, see cop_confined() */
};

/**
 * cop_scratch_begin - begin a part of a call that opens a descriptor
 * @scratch: to be given to cop_scratch_end()
 *
 * Until the end no signal handler runs in this thread, so that none can jump out
 * of it or fork amid it; it is not cancelled; and no other thread copies the
 * table of descriptors by a call that the library sees. Signals that an
 * instruction raises come through. Waits for such a copy that is under way, 100
 * ms at most. Async-signal-safe, may be nested; errno stays.
 */
void cop_scratch_begin(struct cop_scratch *scratch);

/**
 * cop_scratch_end - end it, with the descriptor closed again
 * @scratch: from cop_scratch_begin()
 *
 * errno stays.
 */
void cop_scratch_end(struct cop_scratch *scratch);

/**
 * cop_scratch_socket, cop_scratch_close - a kernel socket to ask things of
 * @scratch: begun by the first one, if there is a socket, and ended by the second
 * @fd: from cop_scratch_socket()
 *
 * The first returns a UDP socket's descriptor, or -1 and errno.
 */
int cop_scratch_socket(struct cop_scratch *scratch);
void cop_scratch_close(struct cop_scratch *scratch, int fd);

/**
 * cop_scratch_hold - wait until no thread has such a descriptor, and let none
 *	open one
 *
 * Ahead of a fork, and of whatever else copies the table of descriptors. Waits 100
 * ms at most; the parts it waits for do not block. errno stays.
 */
void cop_scratch_hold(void);

/**
 * cop_scratch_release - undo cop_scratch_hold()
 */
void cop_scratch_release(void);

/**
 * cop_scratch_reset - undo cop_scratch_hold() in the child of a fork
 */
void cop_scratch_reset(void);

#endif /* COP_SCRATCH_H */
