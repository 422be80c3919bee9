/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - descriptors that the library opens for a part of a call.
 */
#ifndef COP_SCRATCH_H
#define COP_SCRATCH_H

#include <signal.h>
#include <stdbool.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/process.h"

/*
 * A part of a call during which such a descriptor is open. On the caller's
 * stack.
 */
struct cop_scratch {
	sigset_t mask; /* the thread's signal mask before */
	int cancel;    /* its cancellation state before */
	int fd;	       /* the helper socket */
	int family;    /* its address family */
	bool counted;  /* whether it is in cop_process.scratch */
	bool inner;    /* an outer part has changed all this already, or nothing
			* may be changed, see cop_confined() */
};

/**
 * cop_scratch_begin - begin a part of a call that opens a descriptor
 * @scratch: filled in for cop_scratch_end()
 *
 * Until the end no signal handler runs in this thread, so none can jump out of
 * the part or fork during it. Only signals that an instruction raises come
 * through. Nothing cancels the thread. And no other thread copies the table of
 * descriptors by a call that the library sees: if one does so right now, this
 * waits for it, for 100 ms at most. Async-signal-safe, may be nested; errno
 * stays.
 */
void cop_scratch_begin(struct cop_scratch *scratch);

/**
 * cop_scratch_end - end the part, after its descriptor was closed
 * @scratch: from cop_scratch_begin()
 *
 * errno stays.
 */
void cop_scratch_end(struct cop_scratch *scratch);

/**
 * cop_scratch_hold - wait until all parts have ended, and let no new one begin
 *
 * Called before a fork, and before any other call that copies the table of
 * descriptors. Waits 1 s at most; the parts do not block. errno stays.
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

/* cop_copies_settle() while another call copies the table. */
void cop_copies_wait(void);

/**
 * cop_copies_settle - wait until all copies of the table of descriptors have ended that
 *	other threads had begun
 *
 * Called when the kernel has given a descriptor, and before the library records what it
 * leads to. So no child has the record without the descriptor. The kernel gives a
 * descriptor and copies the table under one lock: if the copy does not have the
 * descriptor, this call sees that a copy is being made. A copy that begins later has the
 * descriptor, so this call does not wait for it. Costs two loads; while another
 * thread forks it waits, for 1 s at most, and no signal handler runs.
 * Async-signal-safe; errno stays.
 */
static inline void cop_copies_settle(void)
{
	if (unlikely(READ_ONCE(cop_process_now()->copying)))
		cop_copies_wait();
}

#endif /* COP_SCRATCH_H */
