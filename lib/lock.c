// SPDX-License-Identifier: MIT
/*
 * lib/lock.c - one thread at a time changes a kernel socket, where several
 * system calls belong together.
 *
 * A thread that waits by sched_yield() may wait for ever: on the same processor
 * it keeps a holder of lower priority from running. So the kernel does the
 * waiting, and lends the waiter's priority to the holder meanwhile
 * (FUTEX_LOCK_PI). The holder blocks signals until it unlocks. So its signal
 * handlers never find the lock held, and none of them leaves with the lock by a
 * longjmp().
 *
 * Owns: nothing. Protected by: atomic operations. Counterpart in the kernel:
 * lock_sock() in net/core/sock.c, and kernel/futex/pi.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "lib/process.h"
#include "lib/signals.h"

/*
 * No holder needs a second for its few system calls: after ten steps of 0.1 s the waiter
 * goes on without. If the whole process stops for longer (SIGSTOP, a machine that is
 * suspended), or the clock is set forward, only one step passes.
 */
#define LOCK_STEPS   10
#define LOCK_STEP_NS 100000000
#define NSEC_PER_SEC 1000000000

/*
 * A process may be stopped while it holds the lock: its waiters try for 0.1 s.
 */
#define SHARED_TRIES 1000
#define SHARED_NS    100000

static uint32_t thread_id(void)
{
	return cop_libc.syscall(SYS_gettid);
}

static int futex(_Atomic(uint32_t) *lock, int op, const struct timespec *until)
{
	return cop_libc_result(cop_libc.syscall(
		SYS_futex, lock, op | FUTEX_PRIVATE_FLAG, 0, until, NULL, 0));
}

/*
 * A holder that is no thread of this process was a thread of its parent: fork()
 * has copied the lock while it was held. In a vfork() child the holder may be a
 * thread of the parent that goes on, so there the answer is no.
 */
static bool is_left_behind(uint32_t holder)
{
	return cop_process_is_owner() &&
	       cop_libc_result(cop_libc.syscall(SYS_tgkill, getpid(), holder,
						0)) == -ESRCH;
}

static void step_end(struct timespec *until)
{
	cop_clock_read(CLOCK_REALTIME, until);
	until->tv_nsec += LOCK_STEP_NS;
	if (until->tv_nsec >= NSEC_PER_SEC) {
		until->tv_nsec -= NSEC_PER_SEC;
		until->tv_sec++;
	}
}

static noinline bool lock_slowly(_Atomic(uint32_t) *lock, uint32_t held,
				 uint32_t me)
{
	struct timespec until;
	int steps = LOCK_STEPS, err;

	if ((held & FUTEX_TID_MASK) == me)
		return false;
	do {
		if (held && is_left_behind(held & FUTEX_TID_MASK) &&
		    atomic_compare_exchange_strong(lock, &held, me))
			return true;
		step_end(&until);
		err = futex(lock, FUTEX_LOCK_PI, &until);
		held = atomic_load(lock);
	} while (err == -EAGAIN || err == -EINTR ||
		 ((err == -ETIMEDOUT || err == -ESRCH) && --steps));
	return !err;
}

void cop_lock(_Atomic(uint32_t) *lock, struct cop_held *held)
{
	int saved = errno;
	uint32_t none = 0, me;

	held->taken = false;
	held->begun = !cop_confined();
	if (!held->begun)
		return;
	held->cancel = cancel_off();
	signals_off(&held->signals);
	me = thread_id();
	held->taken = atomic_compare_exchange_strong(lock, &none, me) ||
		      lock_slowly(lock, none, me);
	errno = saved;
}

/*
 * Does nothing if another thread holds the lock: the sock has a new owner then. The
 * kernel hands the lock to a waiter; the addition of 0 orders that for
 * ThreadSanitizer, which sees no write of the kernel's.
 */
static void let_go(_Atomic(uint32_t) *lock)
{
	uint32_t me = thread_id(), held = me;

	if (atomic_compare_exchange_strong(lock, &held, 0) ||
	    (held & FUTEX_TID_MASK) != me)
		return;
	atomic_fetch_add(lock, 0);
	futex(lock, FUTEX_UNLOCK_PI, NULL);
}

void cop_unlock(_Atomic(uint32_t) *lock, struct cop_held *held)
{
	int saved = errno;

	if (!held->begun)
		return;
	if (held->taken)
		let_go(lock);
	signals_on(&held->signals);
	cancel_on(held->cancel);
	errno = saved;
}

static int set_shared(int fd, short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };

	return cop_libc_result(cop_libc.fcntl(fd, F_SETLK, (long)&all));
}

bool cop_lock_shared(int fd)
{
	const struct timespec moment = { .tv_nsec = SHARED_NS };
	int saved = errno, tries = SHARED_TRIES, err;

	while (((err = set_shared(fd, F_WRLCK)) == -EAGAIN || err == -EACCES) &&
	       --tries)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
	errno = saved;
	return !err;
}

void cop_unlock_shared(int fd)
{
	int saved = errno;

	set_shared(fd, F_UNLCK);
	errno = saved;
}
