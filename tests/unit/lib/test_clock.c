// SPDX-License-Identifier: MIT
/*
 * test_clock.c - lib/clock.c: it is CLOCK_MONOTONIC to the microsecond, whoever
 * asks.
 *
 * No test here depends on how fast anything is: what the clock says lies between
 * what the kernel's said before and what it said behind it, with a microsecond to
 * spare on either side.
 */
#include <limits.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/confine.h"
#include "unit/helpers.h"
#include "unit/step.h"

#define SPARE_US 1

TestSuite(cop_clock, .timeout = 60);

static uint64_t kernel_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static uint64_t kernel_us(void)
{
	return kernel_ns() / 1000;
}

/* Longer than it takes to know the counter's rate, and to ask again. */
static void let_pass(uint64_t us)
{
	uint64_t until = kernel_us() + us;

	while (kernel_us() < until)
		;
}

static bool agrees(void)
{
	uint64_t before = kernel_us();
	uint64_t us = cop_clock_us();
	uint64_t behind = kernel_us();

	return us + SPARE_US >= before && us <= behind + SPARE_US;
}

static int disagreements(uint64_t for_us)
{
	uint64_t until = kernel_us() + for_us;
	int n = 0;

	while (kernel_us() < until)
		n += !agrees();
	return n;
}

/* From the first call on, while the rate is measured, and long behind that. */
Test(cop_clock, is_the_kernels_clock)
{
	cr_expect(zero(int, disagreements(300000)));
}

/* Once a millisecond the kernel is asked: on either side of that, too. */
Test(cop_clock, is_the_kernels_clock_after_any_silence)
{
	disagreements(50000);
	for (uint64_t us = 1; us < 3000; us += 17) {
		let_pass(us);
		cr_expect(agrees(), "after %lu us", (unsigned long)us);
	}
	for (int i = 0; i < 5; i++) {
		let_pass(30000);
		cr_expect(agrees());
	}
}

Test(cop_clock, never_goes_back)
{
	uint64_t until = kernel_us() + 200000, last = 0, worst = 0;

	while (kernel_us() < until)
		for (int i = 0; i < 1000; i++) {
			uint64_t us = cop_clock_us();

			if (us < last && last - us > worst)
				worst = last - us;
			last = us;
		}
	cr_expect(le(u64, worst, SPARE_US));
}

Test(cop_clock, leaves_errno_alone)
{
	let_pass(100);
	for (uint64_t until = kernel_us() + 60000; kernel_us() < until;) {
		errno = 4000;
		cop_clock_us();
		cr_assert(eq(int, errno, 4000));
	}
}

/* ---- threads, forks -------------------------------------------------------- */

enum { THREADS = 16 };

static _Atomic(uint64_t) latest; /* that any thread has been told */
static atomic_int wrong, backwards;

/* Else the processor reads its counter ahead of a load that takes long. */
static void end_loads(void)
{
#ifdef __x86_64__
	__builtin_ia32_lfence();
#endif
}

/* What one thread was told is not later than what another is told after that. */
static bool follows(void)
{
	uint64_t told = atomic_load(&latest), was = told, us;

	end_loads();
	us = cop_clock_us();

	while (was < us && !atomic_compare_exchange_weak(&latest, &was, us))
		;
	return us + 2 * SPARE_US >= told;
}

static void *ask_on(void *until)
{
	while (kernel_us() < *(uint64_t *)until) {
		wrong += !agrees();
		backwards += !follows();
	}
	return NULL;
}

static void ask_in_threads(void)
{
	uint64_t until = kernel_us() + 300000;
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, ask_on, &until);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

Test(cop_clock, threads_have_the_same_time)
{
	ask_in_threads();
	cr_expect(zero(int, wrong));
	cr_expect(zero(int, backwards));
}

static int asks_in_a_child(void)
{
	CHECK(agrees());
	CHECK(!disagreements(50000));
	ask_in_threads();
	CHECK(!wrong && !backwards);
	return 0;
}

Test(cop_clock, a_child_has_the_same_time)
{
	cop_clock_us();
	T_CHILD(asks_in_a_child);
	disagreements(50000);
	T_CHILD(asks_in_a_child);
}

static int asks_without_the_file(void)
{
	if (chroot("/proc/self/fdinfo"))
		return T_SKIP;
	CHECK(!disagreements(100000));
	return 0;
}

/* Then nobody says what the kernel counts by. */
Test(cop_clock, is_the_kernels_clock_without_sys)
{
	T_CHILD(asks_without_the_file);
}

