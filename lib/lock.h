/* SPDX-License-Identifier: MIT */
/*
 * lock.h - one at a time at a kernel socket: its filter, its mark, the head of its
 * queue.
 */
#ifndef COP_LOCK_H
#define COP_LOCK_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What cop_lock() has changed, for cop_unlock(). */
struct cop_held {
	sigset_t signals; /* that were blocked */
	int cancel;	  /* for cancel_on() */
	bool taken; /* false: the thread has it already, or goes without */
	bool begun; /* false: nothing was changed, see cop_confined() */
};

/**
 * cop_lock - keep the process's other threads from a kernel socket
 * @lock: the sock's; 0: nobody has it, else its holder's thread id
 * @held: what cop_unlock() is to be given
 *
 * For a few system calls that do not block. Signals are held off and cancellation
 * is off until cop_unlock(), so that nothing of the thread's own comes in between.
 * Whoever waits lends the holder his priority. One that was left behind by a fork
 * is taken over. Calls may be nested. Async-signal-safe; errno stays.
 * Counterpart: lock_sock().
 */
void cop_lock(_Atomic(uint32_t) *lock, struct cop_held *held);

/**
 * cop_unlock - let the others go on
 * @lock: as cop_lock() was given it
 * @held: what that has filled in
 *
 * Counterpart: release_sock().
 */
void cop_unlock(_Atomic(uint32_t) *lock, struct cop_held *held);

/**
 * cop_lock_shared - keep other processes from a kernel socket
 * @fd: a descriptor of it
 *
 * Under cop_lock(). A lock by fcntl(), which the kernel gives back whatever becomes
 * of the process. Where one can't be had for 0.1 s, the caller goes without.
 * Returns whether it was had; then cop_unlock_shared() is to follow. errno stays.
 */
bool cop_lock_shared(int fd);
void cop_unlock_shared(int fd);

#endif /* COP_LOCK_H */
