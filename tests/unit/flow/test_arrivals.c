// SPDX-License-Identifier: MIT
/*
 * test_arrivals.c - flow/arrivals.c: each arrival updates the figures of its peer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/single_threaded.h>

#include "unit/flow/flows.h"

TestSuite(cop_flow_arrivals, .init = t_flow_init, .timeout = 60);

Test(cop_flow_arrivals, arrivals_are_counted_by_peer)
{
	for (uint32_t seq = 0; seq < 100; seq++)
		for (uint32_t addr = 1; addr <= 10; addr++)
			if (seq % (addr + 1) != addr) {
				t_arrive_of(addr, seq, addr);
				if (addr == 7)
					t_arrive_of(addr, seq, addr);
			}
	for (uint32_t addr = 1; addr <= 10; addr++) {
		struct cop_flow_report r = t_known(addr, 1);
		uint64_t lost = 100 / (addr + 1), times = addr == 7 ? 2 : 1;

		cr_expect(eq(u64, r.rx.datagrams, (100 - lost) * times));
		cr_expect(eq(u64, r.rx.bytes, (100 - lost) * times * addr));
		cr_expect(eq(u32, r.rx.duplicated, addr == 7 ? 100 - lost : 0));
		/* what is lost at the very end is not known */
		cr_expect(eq(u64, t_lost_of(addr),
			     lost - (99 % (addr + 1) == addr)));
		cr_expect(zero(u32, r.rx.reordered));
		cr_expect(zero(u64, r.tx_datagrams));
	}
	cr_expect(zero(u32, t_flows.missed));
}

Test(cop_flow_arrivals, late_arrivals_at_a_single_thread_count_as_reordered)
{
	static const uint32_t seqs[] = { 0, 2, 1, 5, 4, 3, 9 };

	for (size_t i = 0; i < ARRAY_SIZE(seqs); i++)
		t_arrive(1, seqs[i]);
	cr_expect(eq(u32, t_known(1, 1).rx.reordered, 3));
	cr_expect(zero(u32, t_known(1, 1).rx.unordered));
	cr_expect(eq(u64, t_lost_of(1), 3));
}

/* Between the receive and this a signal handler has received, too. */
Test(cop_flow_arrivals, an_arrival_that_a_handler_overtook_counts_as_unordered)
{
	struct cop_peer k = t_peer_of(1, 1);
	struct cop_arrival a = { .now = 1001000, .seq = 1, .tstamp = 1000 };
	uint32_t serial;

	t_arrive(1, 0);
	serial = cop_rx_serial;
	t_arrive(1, 2);
	cop_flow_arrived(&t_flows, &k, &a, serial);
	cr_expect(eq(u32, t_known(1, 1).rx.unordered, 1));
	cr_expect(zero(u32, t_known(1, 1).rx.reordered));
	cr_expect(zero(u64, t_lost_of(1)));
}

/* An endpoint of IPv6, from which a datagram has arrived. */
static struct cop_peer arrives_from_in6(uint8_t last)
{
	struct cop_arrival a = { .now = 1000000, .first = true };
	struct cop_endpoint end = { .port = htons(1) };
	struct cop_peer peer;

	end.addr.s6_addr[0] = 0xfd;
	end.addr.s6_addr[15] = last;
	peer = cop_peer_at(&end);
	cop_flow_arrived(&t_flows, &peer, &a, cop_rx_serial);
	return peer;
}

Test(cop_flow_arrivals, the_word_of_the_last_sender_is_the_word_of_its_endpoint)
{
	const struct cop_peer first = arrives_from_in6(1);
	const struct cop_peer last = arrives_from_in6(2);
	struct cop_endpoint other = last.end;

	cr_expect(eq(u64, cop_flow_word_from(&t_flows, &last.end), last.word));
	cr_expect(
		eq(u64, cop_flow_word_from(&t_flows, &first.end), first.word));
	other.port = htons(2);
	cr_expect(eq(u64, cop_flow_word_from(&t_flows, &other),
		     cop_endpoint_word(&other)));
	cop_flow_destroy(&t_flows);
	cr_expect(eq(u64, cop_flow_word_from(&t_flows, &last.end), last.word));
}

