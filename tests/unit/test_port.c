// SPDX-License-Identifier: MIT
/*
 * test_port.c - cop_port.c: 128 queues, a bitmap and a rover.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "cop_port.h"
#include "lib/random.h"
#include "unit/helpers.h"

static uint32_t drawn; /* what the table's random source says next */

static uint32_t fixed(void)
{
	return drawn;
}

/* A linear congruential generator, so that a failure can be repeated. */
static uint32_t repeatable(void)
{
	drawn = drawn * 1664525 + 1013904223;
	return drawn >> 8 | drawn << 24;
}

static struct cop_port_table table;

static void setup(void)
{
	table.random = fixed;
	cop_port_allow(&table, 1024, 65535, NULL);
}

TestSuite(cop_port, .init = setup, .timeout = 20);

/* A random number whose rover is @queue; its place is @place of 512. */
static void draw(unsigned int queue, unsigned int place)
{
	drawn = (place << 16) * COP_HTABLE_SIZE + queue;
}

static unsigned int queue_length(unsigned int q)
{
	return table.count[q] & ~COP_QUEUE_FULL;
}

static unsigned int queue_bits(unsigned int q)
{
	unsigned int n = 0;

	for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
		n += __builtin_popcountll(table.taken.word[q][w]);
	return n;
}

/* Each stored length is the number of bits; returns the ports held. */
static unsigned int assert_consistent(void)
{
	unsigned int sum = 0;

	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++) {
		cr_assert(eq(uint, queue_length(q), queue_bits(q)), "queue %u",
			  q);
		sum += queue_bits(q);
	}
	return sum;
}

/* ---- one port ------------------------------------------------------------- */

Test(cop_port, a_claimed_port_is_refused_until_it_is_released)
{
	static const uint16_t port[] = { 1,    80,   127,   128,
					 8191, 8192, 40000, 65535 };

	for (size_t i = 0; i < ARRAY_SIZE(port); i++) {
		cr_assert(not(cop_port_taken(&table, port[i])));
		cr_assert(cop_port_claim(&table, port[i]));
		cr_assert(cop_port_taken(&table, port[i]));
		cr_assert(not(cop_port_claim(&table, port[i])));
	}
	cr_assert(eq(uint, assert_consistent(), ARRAY_SIZE(port)));
	for (size_t i = 0; i < ARRAY_SIZE(port); i++) {
		cop_port_release(&table, port[i]);
		cr_assert(not(cop_port_taken(&table, port[i])));
		cr_assert(cop_port_claim(&table, port[i]));
	}
}

Test(cop_port, each_of_the_65536_ports_has_a_bit_of_its_own)
{
	for (int p = 0; p < COP_PORTS; p++)
		cr_assert(cop_port_claim(&table, p), "port %d", p);
	cr_assert(eq(uint, assert_consistent(), COP_PORTS));
	for (int p = 0; p < COP_PORTS; p++)
		cop_port_release(&table, p);
	cr_assert(eq(uint, assert_consistent(), 0));
}

Test(cop_port, a_refused_claim_leaves_the_queues_length)
{
	cop_port_claim(&table, 5000);
	cop_port_claim(&table, 5000);
	cr_assert(eq(uint, queue_length(5000 % COP_HTABLE_SIZE), 1));
}

/* As a child finds it that was forked in the middle of a claim. */
Test(cop_port, a_claim_that_was_not_counted_yet_is_given_back)
{
	cop_port_claim(&table, 5000);
	cop_port_claim(&table, 5000 + COP_HTABLE_SIZE);
	table.count[5000 % COP_HTABLE_SIZE]--;
	cr_assert(cop_port_reclaim(&table, 5000));
	cr_assert(eq(uint, assert_consistent(), 1));
	cr_assert(not(cop_port_reclaim(&table, 5000)));
	cr_assert(cop_port_reclaim(&table, 5000 + COP_HTABLE_SIZE));
	cr_assert(eq(uint, assert_consistent(), 0));
	cr_assert(cop_port_claim(&table, 5000));
}

