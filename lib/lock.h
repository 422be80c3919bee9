/* SPDX-License-Identifier: MIT */
/*
 * lock.h - one thread at a time changes a kernel socket (its filter, its mark, the
 * head of its queue), or takes one in.
 */
#ifndef COP_LOCK_H
#define COP_LOCK_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What cop_lock() has changed, for cop_unlock(). */
struct cop_held {
	sigset_t signals; /* the signal mask before */
	int cancel;	  /* for cancel_on() */
	bool taken; /* false: an outer call holds the lock, or nobody does */
	bool begun; /* false: nothing was changed, see cop_confined() */
};

/**
 * cop_lock - keep the process's other threads from a kernel socket
 * @lock: the sock's lock or the table's: 0 if it is free, else its holder's
 *	thread id
 * @held: filled in for cop_unlock()
 *
 * For a few system calls that do not block. Signals are blocked and
 * cancellation is off until cop_unlock(), so that the thread itself does not
 * interrupt them. A waiter lends the holder its priority. A lock that a fork()
 * left held is taken over. After a second the caller goes on without the lock; time
 * in which the whole process is stopped does not count. Calls may be nested. Async-signal-safe; errno stays. Counterpart:
 * lock_sock().
 */
void cop_lock(_Atomic(uint32_t) *lock, struct cop_held *held);

/**
 * cop_unlock - let the other threads go on
 * @lock: that lock
 * @held: from cop_lock()
 *
 * Counterpart: release_sock().
 */
void cop_unlock(_Atomic(uint32_t) *lock, struct cop_held *held);

/**
 * cop_lock_shared - keep other processes from a kernel socket
 * @fd: a descriptor of it
 *
 * Called under cop_lock(). Locks by fcntl(), so the kernel unlocks when the
 * process ends. Tries for 0.1 s; then the caller goes on without the lock.
 * Returns whether it is locked; if so, the caller calls cop_unlock_shared().
 * errno stays.
 */
bool cop_lock_shared(int fd);
void cop_unlock_shared(int fd);

#endif /* COP_LOCK_H */
