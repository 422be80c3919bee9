// SPDX-License-Identifier: MIT
/*
 * test_lock.c - lib/lock.c: one thread, and one process, at a time.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/lock.h"
#include "unit/helpers.h"

static _Atomic(uint32_t) lock;

TestSuite(cop_lock, .init = t_init, .timeout = 60);

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

enum { THREADS = 8, ROUNDS = 20000 };

static int inside, total;

static void *count_alone(void *arg)
{
	struct cop_held held;

	for (int i = 0; i < ROUNDS; i++) {
		cop_lock(&lock, &held);
		if (inside++)
			total = -1000000;
		total++;
		inside--;
		cop_unlock(&lock, &held);
	}
	return arg;
}

Test(cop_lock, one_thread_at_a_time_holds_the_lock)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count_alone, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_expect(eq(int, total, THREADS *ROUNDS));
	cr_expect(zero(u32, lock));
}

Test(cop_lock, the_holder_may_take_the_lock_again)
{
	struct cop_held outer, inner;
	uint32_t me = syscall(SYS_gettid);

	cop_lock(&lock, &outer);
	cop_lock(&lock, &inner);
	cr_expect(not(inner.taken));
	cop_unlock(&lock, &inner);
	cr_expect(eq(u32, lock, me));
	cop_unlock(&lock, &outer);
	cr_expect(zero(u32, lock));
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

Test(cop_lock, signals_arrive_after_the_unlock)
{
	struct cop_held held;
	sigset_t before, behind;

	signal(SIGUSR1, on_signal);
	sigprocmask(SIG_SETMASK, NULL, &before);
	cop_lock(&lock, &held);
	raise(SIGUSR1);
	cr_expect(zero(int, handled));
	errno = 4000;
	cop_unlock(&lock, &held);
	cr_expect(eq(int, errno, 4000));
	cr_expect(eq(int, handled, 1));
	sigprocmask(SIG_SETMASK, NULL, &behind);
	for (int sig = 1; sig < 32; sig++)
		cr_expect(eq(int, sigismember(&before, sig),
			     sigismember(&behind, sig)));
}

/* A thread of this process that is gone, as a fork leaves it behind. */
static void *thread_id_of(void *to)
{
	*(uint32_t *)to = syscall(SYS_gettid);
	return NULL;
}

Test(cop_lock, a_holder_that_a_fork_left_behind_is_not_waited_for)
{
	uint64_t begin = now_ms();
	struct cop_held held;
	uint32_t tid = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, thread_id_of, &tid);
	pthread_join(thread, NULL);
	lock = tid;
	cop_lock(&lock, &held);
	cr_expect(eq(u32, lock, (uint32_t)syscall(SYS_gettid)));
	cr_expect(held.taken);
	cop_unlock(&lock, &held);
	lock = getppid(); /* is there, but no thread of ours */
	cop_lock(&lock, &held);
	cr_expect(held.taken);
	cop_unlock(&lock, &held);
	cr_expect(zero(u32, lock));
	cr_expect(lt(u64, now_ms() - begin, 500));
}

static void *hold_for_ever(void *arg)
{
	struct cop_held held;

	cop_lock(&lock, &held);
	atomic_store((atomic_bool *)arg, true);
	for (;;)
		pause();
	return NULL;
}

Test(cop_lock, one_that_is_never_let_go_of_stops_nobody_for_ever)
{
	uint64_t begin = now_ms();
	atomic_bool held_now = false;
	struct cop_held held;
	pthread_t thread;

	pthread_create(&thread, NULL, hold_for_ever, &held_now);
	while (!held_now)
		sched_yield();
	cop_lock(&lock, &held);
	cr_expect(not(held.taken));
	cop_unlock(&lock, &held);
	cr_expect(ge(u64, now_ms() - begin, 900));
	cr_expect(lt(u64, now_ms() - begin, 5000));
	cr_expect(ne(u32, lock, 0));
}

/* ---- a process that is stopped ------------------------------------------------ */

static struct shared {
	_Atomic(uint32_t) lock;
	atomic_bool held, go;
} * shared;

static const struct timespec moment = { .tv_nsec = 1000000 };

