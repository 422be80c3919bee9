// SPDX-License-Identifier: MIT
/*
 * test_scratch.c - lib/scratch.c: descriptors that are open for part of a call.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

#include "lib/libc.h"
#include "lib/process.h"
#include "lib/scratch.h"
#include "unit/helpers.h"
#include "unit/step.h"

TestSuite(cop_scratch, .init = t_init, .timeout = 20);

static const int raised[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS
};

static bool is_held_off(int sig)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, sig);
}

static bool is_raised(int sig)
{
	for (size_t i = 0; i < ARRAY_SIZE(raised); i++)
		if (raised[i] == sig)
			return true;
	return false;
}

Test(cop_scratch, only_signals_that_an_instruction_raises_are_not_blocked)
{
	struct cop_scratch outer, inner;

	cop_scratch_begin(&outer);
	cop_scratch_begin(&inner);
	cop_scratch_end(&inner);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			cr_assert(eq(int, is_held_off(sig), !is_raised(sig)),
				  "%d", sig);
	cop_scratch_end(&outer);
	for (int sig = 1; sig < 32; sig++)
		cr_assert(not(is_held_off(sig)), "%d", sig);
}

Test(cop_scratch, the_signal_mask_and_the_cancellation_state_are_restored)
{
	struct cop_scratch part;
	sigset_t usr1;
	int state;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	cop_scratch_begin(&part);
	cop_scratch_end(&part);
	cr_assert(is_held_off(SIGUSR1));
	cr_assert(not(is_held_off(SIGUSR2)));
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	cr_assert(eq(int, state, PTHREAD_CANCEL_DISABLE));
}

/* ---- who waits for whom ------------------------------------------------- */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

static _Atomic(bool) begun, ended;

static void *have_one(void *arg)
{
	struct cop_scratch part;

	cop_scratch_begin(&part);
	begun = true;
	pause_ms(20);
	ended = true;
	cop_scratch_end(&part);
	return arg;
}

Test(cop_scratch, a_copy_waits_until_the_descriptor_is_closed)
{
	pthread_t thread;

	pthread_create(&thread, NULL, have_one, NULL);
	while (!begun)
		pause_ms(1);
	cop_scratch_hold();
	cr_assert(ended);
	cr_assert(zero(u32, cop_process()->scratch));
	cop_scratch_release();
	pthread_join(thread, NULL);
	cr_assert(zero(u32, cop_process()->copying));
}

Test(cop_scratch, a_descriptor_waits_until_the_copy_is_made)
{
	pthread_t thread;

	cop_scratch_hold();
	pthread_create(&thread, NULL, have_one, NULL);
	pause_ms(20);
	cr_assert(not(begun));
	cop_scratch_release();
	pthread_join(thread, NULL);
	cr_assert(ended);
}

/* Whoever waits for it may be what it waits for. */
Test(cop_scratch, no_thread_waits_for_a_copy_for_ever)
{
	long begin = now_ms();
	pthread_t thread;

	cop_scratch_hold();
	pthread_create(&thread, NULL, have_one, NULL);
	pthread_join(thread, NULL);
	cr_assert(ended);
	cr_assert(lt(long, now_ms() - begin, 2000));
	cop_scratch_release();
}

/* As a signal handler may, amid a fork. */
Test(cop_scratch, a_thread_that_copies_does_not_wait_for_itself)
{
	long begin = now_ms();
	struct cop_scratch part;

	cop_scratch_hold();
	cop_scratch_hold();
	cop_scratch_begin(&part);
	cop_scratch_end(&part);
	cop_scratch_release();
	cop_scratch_release();
	cr_assert(lt(long, now_ms() - begin, 90));
	cr_assert(zero(u32, cop_process()->copying));
}

/* ---- a new descriptor ---------------------------------------------------- */

static void *record_one(void *arg)
{
	begun = true;
	cop_copies_settle();
	ended = true;
	return arg;
}

static void record_in_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, record_one, NULL);
	pthread_join(thread, NULL);
}