/* ---- which queue, which port ---------------------------------------------- */

Test(cop_port, the_rover_is_where_the_random_source_says)
{
	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++) {
		uint16_t snum;

		draw(q, 300);
		snum = cop_port_claim_any(&table);
		cr_assert(eq(uint, snum % COP_HTABLE_SIZE, q));
		cop_port_release(&table, snum);
	}
}

Test(cop_port, the_place_in_the_queue_is_drawn_too)
{
	uint16_t one, two;

	draw(5, 100);
	one = cop_port_claim_any(&table);
	cop_port_release(&table, one);
	draw(5, 300);
	two = cop_port_claim_any(&table);
	cop_port_release(&table, two);
	cr_assert(ne(uint, one, two));
	draw(5, 100);
	cr_assert(eq(uint, cop_port_claim_any(&table), one));
}

Test(cop_port, the_first_shortest_queue_from_the_rover_on_is_taken)
{
	draw(126, 100);
	for (unsigned int i = 0; i < COP_HTABLE_SIZE; i++)
		cr_assert(eq(uint, cop_port_claim_any(&table) % COP_HTABLE_SIZE,
			     (126 + i) % COP_HTABLE_SIZE));
	cr_assert(eq(uint, cop_port_claim_any(&table) % COP_HTABLE_SIZE, 126));
}

Test(cop_port, explicit_claims_lengthen_a_queue_too)
{
	draw(9, 100);
	cop_port_claim(&table, 9);
	cr_assert(eq(uint, cop_port_claim_any(&table) % COP_HTABLE_SIZE, 10));
}

/* Queue 40's only port of the range is taken, though the queue is shortest. */
Test(cop_port, the_shortest_queue_is_passed_over_if_its_range_is_full)
{
	uint16_t low = 10 * COP_HTABLE_SIZE + 40;

	cop_port_allow(&table, low, low + 1, NULL);
	cop_port_claim(&table, low);
	for (int i = 20; i < 25; i++)
		cop_port_claim(&table, i * COP_HTABLE_SIZE + 41);
	draw(40, 10);
	cr_assert(eq(uint, cop_port_claim_any(&table), low + 1));
}

Test(cop_port, a_longer_queue_with_a_free_port_beats_failing)
{
	uint16_t low = 10 * COP_HTABLE_SIZE + 40;

	cop_port_allow(&table, low, low, NULL);
	for (int i = 20; i < 120; i++)
		cop_port_claim(&table, i * COP_HTABLE_SIZE + 40);
	cr_assert(eq(uint, cop_port_claim_any(&table), low));
}

Test(cop_port, within_a_queue_the_search_goes_round)
{
	uint16_t only = 9 * COP_HTABLE_SIZE + 7;

	cop_port_allow(&table, only, only, NULL);
	for (unsigned int place = 0; place < COP_QUEUE_PORTS; place++) {
		draw(7, place);
		cr_assert(eq(uint, cop_port_claim_any(&table), only));
		cop_port_release(&table, only);
	}
}

/* Of one queue each port of the range is as likely: 512 places, 221 ports. */
Test(cop_port, no_port_of_the_range_is_drawn_far_more_often_than_another)
{
	static int times[COP_PORTS];

	cop_port_allow(&table, 32768, 60999, NULL);
	for (unsigned int place = 0; place < COP_QUEUE_PORTS; place++) {
		uint16_t snum;

		draw(5, place);
		snum = cop_port_claim_any(&table);
		cr_assert(le(int, ++times[snum], 8), "port %u", snum);
		cop_port_release(&table, snum);
	}
}

/* ---- range and reserved ports --------------------------------------------- */

static const uint16_t range[][2] = { { 1, 65535 },     { 1, 1 },
				     { 65535, 65535 }, { 127, 128 },
				     { 128, 255 },     { 129, 254 },
				     { 8191, 8192 },   { 1024, 1151 },
				     { 32768, 60999 }, { 100, 9000 } };

