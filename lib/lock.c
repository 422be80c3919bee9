// SPDX-License-Identifier: MIT
/*
 * lib/lock.c - one at a time at a kernel socket, for what takes several system
 * calls that belong together.
 *
 * A lock that is waited for by yielding is never had by a thread of higher priority
 * than the holder's on the same processor. So the kernel is asked to wait, and to
 * let the holder run meanwhile with the waiter's priority (FUTEX_LOCK_PI). The
 * holder's own signal handlers can't find it held, since signals are blocked until
 * it lets go; nor can one of them leave with it by a longjmp().
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
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "lib/process.h"

/* Longer than a few system calls take on any machine: it is lost. */
#define LOCK_SECONDS 1

/* Of another process, which may be stopped amid it. */
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

/* What a signal handler can't put off is left to be handled, or to kill. */
static void signals_off(sigset_t *were)
{
	sigset_t most;

	sigfillset(&most);
	sigdelset(&most, SIGSEGV);
	sigdelset(&most, SIGBUS);
	sigdelset(&most, SIGILL);
	sigdelset(&most, SIGFPE);
	sigdelset(&most, SIGTRAP);
	sigdelset(&most, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &most, were);
}

/*
 * A holder that is no thread of this process was one of the parent's when this was
 * forked off it. In a vfork() child it may be one of the parent's that goes on.
 */
static bool is_left_behind(uint32_t holder)
{
	return cop_process_is_owner() &&
	       cop_libc_result(cop_libc.syscall(SYS_tgkill, getpid(), holder,
						0)) == -ESRCH;
}

static noinline bool lock_slowly(_Atomic(uint32_t) *lock, uint32_t held,
				 uint32_t me)
{
	struct timespec until;
	int err;

	if ((held & FUTEX_TID_MASK) == me)
		return false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOCK_SECONDS;
	do {
		if (held && is_left_behind(held & FUTEX_TID_MASK) &&
		    atomic_compare_exchange_strong(lock, &held, me))
			return true;
		err = futex(lock, FUTEX_LOCK_PI, &until);
		held = atomic_load(lock);
	} while (err == -EAGAIN || err == -ESRCH || err == -EINTR);
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

/* Where the sock's memory has a new owner by now, the lock is not ours. */
static void let_go(_Atomic(uint32_t) *lock)
{
	uint32_t me = thread_id(), held = me;

	if (!atomic_compare_exchange_strong(lock, &held, 0) &&
	    (held & FUTEX_TID_MASK) == me)
		futex(lock, FUTEX_UNLOCK_PI, NULL);
}

void cop_unlock(_Atomic(uint32_t) *lock, struct cop_held *held)
{
	int saved = errno;

	if (!held->begun)
		return;
	if (held->taken)
		let_go(lock);
	pthread_sigmask(SIG_SETMASK, &held->signals, NULL);
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