Test(cop_scratch, a_new_descriptor_is_recorded_when_the_copy_is_made)
{
	pthread_t thread;

	cop_scratch_hold();
	pthread_create(&thread, NULL, record_one, NULL);
	while (!begun)
		pause_ms(1);
	pause_ms(20);
	cr_assert(not(ended));
	cop_scratch_release();
	pthread_join(thread, NULL);
	cr_assert(ended);
	cr_assert(not(is_held_off(SIGUSR1)));
}

/* A signal handler may have jumped out of the fork. */
Test(cop_scratch, only_one_record_waits_in_vain_for_a_fork)
{
	long begin = now_ms(), between;

	cop_scratch_hold();
	record_in_thread();
	between = now_ms();
	cr_assert(ge(long, between - begin, 900));
	record_in_thread();
	cr_assert(lt(long, now_ms() - between, 900));
	cop_process_forks++;
	between = now_ms();
	record_in_thread();
	cr_assert(ge(long, now_ms() - between, 900));
	cop_scratch_release();
}

Test(cop_scratch, a_thread_that_forks_records_without_a_wait)
{
	long begin = now_ms();

	cop_scratch_hold();
	cop_copies_settle();
	cop_scratch_release();
	cr_assert(lt(long, now_ms() - begin, 900));
}

/* ---- forks without a pause ------------------------------------------------- */

/* A thread that copies the table, and one that records a descriptor meanwhile. */
struct forker {
	pthread_t thread;
	_Atomic(bool) holds, may_end;
};

struct recorder {
	pthread_t thread;
	_Atomic(bool) begins, has_recorded;
};

static void *hold_until_told(void *arg)
{
	struct forker *forker = arg;

	cop_scratch_hold();
	forker->holds = true;
	while (!forker->may_end)
		pause_ms(1);
	cop_scratch_release();
	return NULL;
}

static void fork_begin(struct forker *forker)
{
	pthread_create(&forker->thread, NULL, hold_until_told, forker);
	while (!forker->holds)
		pause_ms(1);
}

static void fork_end(struct forker *forker)
{
	forker->may_end = true;
	pthread_join(forker->thread, NULL);
}

static void *record_and_tell(void *arg)
{
	struct recorder *recorder = arg;

	recorder->begins = true;
	cop_copies_settle();
	recorder->has_recorded = true;
	return NULL;
}

/* Returns when it waits, so what begins next is later. */
static void record_begin(struct recorder *recorder)
{
	pthread_create(&recorder->thread, NULL, record_and_tell, recorder);
	while (!recorder->begins)
		pause_ms(1);
	pause_ms(20);
}

static bool waits(struct recorder *recorder)
{
	pause_ms(20);
	return !recorder->has_recorded;
}

/* Whether the record ends now. A wait in vain would take up to FORK_NS. */
static bool ends_soon(struct recorder *recorder)
{
	long begin = now_ms();

	pthread_join(recorder->thread, NULL);
	return now_ms() - begin < 500;
}

/*
 * On a busy machine a thread may stand still for as long as a wait in vain takes. So a
 * scenario that fails gets a few more chances.
 */
static bool happens(bool (*scenario)(void))
{
	bool done = false;

	for (int i = 0; i < 5 && !done; i++) {
		cop_process_forks++; /* or nobody waits after a wait in vain */
		done = scenario();
		cr_assert(zero(u32, cop_process()->copying));
	}
	return done;
}

static bool record_beside_a_later_fork(void)
{
	struct forker first = { 0 }, later = { 0 };
	struct recorder recorder = { 0 };
	bool done;

	fork_begin(&first);
	record_begin(&recorder);
	fork_begin(&later);
	done = waits(&recorder);
	fork_end(&first);
	done &= ends_soon(&recorder);
	fork_end(&later);
	return done;
}

Test(cop_scratch, a_record_waits_for_no_fork_that_begins_later)
{
	cr_assert(happens(record_beside_a_later_fork));
}