Test(cop_port, exactly_the_ports_of_the_range_are_allowed)
{
	for (size_t i = 0; i < ARRAY_SIZE(range); i++) {
		cop_port_allow(&table, range[i][0], range[i][1], NULL);
		for (int p = 1; p < COP_PORTS; p++) {
			uint64_t word = table.allowed.word[p % 128][p / 8192];

			cr_assert(eq(int, word >> p / 128 % 64 & 1,
				     p >= range[i][0] && p <= range[i][1]),
				  "port %d of %u to %u", p, range[i][0],
				  range[i][1]);
		}
	}
}

Test(cop_port, only_ports_of_the_range_are_handed_out)
{
	table.random = repeatable;
	cop_port_allow(&table, 32768, 33000, NULL);
	for (int i = 0; i < 233; i++) {
		uint16_t snum = cop_port_claim_any(&table);

		cr_assert(all(ge(uint, snum, 32768), le(uint, snum, 33000)));
	}
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
}

Test(cop_port, a_reserved_port_is_not_handed_out)
{
	struct cop_port_bits reserved = { 0 };

	cop_port_bit(&reserved, 40001);
	cop_port_allow(&table, 40000, 40002, &reserved);
	cr_assert(eq(uint,
		     cop_port_claim_any(&table) + cop_port_claim_any(&table),
		     40000 + 40002));
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
}

Test(cop_port, a_reserved_port_can_be_claimed_by_its_number)
{
	struct cop_port_bits reserved = { 0 };

	cop_port_bit(&reserved, 40001);
	cop_port_allow(&table, 40000, 40002, &reserved);
	cr_assert(cop_port_claim(&table, 40001));
}

Test(cop_port, a_full_range_yields_0_until_a_port_is_released)
{
	cop_port_allow(&table, 50000, 50299, NULL);
	for (int i = 0; i < 300; i++)
		cr_assert(ne(uint, cop_port_claim_any(&table), 0));
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
	cop_port_release(&table, 50123);
	cr_assert(eq(uint, cop_port_claim_any(&table), 50123));
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
	cr_assert(eq(uint, assert_consistent(), 300));
}

Test(cop_port, a_full_range_has_ports_again_once_it_is_widened)
{
	cop_port_allow(&table, 50000, 50000, NULL);
	cr_assert(eq(uint, cop_port_claim_any(&table), 50000));
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
	cop_port_allow(&table, 50000, 50001, NULL);
	cr_assert(eq(uint, cop_port_claim_any(&table), 50001));
}

Test(cop_port, an_empty_range_yields_0)
{
	cop_port_allow(&table, 2, 1, NULL);
	cr_assert(eq(uint, cop_port_claim_any(&table), 0));
}

/* ---- balance and chance --------------------------------------------------- */

/* Bind or release at random, 3 to 2; returns how many are held at the end. */
static int churn(int steps)
{
	static uint16_t held[10000];
	int n = 0;

	for (int i = 0; i < steps; i++) {
		if (!n || repeatable() % 5 < 3) {
			held[n] = cop_port_claim_any(&table);
			cr_assert(ne(uint, held[n++], 0));
		} else {
			int at = repeatable() % n;

			cop_port_release(&table, held[at]);
			held[at] = held[--n];
		}
	}
	for (int i = 0; i < n; i++)
		cr_assert(cop_port_taken(&table, held[i]));
	return n;
}

Test(cop_port, queues_stay_balanced_over_10000_binds_and_releases)
{
	table.random = repeatable;
	for (int seed = 0; seed < 20; seed++) {
		unsigned int longest = 0;
		int n;

		memset(&table.taken, 0, sizeof(table.taken));
		memset(&table.count, 0, sizeof(table.count));
		cop_port_allow(&table, 32768, 60999, NULL);
		drawn = seed;
		n = churn(10000);
		cr_assert(eq(int, assert_consistent(), n));
		for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++)
			if (queue_length(q) > longest)
				longest = queue_length(q);
		cr_assert(le(uint, longest, n / COP_HTABLE_SIZE + 2), "seed %d",
			  seed);
	}
}