/* A socket that a signal handler disconnects names no other sender. */
Test(cop_flow_arrivals, the_wildcard_address_is_a_sender_of_its_own)
{
	const struct cop_endpoint wildcard = { 0 };
	struct cop_peer k = cop_peer_at(&wildcard);
	struct cop_arrival a = { .now = 1, .len = T_LEN };
	struct cop_flow_report report;

	__libc_single_threaded = 1; /* otherwise the last sender is not asked */
	k.word = cop_flow_word_from(&t_flows, &k.end);
	__libc_single_threaded = 0;
	cr_assert(eq(u64, k.word, cop_endpoint_word(&wildcard)));
	cop_flow_arrived(&t_flows, &k, &a, cop_rx_serial);
	cr_assert(eq(uint, cop_flow_list(&t_flows, 0, &report, 1), 1));
	cr_assert(eq(u64, report.rx.datagrams, 1));
	cr_assert(zero(u64, cop_flow_nobody.rx.datagrams));
}

Test(cop_flow_arrivals, both_ways_of_a_peer_are_one_flow)
{
	struct cop_flow_report r;

	t_next(9, 9);
	t_arrive(1, 0);
	t_next(1, 1);
	t_next(1, 1);
	t_arrive(1, 1);
	r = t_known(1, 1);
	cr_expect(eq(u64, r.tx_datagrams, 2));
	cr_expect(eq(u64, r.tx_bytes, 2));
	cr_expect(eq(u64, r.rx.datagrams, 2));
	cr_expect(eq(u64, r.rx.bytes, 2 * T_LEN));
	cr_expect(eq(u64, r.begin, 1));
	cr_expect(eq(u64, r.end, 1001000));
	cr_expect(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0), 1));
}

/* ---- sixteen threads ------------------------------------------------------- */

enum { MANY = 16, TURNS = 1500 };

/*
 * A stream with known losses and doubles, which the threads take turns at: the
 * n-th of a round is whoever's. What a thread may be held up by is a round, so
 * that nothing is missed, nor too late to be told from a double.
 */
static pthread_barrier_t round_begins;
static uint32_t stream[MANY * TURNS];
static uint64_t stream_lost;
static uint32_t stream_doubles;

static void make_stream(void)
{
	uint32_t seq = 0, dice = 1;

	for (size_t i = 0; i < ARRAY_SIZE(stream); i++) {
		dice = dice * 1664525 + 1013904223;
		if (i && dice >> 28 == 3) {
			stream[i] = stream[i - 1];
			stream_doubles++;
			continue;
		}
		if (i && dice >> 28 == 5) {
			stream_lost += dice >> 24 & 3;
			seq += dice >> 24 & 3;
		}
		stream[i] = seq++;
	}
}

static void *arrive_in_turn(void *which)
{
	for (int i = 0; i < TURNS; i++) {
		pthread_barrier_wait(&round_begins);
		t_arrive(1, stream[i * MANY + (uintptr_t)which]);
	}
	return NULL;
}

static void *arrive_as_peer(void *which)
{
	uint32_t addr = 100 + (uintptr_t)which;

	for (uint32_t i = 0; i < TURNS; i++) {
		pthread_barrier_wait(&round_begins);
		if (i % 7 == 3)
			continue;
		t_arrive(addr, i);
	}
	return NULL;
}

static void in_many_threads(void *(*fn)(void *))
{
	pthread_t thread[MANY];

	pthread_barrier_init(&round_begins, NULL, MANY);
	for (uintptr_t i = 0; i < MANY; i++)
		cr_assert(zero(int, pthread_create(&thread[i], NULL, fn,
						   (void *)i)));
	for (int i = 0; i < MANY; i++)
		pthread_join(thread[i], NULL);
}

