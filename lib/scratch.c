// SPDX-License-Identifier: MIT
/*
 * lib/scratch.c - descriptors that the library opens for a part of a call. They
 * must not outlive the call: a helper socket that stays open holds a port. So a
 * thread that has one blocks signals, because a handler might jump out of the
 * call. And a fork, which would copy the descriptor, waits the few microseconds
 * until it is closed.
 *
 * The other way round a thread with a new descriptor waits for a fork. The kernel copies
 * the descriptors first and the memory later. If a thread closed a socket and recorded a
 * new one with the same number in between, the child would take the old socket for the
 * new one.
 *
 * Owns: cop_process.scratch and cop_process.copying. Protected by: atomic
 * operations, in this order: each side adds itself to its own count, then looks
 * at the other side's. Counterpart in the kernel: a struct file that has no
 * descriptor.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "lib/scratch.h"
#include "lib/signals.h"

#define WAIT_NS 100000000

/*
 * A busy machine may put a thread aside for long in the middle of a fork. But the fork
 * itself may wait for a thread that waits here: for the lock of malloc(), if a signal
 * handler has interrupted that.
 */
#define FORK_NS 1000000000

/* How many parts this thread is in, one inside the other. */
static __thread unsigned int depth __attribute__((tls_model("initial-exec")));

/* How often this thread has called cop_scratch_hold(), and in which process. */
static __thread unsigned int copies __attribute__((tls_model("initial-exec")));
static __thread int copies_in __attribute__((tls_model("initial-exec")));

static void futex_wait(_Atomic(uint32_t) *word, uint32_t is, int64_t ns)
{
	struct timespec most = { .tv_nsec = ns };

	cop_libc.syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, is, &most, NULL,
			 0);
}

static void futex_wake(_Atomic(uint32_t) *word)
{
	cop_libc.syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL,
			 NULL, 0);
}

/* vDSO reads this clock without the cycle counter: see cop_clock_spare_counter(). */
static int64_t coarse_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Waits until @word is 0, for @most ns at most. Returns whether it is. */
static bool wait_for_none(_Atomic(uint32_t) *word, int64_t most)
{
	int64_t end = coarse_ns() + most, left = most;
	int saved = errno;
	uint32_t is;

	while ((is = atomic_load(word)) && left > 0) {
		futex_wait(word, is, min_t(int64_t, left, WAIT_NS - 1));
		left = end - coarse_ns();
	}
	errno = saved;
	return !is;
}

static void leave(struct cop_process *process)
{
	int saved = errno;

	if (u32_add(&process->scratch, -1) == 1 &&
	    unlikely(atomic_load(&process->copying)))
		futex_wake(&process->scratch);
	errno = saved;
}

/*
 * A thread that copies the table itself does not wait: its own copy waits for
 * it.
 */
static bool copies_itself(void)
{
	return copies && copies_in == getpid();
}

static noinline void wait_for_copies(struct cop_process *process)
{
	if (copies_itself())
		return;
	leave(process);
	wait_for_none(&process->copying, WAIT_NS);
	u32_add(&process->scratch, 1);
}

/*
 * A vfork() child does not count: its descriptors are its own, and if it is
 * killed, nobody takes it off the count.
 */
static void enter(struct cop_scratch *scratch)
{
	struct cop_process *process = cop_process();

	scratch->counted = cop_process_is_owner();
	if (likely(scratch->counted)) {
		u32_add(&process->scratch, 1);
		if (unlikely(atomic_load(&process->copying)))
			wait_for_copies(process);
	}
}

/*
 * A handler can jump out of the first call here, and out of nothing behind it.
 */
static void begin(struct cop_scratch *scratch)
{
	signals_off(&scratch->mask);
	scratch->cancel = cancel_off();
	enter(scratch);
}

void cop_scratch_begin(struct cop_scratch *scratch)
{
	scratch->inner = depth || cop_confined();
	if (!scratch->inner)
		begin(scratch);
	depth++;
}

/* The last call here lets handlers run again. */
void cop_scratch_end(struct cop_scratch *scratch)
{
	depth--;
	if (scratch->inner)
		return;
	if (likely(scratch->counted))
		leave(cop_process());
	cancel_on(scratch->cancel);
	signals_on(&scratch->mask);
}

/*
 * In a child of clone() the parent's calls of cop_scratch_hold() do not count.
 */
static bool is_first_copy(void)
{
	int pid = getpid();

	if (copies_in != pid)
		copies = 0;
	copies_in = pid;
	return !copies++;
}

void cop_scratch_hold(void)
{
	struct cop_process *process = cop_process();

	if (!cop_process_is_owner() || !is_first_copy())
		return;
	u32_add(&process->copying, 1);
	wait_for_none(&process->scratch, WAIT_NS);
}

/* In a process with one thread nobody waits to be woken. */
void cop_scratch_release(void)
{
	struct cop_process *process = cop_process();
	int saved = errno;

	if (!copies || --copies)
		return;
	if (u32_add(&process->copying, -1) == 1 && !one_thread())
		futex_wake(&process->copying);
	errno = saved;
}

/*
 * After a wait in vain nobody waits again until the next fork: a signal handler may
 * have jumped out of the fork, which then never ends.
 */
static void wait_for_fork(void)
{
	static _Atomic(uint32_t)
		in_vain; /* forks at the last such wait, plus 1;
					   * 0: none */
	uint32_t forks = READ_ONCE(cop_process_forks) + 1;

	if (READ_ONCE(in_vain) != forks &&
	    !wait_for_none(&cop_process()->copying, FORK_NS))
		WRITE_ONCE(in_vain, forks);
}

noinline void cop_copies_wait(void)
{
	sigset_t mask;

	if (cop_confined() || copies_itself())
		return;
	signals_off(&mask);
	wait_for_fork();
	signals_on(&mask);
}

/* If the kernel could not wipe the page, it still has the parent's counts. */
void cop_scratch_reset(void)
{
	struct cop_process *process = cop_process();

	copies = 0;
	WRITE_ONCE(process->copying, 0);
	WRITE_ONCE(process->scratch, 0);
}