/* 1,000 draws of 28,232 ports: 17 are expected to meet an earlier one. */
Test(cop_port, the_librarys_own_table_draws_ports_at_random)
{
	static bool seen[COP_PORTS];
	int again = 0;

	cop_port_allow(&cop_port_table, 32768, 60999, NULL);
	for (int i = 0; i < 1000; i++) {
		uint16_t snum = cop_port_claim_any(&cop_port_table);

		again += seen[snum];
		seen[snum] = true;
		cop_port_release(&cop_port_table, snum);
	}
	cr_assert(lt(int, again, 60));
	cr_assert(eq(ptr, (void *)cop_port_table.random, (void *)cop_random));
}

/* ---- threads -------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 20000, HOLD = 16 };

static _Atomic(int) owner[COP_PORTS];
static _Atomic(int) twice, given;

static void own(uint16_t snum, int me)
{
	if (!snum)
		return;
	given++;
	if (atomic_exchange(&owner[snum], me))
		twice++;
}

static void disown(uint16_t snum, int me)
{
	if (!snum)
		return;
	if (atomic_exchange(&owner[snum], 0) != me)
		twice++;
	cop_port_release(&table, snum);
}

static void *claim_and_release(void *arg)
{
	int me = (int)(intptr_t)arg;
	uint16_t held[HOLD] = { 0 };

	for (int i = 0; i < ROUNDS; i++) {
		uint16_t *slot = &held[i % HOLD];

		disown(*slot, me);
		*slot = cop_port_claim_any(&table);
		own(*slot, me);
	}
	for (int i = 0; i < HOLD; i++)
		disown(held[i], me);
	return NULL;
}

static void run_threads(void *(*fn)(void *))
{
	pthread_t thread[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		cr_assert(eq(int,
			     pthread_create(&thread[i], NULL, fn,
					    (void *)(i + 1)),
			     0));
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

/* Of the second range there are not enough for all, so it runs full. */
Test(cop_port, eight_threads_never_get_the_same_port)
{
	static const uint16_t high[] = { 60999, 32768 + 99 };

	table.random = cop_random;
	for (size_t i = 0; i < ARRAY_SIZE(high); i++) {
		cop_port_allow(&table, 32768, high[i], NULL);
		run_threads(claim_and_release);
		cr_assert(eq(int, twice, 0));
		cr_assert(gt(int, given, ROUNDS));
		cr_assert(eq(uint, assert_consistent(), 0));
	}
	for (int i = 0; i < 100; i++)
		cr_assert(ne(uint, cop_port_claim_any(&table), 0));
}

static _Atomic(int) won;

static void *claim_one(void *arg)
{
	(void)arg;
	for (int p = 1; p < COP_PORTS; p++)
		won += cop_port_claim(&table, p);
	return NULL;
}

Test(cop_port, of_eight_threads_one_gets_each_port_by_its_number)
{
	run_threads(claim_one);
	cr_assert(eq(int, won, COP_PORTS - 1));
	cr_assert(eq(uint, assert_consistent(), COP_PORTS - 1));
}

/* ---- signals -------------------------------------------------------------- */

static volatile sig_atomic_t handled;

static void on_alarm(int sig)
{
	static uint16_t held[4];
	uint16_t *slot = &held[handled % 4];

	(void)sig;
	disown(*slot, 2);
	*slot = 0;
	if (handled++ >= 300)
		return;
	*slot = cop_port_claim_any(&table);
	own(*slot, 2);
}

Test(cop_port, a_signal_handler_may_claim_and_release_during_a_claim)
{
	struct itimerval every = { { 0, 100 }, { 0, 100 } };
	struct itimerval never = { 0 };

	table.random = cop_random;
	cop_port_allow(&table, 32768, 32768 + 31, NULL);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (handled < 304)
		claim_and_release((void *)1);
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert(eq(int, twice, 0));
	cr_assert(eq(uint, assert_consistent(), 0));
}
