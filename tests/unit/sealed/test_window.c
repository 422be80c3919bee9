// SPDX-License-Identifier: MIT
/*
 * test_window.c - transports/sealed/window.c: a datagram is received once.
 */
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "transports/sealed/window.h"
#include "unit/helpers.h"
#include "unit/sealed/sealed_test.h"

#define AGE   60000000ull
#define WIDTH 2033 /* at least so many numbers are remembered */
#define NOW   (1000 * AGE)

static unsigned char *memory;

static void begin(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	memory = mmap(NULL, sealed_window_size(), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sealed_window_init(memory, AGE);
}

TestSuite(sealed_window, .init = begin, .timeout = 120);

static struct sealed_stream stream(uint64_t salt, uint64_t counter)
{
	return (struct sealed_stream){ .socket = 1,
				       .salt.word = { salt, 7 },
				       .counter = counter,
				       .time = NOW };
}

static enum sealed_seen take(uint64_t salt, uint64_t counter)
{
	const struct sealed_stream s = stream(salt, counter);
	enum sealed_seen seen = sealed_window_look(&s);
	enum sealed_seen taken = sealed_window_take(&s, NOW);

	cr_assert(eq(int, seen, taken), "%d %d", seen, taken);
	return taken;
}

#define EXPECT(is, salt, counter)                                 \
	cr_assert(eq(int, take(salt, counter), is), "number %zu", \
		  (size_t)(counter))

/* From the number that came last to far behind the window. */
Test(sealed_window, a_replay_at_each_distance_is_refused)
{
	for (uint64_t last = 0; last < 3 * WIDTH; last++) {
		EXPECT(SEALED_NEW, 1, last);
		for (uint64_t d = 0; d <= last && last % 97 == 0; d++)
			EXPECT(SEALED_SEEN, 1, last - d);
	}
}

/* What did not come before is accepted within the window, however late it is. */
Test(sealed_window, a_late_datagram_is_accepted_once_within_the_window)
{
	for (uint64_t last = WIDTH; last < WIDTH + 100; last += 7) {
		memset(memory, 0, sealed_window_size());
		EXPECT(SEALED_NEW, 1, last);
		for (uint64_t d = 1; d < WIDTH; d++) {
			EXPECT(SEALED_NEW, 1, last - d);
			EXPECT(SEALED_SEEN, 1, last - d);
			EXPECT(SEALED_SEEN, 1, last);
		}
	}
}

/* Where no later number needs the word, nothing is forgotten that did not come. */
Test(sealed_window, behind_the_window_all_is_refused)
{
	for (uint64_t c = 4096; c < 3 * 4096; c++)
		EXPECT(SEALED_NEW, 1, c);
	for (uint64_t c = 0; c < 3 * 4096; c++)
		EXPECT(SEALED_SEEN, 1, c);
}

Test(sealed_window, a_leap_to_the_last_number_forgets_nothing)
{
	for (uint64_t c = 0; c < 2048; c++)
		EXPECT(SEALED_NEW, 1, c);
	EXPECT(SEALED_NEW, 1, SEALED_COUNTER_END - 1);
	EXPECT(SEALED_SEEN, 1, SEALED_COUNTER_END - 1);
	for (uint64_t c = 0; c < 2048; c++)
		EXPECT(SEALED_SEEN, 1, c);
}

/* Against a list of what came. */
Test(sealed_window, numbers_in_any_order_are_never_accepted_twice)
{
	static unsigned char came[200000];
	uint64_t last = 0;
	int accepted = 0;

	srand(1);
	for (int i = 0; i < 1000000; i++) {
		uint64_t c = i / 10 + rand() % 3000;
		bool new = take(1, c) == SEALED_NEW;

		cr_assert(not(new &&came[c]), "number %zu", (size_t)c);
		cr_assert(new || came[c] || c + WIDTH <= last, "number %zu",
			  (size_t)c);
		came[c] |= new;
		accepted += new;
		last = c > last ? c : last;
	}
	cr_expect(gt(int, accepted, 90000));
}

Test(sealed_window, a_number_of_one_stream_is_none_of_another)
{
	struct sealed_stream s = stream(1, 5);

	cr_expect(eq(int, sealed_window_take(&s, NOW), SEALED_NEW));
	s.salt.word[1] ^= 1;
	cr_expect(eq(int, sealed_window_take(&s, NOW), SEALED_NEW));
	s.socket++;
	cr_expect(eq(int, sealed_window_take(&s, NOW), SEALED_NEW));
	cr_expect(eq(int, sealed_window_take(&s, NOW), SEALED_SEEN));
}

Test(sealed_window, a_look_changes_nothing)
{
	unsigned char zero[4096] = { 0 };

	for (uint64_t i = 0; i < 1000000; i++) {
		struct sealed_stream s = stream(i, i);

		cr_assert(eq(int, sealed_window_look(&s), SEALED_NEW));
	}
	for (size_t at = 0; at + 4096 < sealed_window_size(); at += 4096)
		cr_assert(zero(int, memcmp(memory + at, zero, 4096)));
}

Test(sealed_window, what_the_socket_sends_itself_is_its_own)
{
	struct sealed_stream s = stream(1, 0);

	sealed_window_own(&s, NOW);
	EXPECT(SEALED_OWN, 1, 0);
	EXPECT(SEALED_OWN, 1, 77);
	s.socket++;
	cr_expect(eq(int, sealed_window_take(&s, NOW), SEALED_NEW));
}

/* ---- too many senders -------------------------------------------------------- */

static unsigned char came[160000];

/* 10 times as many streams as there is room for. */
static int count_new(uint64_t base, uint64_t times)
{
	int new = 0;

	for (uint64_t i = 0; i < sizeof(came); i++) {
		struct sealed_stream s = stream(base + i, 3);

		s.time = NOW + i % times;
		if (sealed_window_take(&s, NOW) != SEALED_NEW)
			continue;
		cr_assert(not(came[i]++), "stream %zu", (size_t)i);
		new ++;
	}
	return new;
}

Test(sealed_window, a_stream_that_had_to_go_is_never_received_again)
{
	cr_expect(eq(int, count_new(0, 1 << 30), (int)sizeof(came)));
	cr_expect(zero(int, count_new(0, 1 << 30)));
}

/* Some are refused, because others were there first. None comes twice. */
Test(sealed_window, no_order_of_times_lets_a_stream_in_again)
{
	for (int n = 0; n < 5; n++) {
		memset(came, 0, sizeof(came));
		for (int i = 0; i < 4; i++)
			count_new(n << 20, 1000 * n + 1);
	}
}

/* The floor is that of a bucket, and streams that go on stay. */
Test(sealed_window, a_stream_that_goes_on_stays_though_many_come)
{
	struct sealed_stream mine = stream(~0ull, 0);

	for (uint64_t i = 0; i < 160000; i++) {
		struct sealed_stream s = stream(i, 0);

		s.time = NOW + i;
		sealed_window_take(&s, NOW);
		if (i % 100)
			continue;
		mine.time = NOW + i;
		mine.counter++;
		cr_assert(eq(int, sealed_window_take(&mine, NOW), SEALED_NEW));
		cr_assert(eq(int, sealed_window_take(&mine, NOW), SEALED_SEEN));
	}
}

/* What is out of date goes first, so memory stays small. */
Test(sealed_window, streams_that_are_out_of_date_give_up_their_place)
{
	int used = 0;

	for (uint64_t i = 0; i < 200000; i++) {
		struct sealed_stream s = stream(i, 0);

		s.time = NOW + i * AGE;
		cr_assert(eq(int, sealed_window_take(&s, s.time), SEALED_NEW));
	}
	for (size_t at = 0; at + 4096 < sealed_window_size(); at += 4096)
		for (int i = 0; i < 4096; i++)
			if (memory[at + i]) {
				used++;
				break;
			}
	cr_expect(lt(int, used, (int)(sealed_window_size() / 4096 * 2 / 3)));
}

/* ---- at the same time ---------------------------------------------------------- */

static struct result {
	_Atomic(uint32_t) new[400];
	_Atomic(uint32_t) go;
} * result;

/* All take the same numbers of the same streams. */
static void *take_all(void *unused)
{
	while (!result->go)
		;
	for (uint64_t salt = 0; salt < 400; salt++)
		for (uint64_t c = 0; c < 500; c++) {
			struct sealed_stream s = stream(salt, c);

			if (sealed_window_take(&s, NOW) == SEALED_NEW)
				result->new[salt]++;
		}
	return unused;
}

static void share(void)
{
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* A few may be lost where several threads make one stream. */
static void expect_each_once(void)
{
	for (int salt = 0; salt < 400; salt++) {
		cr_assert(le(uint, result->new[salt], 500));
		cr_assert(gt(uint, result->new[salt], 400));
	}
}

Test(sealed_window, of_eight_threads_one_receives_it, .init = share)
{
	pthread_t thread[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, take_all, NULL);
	result->go = 1;
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	expect_each_once();
}

Test(sealed_window, of_eight_processes_one_receives_it, .init = share)
{
	for (int i = 0; i < 8; i++)
		if (!fork()) {
			take_all(NULL);
			_exit(0);
		}
	result->go = 1;
	while (wait(NULL) > 0)
		;
	expect_each_once();
}

/* Other processes push the streams out meanwhile: some are lost, none comes twice. */
static void *crowd(void *unused)
{
	for (uint64_t i = 0; i < 400000; i++) {
		struct sealed_stream s = stream(1000 + i, 0);

		s.time = NOW + i / 100;
		sealed_window_take(&s, NOW);
	}
	return unused;
}

Test(sealed_window, what_is_pushed_out_meanwhile_is_not_received_twice,
     .init = share)
{
	pthread_t thread[6];

	for (int i = 0; i < 6; i++)
		pthread_create(&thread[i], NULL, i < 3 ? take_all : crowd,
			       NULL);
	result->go = 1;
	for (int i = 0; i < 6; i++)
		pthread_join(thread[i], NULL);
	for (int salt = 0; salt < 400; salt++)
		cr_assert(le(uint, result->new[salt], 500));
}

Test(sealed_window, a_killed_process_keeps_nobody_from_receiving, .init = share)
{
	result->go = 1;
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (!pid)
			for (;;)
				crowd(NULL);
		usleep(200);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		struct sealed_stream s = stream(1 << 30 | i, 0);

		s.time = NOW + AGE;
		cr_assert(
			eq(int, sealed_window_take(&s, NOW + AGE), SEALED_NEW));
		cr_assert(eq(int, sealed_window_take(&s, NOW + AGE),
			     SEALED_SEEN));
	}
}