/* The second record begins when the forks count themselves in the other half. */
static bool two_records_amid_forks(void)
{
	struct forker forker[3] = { 0 };
	struct recorder recorder[2] = { 0 };
	bool done;

	fork_begin(&forker[0]);
	record_begin(&recorder[0]);
	fork_begin(&forker[1]);
	record_begin(&recorder[1]);
	done = waits(&recorder[0]);
	fork_end(&forker[0]);
	done &= ends_soon(&recorder[0]);
	fork_begin(&forker[2]);
	done &= waits(&recorder[1]);
	fork_end(&forker[1]);
	done &= ends_soon(&recorder[1]);
	fork_end(&forker[2]);
	return done;
}

Test(cop_scratch, each_record_waits_for_the_forks_ahead_of_it_alone)
{
	cr_assert(happens(two_records_amid_forks));
}

/* ---- a fork in a signal handler ------------------------------------------------ */

static int forked_amid_a_fork(void)
{
	struct forker forker = { 0 };

	cop_scratch_reset();
	cop_scratch_release(); /* of the fork that the handler has interrupted */
	CHECK(!cop_process()->copying);
	cop_scratch_hold();
	CHECK(cop_process()->copying);
	cop_scratch_release();
	CHECK(!cop_process()->copying);
	fork_begin(&forker);
	cop_scratch_release();
	CHECK(cop_process()->copying);
	fork_end(&forker);
	CHECK(!cop_process()->copying);
	return 0;
}

/* Other threads fork: one of them does when the part begins, and one a little later. */
static struct cop_libc libc;
static struct cop_scratch amid_forks;
static unsigned int amid;
static bool took_long;

static long end_of_fork(long nr, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, nr);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_futex && a[1] == FUTEX_WAIT_PRIVATE)
		cop_process()->copying = 0;
	return libc.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* A part waits for 0.1 s at most. On a busy machine a begin may take as long by itself. */
static void begin_beside_a_fork(void)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	cop_process()->copying = 1;
	cop_scratch_begin(&amid_forks);
	amid = cop_process()->copying;
	clock_gettime(CLOCK_MONOTONIC, &end);
	took_long = (end.tv_sec - start.tv_sec) * 1000000000ll + end.tv_nsec -
			    start.tv_nsec >
		    50000000;
	cop_process()->copying = 0;
	cop_scratch_end(&amid_forks);
}

static void fork_again(void)
{
	struct cop_process *process = cop_process();

	if (!process->copying && !process->scratch)
		process->copying = 1;
}

Test(cop_scratch, a_part_does_not_begin_amid_a_later_fork, .timeout = 60)
{
	unsigned int reached = 1;

	if (SHADOWED)
		cr_skip("it would take minutes");
	libc = cop_libc;
	cop_libc.syscall = end_of_fork;
	for (unsigned int nth = 0; reached; nth++) {
		do
			reached =
				t_step(begin_beside_a_fork, nth, 0, fork_again);
		while (amid && took_long);
		cr_assert(zero(uint, amid), "instruction %u", nth);
	}
}

Test(cop_scratch, in_a_child_the_parents_copies_do_not_end)
{
	cop_scratch_hold();
	T_CHILD(forked_amid_a_fork);
	cop_scratch_release();
	cr_assert(zero(u32, cop_process()->copying));
}

/* An instruction has made the child, so nothing has reset the counts but the kernel. */
static int made_by_an_instruction(void)
{
	cop_scratch_release();
	CHECK(!cop_process()->copying);
	cop_scratch_hold();
	cop_scratch_release();
	CHECK(!cop_process()->copying);
	return 0;
}

Test(cop_scratch, a_child_that_nobody_resets_takes_nothing_off_its_counts)
{
	cop_scratch_hold();
	T_CHILD(made_by_an_instruction);
	cop_scratch_release();
	cr_assert(zero(u32, cop_process()->copying));
}

static int child_has_none(void)
{
	cop_scratch_reset();
	CHECK(!cop_process()->copying && !cop_process()->scratch);
	return 0;
}

Test(cop_scratch, a_child_begins_without_scratch_parts)
{
	cop_scratch_hold();
	T_CHILD(child_has_none);
	cop_scratch_release();
	cr_assert(zero(u32, cop_process()->copying));
}
