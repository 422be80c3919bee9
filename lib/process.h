/* SPDX-License-Identifier: MIT */
/*
 * process.h - which process this memory belongs to.
 */
#ifndef COP_PROCESS_H
#define COP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#define COP_RANDOM_POOL 256

/*
 * What a forked child must not share with its parent: the kernel hands the
 * child a page of zeros in its place (MADV_WIPEONFORK), however it was forked.
 */
struct cop_process {
	_Atomic(int) owner;	      /* (a) process id once memory may be
				       * shared with a child, else 0 */
	_Atomic(uint32_t) parting;    /* (a) number of this process once a
				       * thread has left the table, else 0 */
	_Atomic(int) member;	      /* (a) a thread that had the table then */
	_Atomic(uint32_t) id;	      /* (a) another for each process, never 0
				       * once asked for */
	_Atomic(int) first;	      /* (a) 1 in the process that started the
				       * program, 0 in those forked off it */
	_Atomic(uint32_t) naming;     /* (a) calls under way that may change the
				       * port of a sock, whichever */
	_Atomic(uint32_t) scratch;    /* (a) parts of calls that have a
				       * descriptor of the library's own */
	_Atomic(uint32_t) copying;    /* (a) copies of the table of descriptors
				       * under way */
	_Atomic(uint32_t) random_pos; /* (a) of cop_random(): numbers drawn */
	_Atomic(uint32_t) random_pool[COP_RANDOM_POOL]; /* (a) and its stock */
};

/* (a) NULL until it is mapped; for cop_process(), and for inet/export.c. */
extern _Atomic(struct cop_process *) cop_process_page;

/**
 * cop_process - this process's own page
 *
 * Returns the page, mapped at the first call. Lock-free, async-signal-safe.
 */
struct cop_process *cop_process(void);

/**
 * cop_process_share - note that a child may be about to share this memory
 *
 * Called ahead of vfork() and of a clone() like it. Async-signal-safe.
 */
void cop_process_share(void);

/**
 * cop_process_part - note that this thread is about to leave the others' table
 *
 * Called ahead of unshare(CLONE_FILES) and what does the same: the thread then
 * has descriptors of its own, as a vfork() child has. Nothing is noted where
 * there is no other thread. Returns whether it parted just now, in which case a
 * failure of the call is followed by cop_process_rejoin(). Async-signal-safe;
 * errno stays.
 */
bool cop_process_part(void);

/**
 * cop_process_rejoin - undo cop_process_part()
 */
void cop_process_rejoin(void);

/**
 * cop_process_has_parted - whether the calling thread has left the others' table
 *
 * True as well for a thread that one of these has made. Async-signal-safe; errno
 * stays.
 */
bool cop_process_has_parted(void);

/**
 * cop_process_tear - note that a child is being made without fork()'s handlers
 * cop_process_mend - note, in the parent, that it has been made
 *
 * In the child what other threads had in their hands, as malloc()'s locks, stays
 * so. Async-signal-safe.
 */
void cop_process_tear(void);
void cop_process_mend(void);

/**
 * cop_process_is_torn - whether this is such a child
 *
 * May say yes where another thread is just making one.
 */
bool cop_process_is_torn(void);

/**
 * cop_process_is_owner - whether the caller may change the descriptor table
 *
 * False where the caller shares the memory but not the descriptors: in the child
 * that vfork() makes, in a thread that has parted, and in the threads that such a
 * thread makes. There, closing a descriptor says nothing about the one in the
 * table. Costs a system call in a process that has ever called vfork() or
 * unshare(), else a load. Async-signal-safe; errno stays.
 */
bool cop_process_is_owner(void);

/**
 * cop_process_is_alone - whether there is no other thread
 *
 * May say no where there is none. May cost a system call: not for what happens
 * often. Async-signal-safe; errno stays.
 */
bool cop_process_is_alone(void);

/**
 * cop_process_is_remnant - whether a fork may have left other threads behind
 *
 * True in a child that was forked off a process with threads, once it has none
 * itself: what was in their hands then is in nobody's here. Where there never
 * was but one thread, whatever seems to be in nobody's hands is in those of a
 * call that a signal handler has interrupted. May say yes in any forked child
 * that had threads. As costly as cop_process_is_alone(). Async-signal-safe;
 * errno stays.
 */
bool cop_process_is_remnant(void);

#endif /* COP_PROCESS_H */
