// SPDX-License-Identifier: MIT
/*
 * test_sent.c - flow/sent.c: each destination has numbers and counters of its own.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "unit/flow/flows.h"
#include "unit/step.h"

TestSuite(cop_flow_sent, .init = t_flow_init, .timeout = 60);

Test(cop_flow_sent, each_destination_counts_by_itself)
{
	for (uint64_t seq = 0; seq < 5; seq++) {
		cr_assert(eq(u64, t_next(1, 1), seq));
		cr_assert(eq(u64, t_next(1, 2), seq));
		cr_assert(eq(u64, t_next(2, 1), seq));
	}
}

Test(cop_flow_sent, a_number_given_back_is_given_out_again)
{
	t_next(1, 1);
	t_undo(1, 1, t_next(1, 1));
	cr_assert(eq(u64, t_next(1, 1), 1));
}

Test(cop_flow_sent, a_first_number_given_back_is_the_first_again)
{
	t_undo(1, 1, t_next(1, 1));
	cr_assert(zero(u64, t_next(1, 1)));
}

Test(cop_flow_sent, a_number_below_a_later_one_is_not_given_out_again)
{
	uint64_t seq = t_next(1, 1);

	t_next(1, 1);
	t_undo(1, 1, seq);
	cr_assert(eq(u64, t_next(1, 1), 2));
}

Test(cop_flow_sent, giving_back_for_an_unknown_destination_does_nothing)
{
	t_undo(9, 9, 0);
	cr_assert(zero(u64, t_next(9, 9)));
}

Test(cop_flow_sent, a_datagram_that_was_not_sent_is_not_counted)
{
	t_next(9, 9);
	t_next(1, 1);
	t_undo(1, 1, t_next(1, 1));
	cr_expect(eq(u64, t_known(1, 1).tx_datagrams, 1));
	cr_expect(eq(u64, t_known(1, 1).tx_bytes, 1));
}

/* ---- threads, forks, signals ---------------------------------------------- */

enum { THREADS = 8, ROUNDS = 5000 };

static _Atomic(int) seen[THREADS * ROUNDS];
static _Atomic(int) twice;

static void *count_up(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t seq = t_next(1, 1);

		if (seq >= ARRAY_SIZE(seen) || atomic_exchange(&seen[seq], 1))
			twice++;
	}
	return arg;
}

Test(cop_flow_sent, threads_get_different_numbers_without_gaps)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, count_up, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_assert(zero(int, twice));
	cr_assert(eq(u64, t_next(1, 1), THREADS * ROUNDS));
}

static uint32_t amid_addr;
static uint64_t amid_seq, around_seq;

static void next_amid(void)
{
	amid_seq = t_next(amid_addr, 1);
}

static void next_around(void)
{
	around_seq = t_next(5, 1);
}

static unsigned int step_next(uint32_t amid, uint64_t from, unsigned int n)
{
	unsigned int hit;

	cop_flow_destroy(&t_flows);
	cop_flow_init(&t_flows);
	t_next(1, 1);
	for (uint64_t i = 0; i < from; i++)
		t_next(5, 1);
	amid_addr = amid;
	hit = t_step(next_around, n, 0, next_amid);
	if (hit && amid == 5) {
		cr_assert(eq(u64, amid_seq + around_seq, 2 * from + 1), "%u",
			  n);
		cr_assert(ne(u64, amid_seq, around_seq), "%u", n);
	} else if (hit) {
		cr_assert(zero(u64, amid_seq), "%u", n);
		cr_assert(eq(u64, around_seq, from), "%u", n);
	}
	cr_assert(eq(u64, t_next(5, 1), from + 1 + (hit && amid == 5)), "%u",
		  n);
	cr_assert(zero(u32, t_flows.lock));
	return hit;
}

/* To the same destination and another, known or new, behind each instruction. */
Test(cop_flow_sent, a_handler_that_sends_during_a_send_gets_the_next_number,
     .timeout = 300)
{
	for (uint32_t amid = 5; amid <= 6; amid++)
		for (uint64_t from = 0; from <= 2; from += 2)
			for (unsigned int n = 0; step_next(amid, from, n); n++)
				;
}

static int next_goes_on(void)
{
	CHECK(t_next(1, 1) == 1);
	return 0;
}

Test(cop_flow_sent, a_forked_child_goes_on_counting)
{
	t_next(1, 1);
	T_CHILD(next_goes_on);
	cr_assert(eq(u64, t_next(1, 1), 1));
}

static volatile sig_atomic_t handled;

static void on_alarm(int sig)
{
	(void)sig;
	t_next(handled++ % 2, 1);
}

/* It neither deadlocks nor gives a number twice. */
Test(cop_flow_sent, a_signal_handler_may_send_during_a_send)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } };
	struct itimerval never = { 0 };
	uint64_t last = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (handled < 2000) {
		uint64_t seq = t_next(3, 1);

		cr_assert(eq(u64, seq, last++));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert(zero(int, t_flows.lock));
}

/* ---- connected, and no longer ---------------------------------------------- */

Test(cop_flow_sent, the_figures_of_a_connection_are_kept)
{
	struct cop_sent sent = t_sent(5, 900000, 950000);

	t_arrive(1, 0);
	t_fold(1, &sent);
	cr_expect(eq(u64, t_known(1, 1).tx_datagrams, 5));
	cr_expect(eq(u64, t_known(1, 1).tx_bytes, 5 * T_LEN));
	cr_expect(eq(u64, t_known(1, 1).rx.datagrams, 1));
	cr_expect(eq(u64, t_known(1, 1).begin, 900000), "it came first");
	cr_expect(eq(u64, t_known(1, 1).end, 1000000));
	cr_expect(zero(u64, sent.datagrams));
	cr_expect(zero(u64, sent.bytes));
	sent = t_sent(2, 2000000, 2000001);
	t_fold(1, &sent);
	cr_expect(eq(u64, t_known(1, 1).tx_datagrams, 7));
	cr_expect(eq(u64, t_known(1, 1).end, 2000001));
}

Test(cop_flow_sent, nothing_sent_connected_changes_nothing)
{
	struct cop_sent sent = { 0 };

	t_next(9, 9);
	t_next(1, 1);
	t_fold(1, &sent);
	t_fold(2, &sent);
	t_fold(9, &sent);
	cr_expect(eq(u64, t_next(9, 9), 1));
	cr_expect(eq(u64, t_next(1, 1), 1));
	cr_expect(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0), 1));
}

/* The peer takes what comes for the connected flow, whose numbers have ended. */
Test(cop_flow_sent, after_a_connection_numbers_begin_again)
{
	struct cop_sent sent = t_sent(5, 3, 4);

	for (int i = 0; i < 3; i++) {
		t_next(9, 1); /* the first, which has no place in the table */
		t_next(1, 1);
	}
	t_fold(1, &sent);
	cr_expect(zero(u64, t_next(1, 1)));
	cr_expect(eq(u64, t_next(9, 1), 3));
	sent = t_sent(2, 5, 6);
	t_fold(9, &sent);
	cr_expect(zero(u64, t_next(9, 1)));
	cr_expect(eq(u64, t_next(9, 1), 1));
	cr_expect(eq(u64, t_known(1, 1).tx_datagrams, 9));
	cr_expect(eq(u64, t_known(9, 1).tx_datagrams, 8));
	cr_expect(eq(u64, t_known(9, 1).tx_bytes, 6 + 2 * T_LEN));
	cr_expect(eq(u64, t_known(9, 1).begin, 1));
}