Test(cop_flow_arrivals, sixteen_threads_make_exact_figures_of_one_flow)
{
	struct cop_flow_report r;

	make_stream();
	in_many_threads(arrive_in_turn);
	r = t_known(1, 1);
	cr_expect(zero(u32, t_flows.missed));
	cr_expect(zero(u32, t_flows.waiting));
	cr_expect(eq(u64, r.rx.datagrams, MANY * TURNS));
	cr_expect(eq(u64, r.rx.bytes, MANY * TURNS * T_LEN));
	cr_expect(eq(u64, cop_source_lost(&r.rx), stream_lost));
	cr_expect(eq(u32, r.rx.duplicated, stream_doubles));
	cr_expect(zero(u32, r.rx.restarts));
	cr_expect(zero(u32, r.rx.reordered), "by nobody but the threads");
}

Test(cop_flow_arrivals, sixteen_threads_make_exact_figures_of_sixteen_flows)
{
	in_many_threads(arrive_as_peer);
	cr_expect(zero(u32, t_flows.missed));
	for (uint32_t addr = 100; addr < 100 + MANY; addr++) {
		cr_expect(eq(u64, t_known(addr, 1).rx.datagrams,
			     TURNS - TURNS / 7));
		cr_expect(eq(u64, t_lost_of(addr), TURNS / 7));
		cr_expect(zero(u32, t_known(addr, 1).rx.duplicated));
		cr_expect(zero(u32, t_known(addr, 1).rx.reordered));
	}
}

static _Atomic(uint32_t) number;

/* As fast as they can: then some may find no room, but each of these is counted. */
static void *arrive_on(void *arg)
{
	for (;;) {
		uint32_t seq = number++;

		if (seq >= 200000)
			return arg;
		if (seq % 10 != 9)
			t_arrive(1, seq);
	}
}

Test(cop_flow_arrivals, a_missed_arrival_is_counted)
{
	struct cop_flow_report r;

	in_many_threads(arrive_on);
	r = t_known(1, 1);
	cr_expect(eq(u64, r.rx.datagrams + t_flows.missed, 180000));
	cr_expect(eq(u64, r.rx.bytes, r.rx.datagrams * T_LEN));
	cr_expect(zero(u32, r.rx.duplicated));
	cr_expect(zero(u32, r.rx.restarts));
	cr_expect(zero(u32, t_flows.waiting));
	if (!t_flows.missed)
		cr_expect(eq(u64, cop_source_lost(&r.rx), 20000 - 1),
			  "the last of these was the last of all");
}

/* Four send, and twelve receive from those that are sent to. */
static void *both_ways(void *which)
{
	uint32_t peer = 1 + (uintptr_t)which % 4;

	for (uint32_t i = 0; i < TURNS; i++) {
		pthread_barrier_wait(&round_begins);
		if ((uintptr_t)which < 4)
			t_next(peer, 1);
		else
			t_arrive(peer, i * 3 + ((uintptr_t)which - 4) / 4);
	}
	return NULL;
}

Test(cop_flow_arrivals, threads_that_send_and_receive_have_exact_figures)
{
	t_next(99, 99);
	in_many_threads(both_ways);
	cr_expect(zero(u32, t_flows.missed));
	for (uint32_t addr = 1; addr <= 4; addr++) {
		struct cop_flow_report r = t_known(addr, 1);

		cr_expect(eq(u64, r.rx.datagrams, 3 * TURNS));
		cr_expect(zero(u64, cop_source_lost(&r.rx)));
		cr_expect(zero(u32, r.rx.duplicated));
		cr_expect(zero(u32, r.rx.restarts));
		cr_expect(eq(u64, r.tx_datagrams, TURNS));
		cr_expect(eq(u64, t_next(addr, 1), TURNS));
	}
}
