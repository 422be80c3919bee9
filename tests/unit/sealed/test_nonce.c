// SPDX-License-Identifier: MIT
/*
 * test_nonce.c - transports/sealed/nonce.c: no nonce is used twice.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/confine.h"
#include "transports/sealed/nonce.h"
#include "unit/helpers.h"
#include "unit/sealed/sealed_test.h"

TestSuite(sealed_nonce, .init = t_sealed, .timeout = 120);

/* Nonces of several processes, in the order in which they were taken. */
#define MOST 1200000

struct list {
	_Atomic(uint32_t) n;
	struct sealed_nonce nonce[MOST + 100]; /* so many draw at once */
	_Atomic(bool) whole[MOST + 100];
};

static struct list *list;
static struct sealed_nonces nonces;

static void begin(void)
{
	list = mmap(NULL, sizeof(*list), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(ne(ptr, list, MAP_FAILED));
	sealed_nonce_begin(&nonces);
}

static void draw(void)
{
	struct sealed_nonce nonce;

	uint32_t at;

	if (list->n >= MOST || sealed_nonce_next(&nonces, &nonce) < 0)
		return;
	at = atomic_fetch_add(&list->n, 1);
	list->nonce[at] = nonce;
	atomic_store(&list->whole[at], true);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sealed_nonce));
}

/* A process was killed while it wrote them. */
static void drop_unfinished(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++)
		if (list->whole[i])
			list->nonce[n++] = list->nonce[i];
	list->n = n;
}

static uint32_t salts(void)
{
	uint32_t n = 1;

	for (uint32_t i = 1; i < list->n; i++)
		n += memcmp(&list->nonce[i].salt, &list->nonce[i - 1].salt,
			    SEALED_SALT_LEN) != 0;
	return n;
}

static void expect_each_once(void)
{
	qsort(list->nonce, list->n, sizeof(*list->nonce), compare);
	for (uint32_t i = 1; i < list->n; i++)
		cr_assert(ne(int, compare(&list->nonce[i], &list->nonce[i - 1]),
			     0),
			  "nonce %u of %u", i, list->n);
}

Test(sealed_nonce, a_socket_has_one_salt_and_counts, .init = begin)
{
	for (int i = 0; i < 1000; i++)
		draw();
	for (int i = 0; i < 1000; i++)
		cr_assert(eq(u64, list->nonce[i].counter, i));
	cr_expect(eq(uint, salts(), 1));
}

Test(sealed_nonce, two_sockets_have_two_salts, .init = begin)
{
	draw();
	memset(&nonces, 0, sizeof(nonces));
	sealed_nonce_begin(&nonces);
	draw();
	cr_expect(eq(uint, salts(), 2));
	cr_expect(zero(u64, list->nonce[1].counter));
}

/* A salt may be changed while others read it: all of them end at any time. */
static void *draw_many(void *end_often)
{
	for (int i = 0; i < 125000; i++) {
		draw();
		if (end_often && i % 100 == 0)
			sealed_nonce_end(&nonces);
	}
	return NULL;
}

static void eight_threads(void *end_often)
{
	pthread_t thread[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, draw_many, end_often);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	cr_assert(eq(uint, list->n, 1000000));
	expect_each_once();
}

Test(sealed_nonce, a_million_of_eight_threads_differ, .init = begin)
{
	eight_threads(NULL);
	cr_expect(lt(uint, salts(), 100));
}

Test(sealed_nonce, a_million_differ_though_the_salt_changes_all_the_time,
     .init = begin)
{
	eight_threads(&nonces);
	cr_expect(gt(uint, salts(), 1000));
}

static void wait_all(void)
{
	while (wait(NULL) > 0)
		;
}

/* Each round doubles the processes. */
Test(sealed_nonce, a_million_of_parents_and_children_differ, .init = begin)
{
	const pid_t first = getpid();

	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 16000; i++)
			draw();
		fork();
	}
	wait_all();
	if (getpid() != first)
		_exit(0);
	cr_assert(ge(uint, list->n, 1000000));
	expect_each_once();
	cr_expect(ge(uint, salts(), 32));
}

/* Neither fork() nor its handlers: the kernel's own call. */
Test(sealed_nonce, a_child_of_a_plain_system_call_draws_another_salt,
     .init = begin)
{
	draw();
	if (!syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) {
		draw();
		_exit(0);
	}
	wait_all();
	draw();
	cr_expect(eq(uint, list->n, 3));
	cr_expect(zero(u64, list->nonce[1].counter));
	cr_expect(eq(u64, list->nonce[2].counter, 1));
	cr_expect(zero(int,
		       memcmp(&list->nonce[0].salt, &list->nonce[2].salt, 16)));
	expect_each_once();
}

/* It shares the memory, so it may go on with the same salt. */
Test(sealed_nonce, a_vforked_child_counts_on, .init = begin)
{
	if (!t_vfork_shares_memory())
		cr_skip_test("vfork() is a fork() here");
	draw();
	if (!vfork()) {
		draw();
		_exit(0);
	}
	wait_all();
	draw();
	cr_expect(eq(u64, list->nonce[2].counter, 2));
	expect_each_once();
}

/* A handler may interrupt a draw anywhere, and fork there. */
static void on_alarm(int sig)
{
	(void)sig;
	draw();
	if (!fork()) {
		draw();
		_exit(0);
	}
	draw();
}

/* Once, in so many microseconds. */
static void set_timer(int us)
{
	struct itimerval it = { .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &it, NULL);
}

Test(sealed_nonce, handlers_that_draw_and_fork_get_others, .init = begin)
{
	signal(SIGALRM, on_alarm);
	for (int i = 0; i < 300; i++) {
		set_timer(1 + i % 100);
		for (int k = 0; k < 1000; k++) {
			draw();
			if (k % 100 == 0)
				sealed_nonce_end(&nonces);
		}
	}
	set_timer(0);
	wait_all();
	expect_each_once();
}

Test(sealed_nonce, a_killed_child_leaves_nothing_to_use_again, .init = begin)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		while (!pid)
			draw();
		usleep(300);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		draw();
	}
	drop_unfinished();
	expect_each_once();
}

/* Without a system call: a confined process may be killed for it. */
Test(sealed_nonce, confined_processes_draw_salts_that_differ, .init = begin)
{
	cr_assert(eq(int, sealed_nonce_next(&nonces, &list->nonce[0]), 1));
	WRITE_ONCE(cop_is_confined, true);
	for (int i = 0; i < 5000; i++) {
		if (i % 50 == 0 && !fork()) {
			draw();
			_exit(0);
		}
		sealed_nonce_end(&nonces);
		draw();
	}
	wait_all();
	WRITE_ONCE(cop_is_confined, false);
	cr_expect(eq(uint, list->n, 5100));
	expect_each_once();
	cr_expect(ge(uint, salts(), 5000));
}

/* Of the 2^52nd one a receiver could not keep the number. */
Test(sealed_nonce, a_counter_at_its_end_sends_no_more, .init = begin)
{
	struct sealed_nonce nonce;

	draw();
	nonces.counter = SEALED_COUNTER_END - 1;
	cr_expect(zero(int, sealed_nonce_next(&nonces, &nonce)));
	cr_expect(eq(int, sealed_nonce_next(&nonces, &nonce), -ENOKEY));
	cr_expect(eq(int, sealed_nonce_next(&nonces, &nonce), -ENOKEY));
}