/* Lets go a moment after the process goes on, when the waiter's time would be over. */
static void *hold_until_told(void *arg)
{
	struct cop_held held;

	cop_lock(&shared->lock, &held);
	shared->held = true;
	while (!shared->go)
		nanosleep(&moment, NULL);
	for (int i = 0; i < 20; i++)
		nanosleep(&moment, NULL);
	cop_unlock(&shared->lock, &held);
	return arg;
}

static int waits_for_it(void)
{
	struct cop_held held;
	pthread_t thread;

	alarm(50); /* it outlives a test that fails */
	CHECK(!pthread_create(&thread, NULL, hold_until_told, NULL));
	while (!shared->held)
		nanosleep(&moment, NULL);
	cop_lock(&shared->lock, &held);
	CHECK(held.taken);
	cop_unlock(&shared->lock, &held);
	pthread_join(thread, NULL);
	return 0;
}

static void stop_for_ms(pid_t pid, unsigned int ms)
{
	int status;

	kill(pid, SIGSTOP);
	cr_assert(eq(int, waitpid(pid, &status, WUNTRACED), pid));
	cr_assert(eq(int, WIFSTOPPED(status) != 0, 1));
	usleep(ms * 1000);
	shared->go = true;
	kill(pid, SIGCONT);
}

Test(cop_lock, no_waiter_gives_up_because_the_process_was_stopped)
{
	pid_t pid;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(ne(ptr, shared, MAP_FAILED));
	pid = fork();
	if (!pid)
		_exit(waits_for_it());
	while (!(shared->lock & FUTEX_WAITERS))
		nanosleep(&moment, NULL);
	stop_for_ms(pid, 1100);
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_expect(zero(int, status));
	cr_expect(zero(u32, shared->lock));
}

/* ---- a thread of higher priority on the same processor ---------------------- */

static atomic_bool stop;
static long slowest_ns;

static void *hold_at_times(void *arg)
{
	struct cop_held held;

	while (!stop) {
		cop_lock(&lock, &held);
		for (int i = 0; i < 20; i++)
			getppid();
		cop_unlock(&lock, &held);
	}
	return arg;
}

static void *take_first(void *arg)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	struct timespec a, b;
	struct cop_held held;

	for (int i = 0; i < 5000; i++) {
		long ns;

		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &a);
		cop_lock(&lock, &held);
		cop_unlock(&lock, &held);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000l + b.tv_nsec -
		     a.tv_nsec;
		if (ns > slowest_ns)
			slowest_ns = ns;
	}
	return arg;
}

static int as_first(pthread_t *thread)
{
	struct sched_param param = { .sched_priority = 50 };
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	return pthread_create(thread, &attr, take_first, NULL);
}

/* Yielding, it would wait as long as a processor is the idle's share: 50 ms. */
Test(cop_lock, a_thread_of_higher_priority_gets_the_lock_soon)
{
	pthread_t low[3], high;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (as_first(&high))
		cr_skip("not allowed to have SCHED_FIFO");
	for (size_t i = 0; i < ARRAY_SIZE(low); i++)
		pthread_create(&low[i], NULL, hold_at_times, NULL);
	pthread_join(high, NULL);
	stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(low); i++)
		pthread_join(low[i], NULL);
	cr_expect(lt(i64, slowest_ns, 20000000), "it took %ld ns", slowest_ns);
	cr_expect(zero(u32, lock));
}

/* ---- processes --------------------------------------------------------------- */

static int shared_fd;

static int cannot_have_it(void)
{
	uint64_t begin = now_ms();

	CHECK(!cop_lock_shared(shared_fd));
	CHECK(now_ms() - begin >= 90);
	return 0;
}

static int can_have_it(void)
{
	CHECK(cop_lock_shared(shared_fd));
	return 0; /* and ends with it */
}

Test(cop_lock, one_process_at_a_time_has_a_shared_one)
{
	shared_fd = socket(AF_INET, SOCK_DGRAM, 0);
	cr_assert(cop_lock_shared(shared_fd));
	T_CHILD(cannot_have_it);
	cop_unlock_shared(shared_fd);
	T_CHILD(can_have_it);
	T_CHILD(can_have_it);
	close(shared_fd);
	cr_expect(not(cop_lock_shared(shared_fd)), "it is no descriptor");
}
