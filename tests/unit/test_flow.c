// SPDX-License-Identifier: MIT
/*
 * test_flow.c - cop_flow.c: sequence numbers by destination.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "cop/flow.h"
#include "unit/helpers.h"

static struct cop_flows flows;

static void setup(void)
{
	cop_flow_init(&flows);
}

TestSuite(cop_flow, .init = setup, .timeout = 20);

static struct cop_flow_key key(uint32_t addr, uint16_t port)
{
	return (struct cop_flow_key){ .addr = htonl(addr),
				      .port = htons(port) };
}

static uint64_t next(uint32_t addr, uint16_t port)
{
	struct cop_flow_key k = key(addr, port);

	return cop_flow_next(&flows, &k, 1, 1);
}

static void undo(uint32_t addr, uint16_t port, uint64_t seq)
{
	struct cop_flow_key k = key(addr, port);

	cop_flow_undo(&flows, &k, seq, 1);
}

Test(cop_flow, each_destination_counts_by_itself)
{
	for (uint64_t seq = 0; seq < 5; seq++) {
		cr_assert(eq(u64, next(1, 1), seq));
		cr_assert(eq(u64, next(1, 2), seq));
		cr_assert(eq(u64, next(2, 1), seq));
	}
}

Test(cop_flow, a_number_given_back_is_given_out_again)
{
	next(1, 1);
	undo(1, 1, next(1, 1));
	cr_assert(eq(u64, next(1, 1), 1));
}

Test(cop_flow, a_first_number_given_back_is_the_first_again)
{
	undo(1, 1, next(1, 1));
	cr_assert(zero(u64, next(1, 1)));
}

Test(cop_flow, the_gap_stays_where_a_later_number_is_out)
{
	uint64_t seq = next(1, 1);

	next(1, 1);
	undo(1, 1, seq);
	cr_assert(eq(u64, next(1, 1), 2));
}

Test(cop_flow, giving_back_for_an_unknown_destination_does_nothing)
{
	undo(9, 9, 0);
	cr_assert(zero(u64, next(9, 9)));
}

Test(cop_flow, there_are_at_most_1024_and_the_oldest_goes)
{
	for (uint32_t i = 0; i < COP_FLOWS_MAX; i++)
		next(i, 1);
	cr_assert(zero(u32, flows.evicted));
	next(COP_FLOWS_MAX, 1);
	cr_assert(eq(u32, flows.evicted, 1));
	for (uint32_t i = 1; i <= COP_FLOWS_MAX; i++)
		cr_assert(eq(u64, next(i, 1), 1), "flow %u", i);
	cr_assert(eq(u32, flows.evicted, 1));
	cr_assert(zero(u64, next(0, 1)), "the oldest begins anew");
	cr_assert(eq(u32, flows.evicted, 2));
}

/* 100,000 destinations through one socket, and what memory that took. */
Test(cop_flow, a_flood_of_destinations_costs_bounded_memory)
{
	for (uint32_t i = 0; i < 100000; i++)
		cr_assert(zero(u64, next(i, 1)));
	cr_assert(eq(u32, flows.evicted, 100000 - COP_FLOWS_MAX));
}

Test(cop_flow, after_destroy_all_begin_anew)
{
	for (uint32_t i = 0; i < 100; i++)
		next(i, 1);
	cop_flow_destroy(&flows);
	cr_assert(eq(ptr, flows.head, NULL));
	for (uint32_t i = 0; i < 100; i++)
		cr_assert(zero(u64, next(i, 1)));
}

Test(cop_flow, destroying_none_is_harmless)
{
	cop_flow_destroy(&flows);
	cop_flow_destroy(&flows);
	cr_assert(zero(u64, next(1, 1)));
}

Test(cop_flow, sockets_do_not_share_flows)
{
	struct cop_flows other = { 0 };
	struct cop_flow_key k = key(1, 1);

	cop_flow_init(&other);
	next(1, 1);
	cr_assert(zero(u64, cop_flow_next(&other, &k, 1, 1)));
}

/* ---- threads, forks, signals ---------------------------------------------- */

enum { THREADS = 8, ROUNDS = 5000 };

static _Atomic(int) seen[THREADS * ROUNDS];
static _Atomic(int) twice;

static void *count_up(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t seq = next(1, 1);

		if (seq >= ARRAY_SIZE(seen) || atomic_exchange(&seen[seq], 1))
			twice++;
	}
	return arg;
}

Test(cop_flow, threads_get_different_numbers_without_gaps)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count_up, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_assert(zero(int, twice));
	cr_assert(eq(u64, next(1, 1), THREADS * ROUNDS));
}

static int next_in_child(void)
{
	CHECK(next(2, 1) == 0);
	CHECK(next(2, 1) == 1);
	CHECK(next(1, 1) == 1);
	return 0;
}

/*
 * As if another thread had been in the table when the process forked. What it
 * was doing there is lost; the first destination is not in the table.
 */
Test(cop_flow, a_lock_held_at_a_fork_does_not_stop_the_child)
{
	next(1, 1);
	next(2, 1);
	next(2, 1);
	flows.lock = getpid();
	T_CHILD(next_in_child);
}

static int next_goes_on(void)
{
	CHECK(next(1, 1) == 1);
	return 0;
}

Test(cop_flow, a_forked_child_goes_on_counting)
{
	next(1, 1);
	T_CHILD(next_goes_on);
	cr_assert(eq(u64, next(1, 1), 1));
}

static volatile sig_atomic_t handled;

static void on_alarm(int sig)
{
	(void)sig;
	next(handled++ % 2, 1);
}

static atomic_bool enough;

static void *send_on(void *arg)
{
	for (uint32_t i = 0; !enough; i++)
		next(i % 300, 1);
	return arg;
}

/* As when a socket is closed while others send, and its memory used again. */
Test(cop_flow, a_next_owner_may_begin_amid_the_sends_of_the_last)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, send_on, NULL);
	for (int i = 0; i < 100000; i++) {
		if (i % 8 == 0)
			cop_flow_destroy(&flows);
		cop_flow_init(&flows);
	}
	enough = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cop_flow_init(&flows);
	for (uint32_t i = 0; i < 300; i++)
		cr_assert(zero(u64, next(i, 1)));
}

static void close_and_open(int sig)
{
	(void)sig;
	cop_flow_destroy(&flows);
	cop_flow_init(&flows);
	next(handled++ % 2, 1);
}

Test(cop_flow, a_signal_handler_may_close_and_open_amid_a_send)
{
	struct itimerval every = { { 0, 20 }, { 0, 20 } };
	struct itimerval never = { 0 };

	signal(SIGALRM, close_and_open);
	setitimer(ITIMER_REAL, &every, NULL);
	for (uint32_t i = 0; handled < 10000; i++)
		next(i % 300, 1);
	setitimer(ITIMER_REAL, &never, NULL);
	cop_flow_init(&flows);
	for (uint32_t i = 0; i < 300; i++)
		cr_assert(zero(u64, next(i, 1)));
	cr_assert(zero(int, flows.lock));
}

/* It neither deadlocks nor gives a number twice since the last new start. */
Test(cop_flow, a_signal_handler_may_send_amid_a_send)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } };
	struct itimerval never = { 0 };
	uint64_t last = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	next(3, 1);
	while (handled < 2000) {
		uint64_t seq = next(3, 1);

		cr_assert(seq == 0 || seq == last + 1, "%lu after %lu",
			  (long)seq, (long)last);
		last = seq;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert(zero(int, flows.lock));
}
