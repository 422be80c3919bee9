/* SPDX-License-Identifier: MIT */
/*
 * process.h - which process this memory belongs to.
 */
#ifndef COP_PROCESS_H
#define COP_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

#define COP_RANDOM_POOL 256

/*
 * Values that a forked child must not share with its parent. The kernel gives
 * the child a page of zeros in their place (MADV_WIPEONFORK), in every kind of
 * fork.
 */
struct cop_process {
	_Atomic(int) owner;	      /* (a) process id once memory may be
				       * shared with a child, else 0 */
	_Atomic(uint32_t) parting;    /* (a) number of this process once a
				       * thread has left the table, else 0 */
	_Atomic(int) member;	      /* (a) a thread that kept the table, or
				       * 0 */
	_Atomic(uint32_t) id;	      /* (a) random number of this process, 0
				       * until it is first needed */
	_Atomic(int) first;	      /* (a) 1 in the process that started the
				       * program, 0 in its forked children */
	_Atomic(uint32_t) naming;     /* (a) calls in progress that may change
				       * the port of any sock */
	_Atomic(uint32_t) scratch;    /* (a) scratch parts in progress, see
				       * lib/scratch.h */
	_Atomic(uint32_t) copying;    /* (a) calls in progress that copy the
				       * table of descriptors: two counts of
				       * 16 bits */
	_Atomic(uint32_t) period;     /* (a) its lowest bit says which of the
				       * two a new call adds itself to */
	_Atomic(uint32_t) random_pos; /* (a) numbers that cop_random() gave */
	_Atomic(uint32_t) random_pool[COP_RANDOM_POOL]; /* (a) its stock */
};

/*
 * (a) A page of zeros until cop_process_map() has mapped one. Only cop_process(),
 * cop_process_now() and inet/export.c use it.
 */
extern _Atomic(struct cop_process *) cop_process_page HIDDEN;
extern struct cop_process cop_process_none HIDDEN; /* (c) that page of zeros */

/* cop_process() for the first call. */
struct cop_process *cop_process_map(void);

/* The page, or one of zeros that nobody may change: a value of 0 is for cop_process(). */
static inline struct cop_process *cop_process_now(void)
{
	return atomic_load_explicit(&cop_process_page, memory_order_acquire);
}

/**
 * cop_process - this process's own page
 *
 * Returns the page, mapped at the first call. Lock-free, async-signal-safe.
 */
static inline struct cop_process *cop_process(void)
{
	struct cop_process *page = cop_process_now();

	return likely(page != &cop_process_none) ? page : cop_process_map();
}

/* (a) How often this process has forked, and each process that it was forked off. */
extern _Atomic(uint32_t) cop_process_forks;

/**
 * cop_process_share - note that a child may share this memory soon
 *
 * Called before vfork() and before a clone() of that kind. Async-signal-safe.
 */
void cop_process_share(void);

/**
 * cop_process_part - note that this thread will have its own descriptor table
 *
 * Called before unshare(CLONE_FILES), and before other calls that do the same:
 * then the thread has descriptors of its own, as a vfork() child has. Does
 * nothing if the process has no other thread. Returns true if this call has
 * noted it: if the program's call then fails, the caller calls
 * cop_process_rejoin(). Async-signal-safe; errno stays.
 */
bool cop_process_part(void);

/**
 * cop_process_rejoin - undo cop_process_part()
 */
void cop_process_rejoin(void);

/**
 * cop_process_has_parted - whether this thread has its own descriptor table
 *
 * Also true for a thread that such a thread has created. Async-signal-safe;
 * errno stays.
 */
bool cop_process_has_parted(void);

/**
 * cop_process_tear - note that a child is created without fork()'s handlers
 * cop_process_mend - note, in the parent, that the child exists
 *
 * In such a child every lock that another thread held stays locked, malloc()'s
 * locks too. Async-signal-safe.
 */
void cop_process_tear(void);
void cop_process_mend(void);

/**
 * cop_process_is_torn - whether this process is a child of that kind
 *
 * May say yes in the parent while another thread creates such a child.
 */
bool cop_process_is_torn(void);

/**
 * cop_process_forked - note, in the child of a fork(), whether threads are lost
 * cop_process_lost_threads - whether this process began without its parent's threads
 *
 * Such a process never knows what they had begun, even when it has threads itself.
 * Async-signal-safe.
 */
void cop_process_forked(void);
bool cop_process_lost_threads(void);

/**
 * cop_process_is_owner - whether the caller may change the descriptor table
 *
 * False if the caller shares the memory but not the descriptors: in a vfork()
 * child, in a thread that cop_process_part() has noted, and in threads that
 * such a thread creates. There a close() says nothing about the descriptor in
 * the table. Costs a load; in a process that has called vfork() or unshare() a
 * system call. Async-signal-safe; errno stays.
 */
bool cop_process_is_owner(void);

/**
 * cop_process_is_alone - whether the process has one thread only
 *
 * May say no although it has only one. May cost a system call, so do not call
 * it often. Async-signal-safe; errno stays.
 */
bool cop_process_is_alone(void);

/**
 * cop_process_is_remnant - whether a fork may have left other threads behind
 *
 * True in a child with one thread that was forked off a process with several.
 * Here nobody finishes what the other threads had begun. In a process that
 * always had one thread the answer is no: there it is a call below a signal
 * handler that has begun something, and it will finish it. May also say yes in
 * a forked child that once had threads itself. Costs as much as
 * cop_process_is_alone(). Async-signal-safe; errno stays.
 */
bool cop_process_is_remnant(void);

#endif /* COP_PROCESS_H */