/* ---- signals --------------------------------------------------------------- */

static volatile sig_atomic_t handled, handler_wrong;

static void on_alarm(int sig)
{
	(void)sig;
	handler_wrong += !agrees();
	handled++;
}

Test(cop_clock, a_signal_handler_has_the_same_time)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } };
	struct itimerval never = { 0 };
	int main_wrong = 0;

	cop_clock_prepare(); /* as the library does before the program runs */
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (handled < 2000)
		main_wrong += !agrees();
	setitimer(ITIMER_REAL, &never, NULL);
	cr_expect(zero(int, main_wrong));
	cr_expect(zero(int, handler_wrong));
}

static uint64_t stepped_us;
static void ask(void)
{
	stepped_us = cop_clock_us();
}

/* The handler is so long at it that the time is asked for anew in it. */
static void ask_here(void)
{
	let_pass(1100);
	handler_wrong += !agrees();
}

/* Behind each instruction of a call that takes the time from @old us ago. */
static void step_all(uint64_t old)
{
	unsigned int interrupted = 1;

	for (unsigned int nth = 0; interrupted; nth++) {
		uint64_t before;

		let_pass(1100);
		cop_clock_us();
		let_pass(old);
		before = kernel_us();
		interrupted = t_step(ask, nth, 0, ask_here);
		cr_expect(ge(u64, stepped_us + SPARE_US, before),
			  "behind instruction %u", nth);
		cr_expect(le(u64, stepped_us, kernel_us() + SPARE_US),
			  "behind instruction %u", nth);
	}
	cr_expect(zero(int, handler_wrong));
}

Test(cop_clock, a_handler_may_ask_during_a_call)
{
	disagreements(50000);
	step_all(700);
}

Test(cop_clock, a_handler_may_ask_while_a_call_reads_the_clock)
{
	disagreements(50000);
	step_all(1100);
}

/* ---- times that end ------------------------------------------------------- */

Test(cop_clock, a_time_that_never_ends_saturates)
{
	static const struct timespec longest[] = {
		{ LONG_MAX, 0 },
		{ LONG_MAX, 999999999 },
		{ LONG_MAX - 1, 999999999 },
	};
	struct timespec end, left;

	for (size_t i = 0; i < ARRAY_SIZE(longest); i++) {
		end = cop_time_end(&longest[i]);
		left = cop_time_left(&end);
		cr_assert(eq(long, end.tv_sec, LONG_MAX), "case %zu", i);
		cr_assert(gt(long, left.tv_sec, LONG_MAX / 2), "case %zu", i);
	}
}

Test(cop_clock, the_rest_of_a_timeout_is_a_valid_time)
{
	struct timespec end = cop_time_end(&(struct timespec){ 5, 999999999 });
	struct timespec left = cop_time_left(&end);

	cr_assert(ge(long, left.tv_sec, 4));
	cr_assert(le(long, left.tv_sec, 5));
	cr_assert(ge(long, left.tv_nsec, 0));
	cr_assert(lt(long, left.tv_nsec, 1000000000));
}

Test(cop_clock, of_a_time_that_is_over_nothing_is_left)
{
	struct timespec end = cop_time_end(&(struct timespec){ 0, 0 }), left;

	let_pass(10);
	left = cop_time_left(&end);
	cr_assert(zero(long, left.tv_sec));
	cr_assert(zero(long, left.tv_nsec));
}

/* ---- without the cycle counter ---------------------------------------------- */

/* Some seconds on any machine; in the strict mode nobody can sleep. */
#define LOOKS 200000000

/* The kernel kills the child if the clock makes a system call or reads the counter. */
static int look_in_strict_mode(void)
{
	uint64_t before;
	long left = LOOKS;

	cop_clock_spare_counter(true);
	WRITE_ONCE(cop_is_confined, true);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		return 2;
	before = cop_clock_ns();
	while (cop_clock_ns() == before && --left)
		;
	return cop_clock_ns() < before || !left;
}

Test(cop_clock, in_the_strict_mode_of_seccomp_time_goes_on)
{
	pid_t child;
	int status;

#ifdef COP_TSAN
	cr_skip("ThreadSanitizer makes system calls of its own");
#endif
	child = fork();
	cr_assert(ge(int, child, 0));
	if (!child)
		syscall(SYS_exit, look_in_strict_mode());
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	if (!getauxval(AT_SYSINFO_EHDR) ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == 2))
		cr_skip("no vDSO, or no strict mode");
	cr_assert(zero(int, status), "%x", status);
}
