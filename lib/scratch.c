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
 * It need not wait for the forks that begin behind it, as other threads may fork without a
 * pause. So the forks count themselves in two halves of cop_process.copying, as the readers
 * of SRCU do. See wait_for_forks().
 *
 * Owns: cop_process.scratch, copying and period. Protected by: atomic
 * operations, in this order: each side adds itself to its own count, then looks
 * at the other side's. Counterpart in the kernel: a struct file that has no
 * descriptor; for the two halves synchronize_srcu() in kernel/rcu/srcutree.c.
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

/*
 * How often this thread has called cop_scratch_hold(), times ONE_COPY, and which half of
 * cop_process.copying counts it; and in which process. One store sets the number and the
 * half, because a signal handler may fork ahead of it or behind it.
 */
#define ONE_COPY 2
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

/* In a child of clone() the parent's calls of cop_scratch_hold() do not count. */
static bool has_copies(int pid)
{
	return copies >= ONE_COPY && copies_in == pid;
}

/*
 * A thread that copies the table itself does not wait: its own copy waits for
 * it.
 */
static bool copies_itself(void)
{
	return copies >= ONE_COPY && has_copies(getpid());
}

/*
 * Another copy may begin when this thread has seen the end of one, and is not in the count
 * yet. So it looks again.
 */
static noinline void wait_for_copies(struct cop_process *process)
{
	int64_t end = coarse_ns() + WAIT_NS;

	if (copies_itself())
		return;
	do {
		leave(process);
		wait_for_none(&process->copying, end - coarse_ns());
		u32_add(&process->scratch, 1);
	} while (atomic_load(&process->copying) && coarse_ns() < end);
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

/* ---- forks ---------------------------------------------------------------- */

#define HALF_BITS 16
#define HALVES	  3 /* a bit for each */

static uint32_t one_in(unsigned int half)
{
	return 1u << half * HALF_BITS;
}

static uint32_t count_of(uint32_t copying, unsigned int half)
{
	return copying >> half * HALF_BITS & (one_in(1) - 1);
}

/* If the half changes here, a wait for the other half takes longer by this one fork. */
static void count_copy(struct cop_process *process)
{
	const unsigned int half = atomic_load(&process->period) & 1;

	u32_add(&process->copying, one_in(half));
	copies_in = getpid();
	atomic_signal_fence(memory_order_seq_cst);
	copies = ONE_COPY | half;
}

void cop_scratch_hold(void)
{
	struct cop_process *process = cop_process();

	if (!cop_process_is_owner())
		return;
	if (unlikely(copies_itself())) {
		copies += ONE_COPY;
		return;
	}
	count_copy(process);
	wait_for_none(&process->scratch, FORK_NS);
}

/*
 * A handler that forks while its thread counts itself leaves the child with nothing to
 * take off. In a process with one thread nobody waits to be woken.
 */
static void uncount_copy(struct cop_process *process, unsigned int half)
{
	uint32_t is = READ_ONCE(process->copying);

	while (count_of(is, half))
		if (u32_cas(&process->copying, &is, is - one_in(half)))
			break;
	if (count_of(is, half) == 1 && !one_thread())
		futex_wake(&process->copying);
}

void cop_scratch_release(void)
{
	int saved = errno;

	if (!copies_itself())
		return;
	copies -= ONE_COPY;
	if (copies < ONE_COPY)
		uncount_copy(cop_process(), copies);
	errno = saved;
}

/* What a thread knows that waits for forks. */
struct fork_wait {
	uint32_t first;	      /* cop_process.period when it began */
	unsigned int drained; /* a bit for each half that was 0 since then */
};

/*
 * Whether all forks have ended that had begun before @wait. The wait is over once each
 * half was 0. The half in which new forks count themselves may never be. So as soon as
 * the other half is 0, a waiting thread exchanges the two. A change of the period says that
 * another thread has seen the other half at 0: since this one began, if it is not the first
 * change.
 */
static bool forks_have_ended(struct cop_process *process,
			     struct fork_wait *wait, uint32_t *is)
{
	uint32_t period;

	for (;;) {
		period = atomic_load(&process->period);
		*is = atomic_load(&process->copying);
		for (unsigned int half = 0; half < 2; half++)
			if (!count_of(*is, half))
				wait->drained |= 1u << half;
		if (wait->drained == HALVES || period - wait->first > 2)
			return true;
		if (count_of(*is, ~period & 1))
			return false;
		u32_cas(&process->period, &period, period + 1);
	}
}

/* Waits for the forks that have begun, for @most ns at most. Returns whether they ended. */
static bool wait_for_forks(struct cop_process *process, int64_t most)
{
	struct fork_wait wait = { .first = atomic_load(&process->period) };
	int64_t end = coarse_ns() + most, left = most;
	int saved = errno;
	uint32_t is;
	bool ended;

	while (!(ended = forks_have_ended(process, &wait, &is)) && left > 0) {
		futex_wait(&process->copying, is,
			   min_t(int64_t, left, WAIT_NS - 1));
		left = end - coarse_ns();
	}
	errno = saved;
	return ended;
}

/*
 * After a wait in vain nobody waits again until the next fork: a signal handler may
 * have jumped out of the fork, which then never ends.
 */
static void wait_unless_in_vain(void)
{
	static _Atomic(uint32_t)
		in_vain; /* forks at the last such wait, plus 1;
					   * 0: none */
	uint32_t forks = READ_ONCE(cop_process_forks) + 1;

	if (READ_ONCE(in_vain) != forks &&
	    !wait_for_forks(cop_process(), FORK_NS))
		WRITE_ONCE(in_vain, forks);
}

noinline void cop_copies_wait(void)
{
	sigset_t mask;

	if (cop_confined() || copies_itself())
		return;
	signals_off(&mask);
	wait_unless_in_vain();
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
