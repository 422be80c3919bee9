// SPDX-License-Identifier: MIT
/*
 * test_flow.c - flow/flow.c: sequence numbers by destination, and what arrives by
 * peer.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "flow/backlog.h"
#include "flow/flow.h"
#include "lib/process.h"
#include "unit/helpers.h"
#include "unit/step.h"

static struct cop_flows flows;

static void setup(void)
{
	cop_flow_init(&flows);
}

TestSuite(cop_flow, .init = setup, .timeout = 60);

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

static void arrive(uint32_t addr, uint32_t seq);

/* What the other thread has nobody can have, so room is made in the child. */
static int next_in_child(void)
{
	CHECK(next(2, 1) == 2);
	CHECK(next(1, 1) == 1);
	arrive(7, 0);
	CHECK(!flows.missed && !flows.waiting && !flows.lock);
	for (uint32_t i = 10; i < 10 + 2 * COP_FLOWS_MAX; i++)
		CHECK(next(i, 1) == 0);
	CHECK(cop_flow_list(&flows, 0, NULL, 0) == COP_FLOWS_MAX);
	return 0;
}

/* As if another thread had had the lock when the process forked. */
Test(cop_flow, a_lock_held_at_a_fork_does_not_stop_the_child)
{
	next(1, 1);
	next(2, 1);
	next(2, 1);
	flows.lock = getpid();
	T_CHILD(next_in_child);
}

/* The lock is in the hands of a thread of this process, which does not run. */
static void hold_lock(void)
{
	cop_flow_arrived(&flows, &(struct cop_flow_key){ .addr = 1 },
			 &(struct cop_arrival){ .first = true }, cop_rx_serial);
	flows.lock = cop_process()->id;
	cr_assert(ne(u32, flows.lock, 0));
}

Test(cop_flow, nobody_waits_for_the_lock_and_each_number_is_right)
{
	for (uint32_t i = 1; i < 20; i++)
		next(i, 1);
	hold_lock();
	for (uint64_t seq = 1; seq < 5; seq++)
		for (uint32_t i = 1; i < 20; i++)
			cr_expect(eq(u64, next(i, 1), seq));
	undo(3, 1, 4);
	cr_expect(eq(u64, next(3, 1), 4));
	for (uint64_t seq = 0; seq < 5; seq++)
		for (uint32_t i = 20; i < 40; i++)
			cr_expect(eq(u64, next(i, 1), seq));
	cr_expect(eq(u32, cop_flow_list(&flows, 0, NULL, 0), 39));
	flows.lock = 0;
	cr_expect(eq(u64, next(40, 1), 0));
	cr_expect(eq(u64, next(39, 1), 5));
	cr_expect(eq(u32, cop_flow_list(&flows, 0, NULL, 0), 40));
	cr_expect(zero(u32, flows.missed));
}

Test(cop_flow, a_flow_that_was_sent_to_meanwhile_is_not_taken_for_a_sender)
{
	next(1, 1);
	for (uint32_t i = 2; i < 10; i++)
		arrive(i, 0);
	hold_lock();
	cr_expect(eq(u64, next(2, 1), 0));
	flows.lock = 0;
	for (uint32_t i = 100; i < 100 + COP_FLOWS_MAX; i++)
		arrive(i, 0);
	cr_expect(eq(u64, next(2, 1), 1));
}

Test(cop_flow, what_is_added_beyond_the_most_goes_when_the_lock_is_had)
{
	for (uint32_t i = 0; i < COP_FLOWS_MAX; i++)
		next(i, 1);
	hold_lock();
	for (uint32_t i = 5000; i < 5010; i++)
		cr_expect(eq(u64, next(i, 1), 0));
	cr_expect(zero(u32, flows.evicted));
	flows.lock = 0;
	cr_expect(eq(u64, next(5000, 2), 0));
	cr_expect(eq(u32, flows.evicted, 11));
	cr_expect(eq(u32, cop_flow_list(&flows, 0, NULL, 0), COP_FLOWS_MAX));
	for (uint32_t i = 5000; i < 5010; i++)
		cr_expect(eq(u64, next(i, 1), 1), "flow %u", i);
}

/* A longjmp() out of the lock: memory stays bounded all the same. */
Test(cop_flow, a_lock_that_nobody_lets_go_of_costs_bounded_memory)
{
	next(1, 1);
	next(2, 1);
	hold_lock();
	for (uint32_t i = 10; i < 10000; i++)
		next(i, 1);
	cr_expect(
		le(u32, cop_flow_list(&flows, 0, NULL, 0), COP_FLOWS_MAX + 64));
	cr_expect(eq(u64, next(2, 1), 1));
	cr_expect(eq(u64, next(1, 1), 1));
}

static uint32_t amid_addr;
static uint64_t amid_seq, around_seq;

static void next_amid(void)
{
	amid_seq = next(amid_addr, 1);
}

static void next_around(void)
{
	around_seq = next(5, 1);
}

static unsigned int step_next(uint32_t amid, uint64_t from, unsigned int n)
{
	unsigned int hit;

	cop_flow_destroy(&flows);
	cop_flow_init(&flows);
	next(1, 1);
	for (uint64_t i = 0; i < from; i++)
		next(5, 1);
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
	cr_assert(eq(u64, next(5, 1), from + 1 + (hit && amid == 5)), "%u", n);
	cr_assert(zero(u32, flows.lock));
	return hit;
}

/* To the same destination and another, known or new, behind each instruction. */
Test(cop_flow, a_handler_that_sends_amid_a_send_gets_the_next_number,
     .timeout = 300)
{
	for (uint32_t amid = 5; amid <= 6; amid++)
		for (uint64_t from = 0; from <= 2; from += 2)
			for (unsigned int n = 0; step_next(amid, from, n); n++)
				;
}

/* ---- destinations that many threads come upon at once ---------------------- */

enum { FRESH = 3000 };

static _Atomic(uint8_t) fresh_seen[FRESH][THREADS];
static _Atomic(int) fresh_wrong;
static pthread_barrier_t fresh_begin;

static void *send_to_fresh(void *arg)
{
	for (uint32_t i = 0; i < FRESH; i++) {
		uint64_t seq;

		if (i % 100 == 0)
			pthread_barrier_wait(&fresh_begin);
		seq = next(10 + i, 1);
		if (i % 3 == 0)
			arrive(10 + i, 0);
		if (seq >= THREADS || fresh_seen[i][seq]++)
			fresh_wrong++;
	}
	return arg;
}

Test(cop_flow, threads_that_send_to_new_destinations_share_their_numbers)
{
	pthread_t thread[THREADS];

	next(1, 1);
	pthread_barrier_init(&fresh_begin, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, send_to_fresh, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_expect(zero(int, fresh_wrong));
	cr_expect(zero(u32, flows.lock));
	next(9, 1);
	cr_expect(le(u32, cop_flow_list(&flows, 0, NULL, 0), COP_FLOWS_MAX));
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

/* It neither deadlocks nor gives a number twice. */
Test(cop_flow, a_signal_handler_may_send_amid_a_send)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } };
	struct itimerval never = { 0 };
	uint64_t last = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (handled < 2000) {
		uint64_t seq = next(3, 1);

		cr_assert(eq(u64, seq, last++));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	cr_assert(zero(int, flows.lock));
}

/* ---- what arrives ---------------------------------------------------------- */

enum { LEN = 10 };

static void arrive_of(uint32_t addr, uint32_t seq, size_t len)
{
	struct cop_flow_key k = key(addr, 1);
	struct cop_arrival a = { .now = 1000000 + seq * 1000ull,
				 .seq = seq,
				 .tstamp = seq * 1000,
				 .len = len,
				 .first = !seq };

	cop_flow_arrived(&flows, &k, &a, cop_rx_serial);
}

static void arrive(uint32_t addr, uint32_t seq)
{
	arrive_of(addr, seq, LEN);
}

/* What is known of a peer; all zero where it is nothing. */
static struct cop_flow_report known(uint32_t addr, uint16_t port)
{
	static struct cop_flow_report reports[COP_FLOWS_MAX];
	struct cop_flow_key k = key(addr, port);
	unsigned int n = cop_flow_list(&flows, 0, reports, COP_FLOWS_MAX);

	cr_assert(le(u32, n, COP_FLOWS_MAX));
	for (unsigned int i = 0; i < n; i++)
		if (!memcmp(&reports[i].key, &k, sizeof(k)))
			return reports[i];
	return (struct cop_flow_report){ 0 };
}

static uint64_t lost_of(uint32_t addr)
{
	struct cop_flow_report r = known(addr, 1);

	return cop_source_lost(&r.rx);
}

Test(cop_flow, arrivals_are_counted_by_peer)
{
	for (uint32_t seq = 0; seq < 100; seq++)
		for (uint32_t addr = 1; addr <= 10; addr++)
			if (seq % (addr + 1) != addr) {
				arrive_of(addr, seq, addr);
				if (addr == 7)
					arrive_of(addr, seq, addr);
			}
	for (uint32_t addr = 1; addr <= 10; addr++) {
		struct cop_flow_report r = known(addr, 1);
		uint64_t lost = 100 / (addr + 1), times = addr == 7 ? 2 : 1;

		cr_expect(eq(u64, r.rx.datagrams, (100 - lost) * times));
		cr_expect(eq(u64, r.rx.bytes, (100 - lost) * times * addr));
		cr_expect(eq(u32, r.rx.duplicated, addr == 7 ? 100 - lost : 0));
		/* what is lost at the very end is not known */
		cr_expect(eq(u64, lost_of(addr),
			     lost - (99 % (addr + 1) == addr)));
		cr_expect(zero(u32, r.rx.reordered));
		cr_expect(zero(u64, r.tx_datagrams));
	}
	cr_expect(zero(u32, flows.missed));
}

Test(cop_flow, late_ones_of_a_single_thread_came_late)
{
	static const uint32_t seqs[] = { 0, 2, 1, 5, 4, 3, 9 };

	for (size_t i = 0; i < ARRAY_SIZE(seqs); i++)
		arrive(1, seqs[i]);
	cr_expect(eq(u32, known(1, 1).rx.reordered, 3));
	cr_expect(zero(u32, known(1, 1).rx.unordered));
	cr_expect(eq(u64, lost_of(1), 3));
}

/* Between the receive and this a signal handler has received, too. */
Test(cop_flow, what_a_handler_overtook_is_not_the_paths_fault)
{
	struct cop_flow_key k = key(1, 1);
	struct cop_arrival a = { .now = 1001000, .seq = 1, .tstamp = 1000 };
	uint32_t serial;

	arrive(1, 0);
	serial = cop_rx_serial;
	arrive(1, 2);
	cop_flow_arrived(&flows, &k, &a, serial);
	cr_expect(eq(u32, known(1, 1).rx.unordered, 1));
	cr_expect(zero(u32, known(1, 1).rx.reordered));
	cr_expect(zero(u64, lost_of(1)));
}

Test(cop_flow, both_ways_of_a_peer_are_one_flow)
{
	struct cop_flow_report r;

	next(9, 9);
	arrive(1, 0);
	next(1, 1);
	next(1, 1);
	arrive(1, 1);
	r = known(1, 1);
	cr_expect(eq(u64, r.tx_datagrams, 2));
	cr_expect(eq(u64, r.tx_bytes, 2));
	cr_expect(eq(u64, r.rx.datagrams, 2));
	cr_expect(eq(u64, r.rx.bytes, 2 * LEN));
	cr_expect(eq(u64, r.begin, 1));
	cr_expect(eq(u64, r.end, 1001000));
	cr_expect(eq(u32, cop_flow_list(&flows, 0, NULL, 0), 1));
}

Test(cop_flow, what_was_not_sent_is_not_counted)
{
	next(9, 9);
	next(1, 1);
	undo(1, 1, next(1, 1));
	cr_expect(eq(u64, known(1, 1).tx_datagrams, 1));
	cr_expect(eq(u64, known(1, 1).tx_bytes, 1));
}

Test(cop_flow, the_list_is_read_in_parts)
{
	struct cop_flow_report all[50], part[7];
	unsigned int n;

	for (uint32_t i = 1; i <= 20; i++)
		arrive(i, 0);
	for (uint32_t i = 100; i < 131; i++)
		next(i, 1);
	n = cop_flow_list(&flows, 0, all, ARRAY_SIZE(all));
	cr_assert(eq(u32, n, ARRAY_SIZE(all)));
	for (unsigned int from = 0; from < n; from += ARRAY_SIZE(part)) {
		cr_expect(eq(u32, n,
			     cop_flow_list(&flows, from, part,
					   ARRAY_SIZE(part))));
		for (unsigned int i = 0; i < ARRAY_SIZE(part) && from + i < n;
		     i++)
			cr_expect(zero(int, memcmp(&part[i], &all[from + i],
						   sizeof(part[i]))));
	}
	for (uint32_t i = 0; i < 30; i++)
		cr_expect(eq(u32, ntohl(all[i].key.addr), 101 + i),
			  "those that were sent to, oldest first");
	for (uint32_t i = 0; i < 20; i++)
		cr_expect(eq(u32, ntohl(all[30 + i].key.addr), 1 + i));
}

/* ---- what has to go -------------------------------------------------------- */

Test(cop_flow, of_those_that_only_sent_the_oldest_goes)
{
	for (uint32_t i = 1; i < COP_FLOWS_MAX; i++)
		arrive(i, 0);
	cr_assert(zero(u32, flows.evicted));
	arrive(1, 1); /* makes it no younger */
	arrive(5000, 0);
	cr_expect(eq(u32, flows.evicted, 1));
	cr_expect(zero(u64, known(1, 1).rx.datagrams));
	cr_expect(eq(u64, known(2, 1).rx.datagrams, 1));
	cr_expect(eq(u64, known(5000, 1).rx.datagrams, 1));
	cr_expect(zero(u32, flows.missed));
}

Test(cop_flow, those_that_only_sent_go_first)
{
	next(1, 1);
	next(2, 1);
	for (uint32_t i = 100; i < 100 + COP_FLOWS_MAX - 2; i++)
		arrive(i, 0);
	cr_assert(zero(u32, flows.evicted));
	for (uint32_t i = 3; i < COP_FLOWS_MAX; i++)
		next(i, 1);
	cr_expect(eq(u32, flows.evicted, COP_FLOWS_MAX - 3));
	for (uint32_t i = 1; i < COP_FLOWS_MAX; i++)
		cr_expect(eq(u64, next(i, 1), 1), "flow %u", i);
}

static void flood(uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		arrive(from + i, i % 3 ? cop_rx_serial * 2654435761u : 0);
}

/* Some were sent to by a sendto(), and answer; who has forged a source does not. */
Test(cop_flow, a_forged_flood_pushes_out_nobody_who_was_sent_to)
{
	for (uint32_t i = 1; i <= 1000; i++) {
		next(i, 1);
		arrive(i, 0);
	}
	flood(1 << 20, 200000);
	for (uint32_t i = 1; i <= 1000; i++) {
		arrive(i, 2);
		cr_expect(eq(u64, next(i, 1), 1), "flow %u", i);
	}
	for (uint32_t i = 1; i <= 1000; i++) {
		/* what was sent to the first is not in the table */
		cr_expect(eq(u64, known(i, 1).tx_datagrams, i > 1 ? 2 : 0));
		cr_expect(eq(u64, known(i, 1).rx.datagrams, 2));
		cr_expect(eq(u64, lost_of(i), 1), "flow %u", i);
	}
	cr_expect(eq(u32, flows.evicted, 200000 - 23));
	cr_expect(zero(u32, flows.missed));
}

/* There is no room for a stranger; that is no loss of anybody else's. */
Test(cop_flow, where_all_were_sent_to_a_stranger_is_missed)
{
	for (uint32_t i = 0; i <= COP_FLOWS_MAX; i++)
		next(1 + i, 1); /* the first has gone */
	arrive(5, 0);
	flood(1 << 20, 1000);
	arrive(5, 3);
	flood(1 << 20, 1000);
	arrive(5, 6);
	cr_expect(eq(u32, flows.missed, 2000));
	cr_expect(eq(u32, flows.evicted, 1));
	cr_expect(eq(u64, known(5, 1).rx.datagrams, 3));
	cr_expect(eq(u64, lost_of(5), 4));
}

/* What the process has of memory, by its page tables, files aside. */
static long anonymous_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kb = -1;

	while (f && kb < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "Anonymous: %ld kB", &kb);
	if (f)
		fclose(f);
	return kb;
}

#if defined(__SANITIZE_ADDRESS__) || defined(COP_TSAN)
#define SHADOWED true
#else
#define SHADOWED false
#endif

/* Pages that a process touches once, whichever socket is the first. */
static void touch_once(void)
{
	static struct cop_flows other;

	cop_flow_init(&other);
	cop_flow_arrived(&other, &(struct cop_flow_key){ .addr = 1 },
			 &(struct cop_arrival){ .first = true }, cop_rx_serial);
}

Test(cop_flow, a_million_forged_sources_cost_256_kb)
{
	long before, behind;

	if (SHADOWED)
		cr_skip("a sanitizer's shadow is memory, too");
	touch_once();
	before = anonymous_kb();
	if (before < 0)
		cr_skip("no /proc/self/smaps_rollup here");
	before = anonymous_kb();
	flood(1, 1000000);
	behind = anonymous_kb();
	cr_expect(le(long, behind - before, 256));
	cr_expect(ge(long, behind - before, 100), "it was not measured");
	cr_expect(eq(u32, flows.evicted, 1000000 - COP_FLOWS_MAX + 1));
	cr_expect(zero(u32, flows.missed));
}

/* ---- connected, and no longer ---------------------------------------------- */

static void fold(uint32_t addr, struct cop_sent *sent)
{
	struct cop_flow_key k = key(addr, 1);

	cop_flow_fold(&flows, &k, sent);
}

static struct cop_sent sent_connected(uint64_t n, uint64_t begin, uint64_t end)
{
	return (struct cop_sent){
		.datagrams = n, .bytes = n * LEN, .begin = begin, .end = end
	};
}

Test(cop_flow, what_was_sent_connected_is_kept)
{
	struct cop_sent sent = sent_connected(5, 900000, 950000);

	arrive(1, 0);
	fold(1, &sent);
	cr_expect(eq(u64, known(1, 1).tx_datagrams, 5));
	cr_expect(eq(u64, known(1, 1).tx_bytes, 5 * LEN));
	cr_expect(eq(u64, known(1, 1).rx.datagrams, 1));
	cr_expect(eq(u64, known(1, 1).begin, 900000), "it came first");
	cr_expect(eq(u64, known(1, 1).end, 1000000));
	cr_expect(zero(u64, sent.datagrams));
	cr_expect(zero(u64, sent.bytes));
	sent = sent_connected(2, 2000000, 2000001);
	fold(1, &sent);
	cr_expect(eq(u64, known(1, 1).tx_datagrams, 7));
	cr_expect(eq(u64, known(1, 1).end, 2000001));
}

Test(cop_flow, nothing_sent_connected_changes_nothing)
{
	struct cop_sent sent = { 0 };

	next(9, 9);
	next(1, 1);
	fold(1, &sent);
	fold(2, &sent);
	fold(9, &sent);
	cr_expect(eq(u64, next(9, 9), 1));
	cr_expect(eq(u64, next(1, 1), 1));
	cr_expect(eq(u32, cop_flow_list(&flows, 0, NULL, 0), 1));
}

/* The peer takes what comes for the connected flow, whose numbers have ended. */
Test(cop_flow, behind_a_connection_numbers_begin_anew)
{
	struct cop_sent sent = sent_connected(5, 3, 4);

	for (int i = 0; i < 3; i++) {
		next(9, 1); /* the first, which has no place in the table */
		next(1, 1);
	}
	fold(1, &sent);
	cr_expect(zero(u64, next(1, 1)));
	cr_expect(eq(u64, next(9, 1), 3));
	sent = sent_connected(2, 5, 6);
	fold(9, &sent);
	cr_expect(zero(u64, next(9, 1)));
	cr_expect(eq(u64, next(9, 1), 1));
	cr_expect(eq(u64, known(1, 1).tx_datagrams, 9));
	cr_expect(eq(u64, known(9, 1).tx_datagrams, 8));
	cr_expect(eq(u64, known(9, 1).tx_bytes, 6 + 2 * LEN));
	cr_expect(eq(u64, known(9, 1).begin, 1));
}

Test(cop_flow, a_first_flow_that_had_to_go_is_no_longer_counted)
{
	for (uint32_t i = 0; i <= COP_FLOWS_MAX; i++)
		next(1 + i, 1);
	cr_assert(eq(u32, flows.evicted, 1));
	cr_expect(zero(u64, flows.first_sent.datagrams));
	cr_expect(zero(u64, flows.first_sent.bytes));
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
		arrive(1, stream[i * MANY + (uintptr_t)which]);
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
		arrive(addr, i);
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

Test(cop_flow, sixteen_threads_make_exact_figures_of_one_flow)
{
	struct cop_flow_report r;

	make_stream();
	in_many_threads(arrive_in_turn);
	r = known(1, 1);
	cr_expect(zero(u32, flows.missed));
	cr_expect(zero(u32, flows.waiting));
	cr_expect(eq(u64, r.rx.datagrams, MANY * TURNS));
	cr_expect(eq(u64, r.rx.bytes, MANY * TURNS * LEN));
	cr_expect(eq(u64, cop_source_lost(&r.rx), stream_lost));
	cr_expect(eq(u32, r.rx.duplicated, stream_doubles));
	cr_expect(zero(u32, r.rx.restarts));
	cr_expect(zero(u32, r.rx.reordered), "by nobody but the threads");
}

Test(cop_flow, sixteen_threads_make_exact_figures_of_sixteen_flows)
{
	in_many_threads(arrive_as_peer);
	cr_expect(zero(u32, flows.missed));
	for (uint32_t addr = 100; addr < 100 + MANY; addr++) {
		cr_expect(eq(u64, known(addr, 1).rx.datagrams,
			     TURNS - TURNS / 7));
		cr_expect(eq(u64, lost_of(addr), TURNS / 7));
		cr_expect(zero(u32, known(addr, 1).rx.duplicated));
		cr_expect(zero(u32, known(addr, 1).rx.reordered));
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
			arrive(1, seq);
	}
}

Test(cop_flow, what_is_missed_is_counted)
{
	struct cop_flow_report r;

	in_many_threads(arrive_on);
	r = known(1, 1);
	cr_expect(eq(u64, r.rx.datagrams + flows.missed, 180000));
	cr_expect(eq(u64, r.rx.bytes, r.rx.datagrams * LEN));
	cr_expect(zero(u32, r.rx.duplicated));
	cr_expect(zero(u32, r.rx.restarts));
	cr_expect(zero(u32, flows.waiting));
	if (!flows.missed)
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
			next(peer, 1);
		else
			arrive(peer, i * 3 + ((uintptr_t)which - 4) / 4);
	}
	return NULL;
}

Test(cop_flow, threads_that_send_and_receive_have_exact_figures)
{
	next(99, 99);
	in_many_threads(both_ways);
	cr_expect(zero(u32, flows.missed));
	for (uint32_t addr = 1; addr <= 4; addr++) {
		struct cop_flow_report r = known(addr, 1);

		cr_expect(eq(u64, r.rx.datagrams, 3 * TURNS));
		cr_expect(zero(u64, cop_source_lost(&r.rx)));
		cr_expect(zero(u32, r.rx.duplicated));
		cr_expect(zero(u32, r.rx.restarts));
		cr_expect(eq(u64, r.tx_datagrams, TURNS));
		cr_expect(eq(u64, next(addr, 1), TURNS));
	}
}

/* ---- a signal handler behind each instruction ------------------------------ */

enum { SEEN_BEFORE = 3 }; /* datagrams of peer 1 ahead of the step */

static _Atomic(uint32_t) fresh_seq; /* of peer 1 */

static void arrive_main(void)
{
	arrive(1, u32_add(&fresh_seq, 1));
}

static void send_main(void)
{
	next(1, 1);
}

static void list_main(void)
{
	cop_flow_list(&flows, 0, NULL, 0);
}

static void fold_main(void)
{
	struct cop_sent sent = sent_connected(1, 1, 1);

	fold(1, &sent);
}

static void defer_main(void)
{
	uint32_t seq = u32_add(&fresh_seq, 1);
	struct cop_flow_key k = key(1, 1);
	struct cop_arrival a = {
		.now = 1000000, .seq = seq, .tstamp = seq * 1000, .len = LEN
	};

	cop_deferred_put(&flows, &k, &a);
}

static void arrive_here(void)
{
	arrive(1, u32_add(&fresh_seq, 1));
}

static void stranger_here(void)
{
	arrive(77, 0);
}

static void send_here(void)
{
	next(1, 1);
}

static void list_here(void)
{
	cop_flow_list(&flows, 0, NULL, 0);
}

static pid_t parent;

static void fork_here(void)
{
	fork();
}

static const struct {
	const char *what;
	void (*fn)(void);
	void (*between)(void);
	uint64_t rx, tx;  /* behind it, of peer 1 */
	uint64_t rx_each; /* and for each interruption */
	bool waits;	  /* one was put aside already */
} steps[] = {
	{ "arrive amid arrive", arrive_main, arrive_here, 4, 1, 1, false },
	{ "arrive amid send", send_main, arrive_here, 3, 2, 1, false },
	{ "arrive amid list", list_main, arrive_here, 3, 1, 1, false },
	{ "arrive amid fold", fold_main, arrive_here, 3, 2, 1, false },
	{ "arrive amid defer", defer_main, arrive_here, 4, 1, 1, false },
	{ "another amid defer", defer_main, arrive_here, 5, 1, 1, true },
	{ "another amid arrive", arrive_main, arrive_here, 5, 1, 1, true },
	{ "stranger amid arrive", arrive_main, stranger_here, 4, 1, 0, false },
	{ "stranger amid send", send_main, stranger_here, 3, 2, 0, false },
	{ "stranger amid list", list_main, stranger_here, 3, 1, 0, false },
	{ "send amid arrive", arrive_main, send_here, 4, 0, 0, false },
	{ "send amid list", list_main, send_here, 3, 0, 0, false },
	{ "list amid arrive", arrive_main, list_here, 4, 1, 0, false },
	{ "list amid send", send_main, list_here, 3, 2, 0, false },
	{ "fork amid arrive", arrive_main, fork_here, 4, 1, 0, false },
	{ "fork amid send", send_main, fork_here, 3, 2, 0, false },
	{ "fork amid defer", defer_main, fork_here, 4, 1, 0, false },
};

static void step_from_new(size_t i)
{
	cop_flow_init(&flows);
	next(99, 99);
	next(1, 1);
	for (fresh_seq = 0; fresh_seq < SEEN_BEFORE; fresh_seq++)
		arrive(1, fresh_seq);
	if (steps[i].waits)
		defer_main();
}

/* What a child has too, whatever its parent was doing; returns a line, or 0. */
static int step_was_right(size_t i, unsigned int times)
{
	const uint64_t rx = steps[i].rx + times * steps[i].rx_each;
	struct cop_flow_report r;

	CHECK(!flows.lock);
	r = known(1, 1);
	CHECK(!flows.waiting && !flows.missed);
	CHECK(r.rx.datagrams == rx);
	CHECK(r.rx.bytes == r.rx.datagrams * LEN);
	CHECK(!cop_source_lost(&r.rx) && !r.rx.duplicated);
	/* that which a send came upon has no place for its number */
	CHECK(steps[i].between == send_here || r.tx_datagrams == steps[i].tx);
	CHECK(!flows.evicted);
	arrive(1, fresh_seq);
	CHECK(known(1, 1).rx.datagrams == rx + 1);
	next(2, 1);
	CHECK(next(2, 1) == 1);
	return 0;
}

static void reap(unsigned int at, const char *what)
{
	int status;

	while (wait(&status) > 0)
		cr_assert(zero(int, status), "%s: child of %u, line %d", what,
			  at, WEXITSTATUS(status));
}

/* So far apart are those in one run; there are as many runs. */
enum { APART = 40 };

Test(cop_flow, a_handler_may_do_anything_amid_anything)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		for (unsigned int nth = 0; nth < APART; nth++) {
			unsigned int n;

			if (steps[i].between == fork_here)
				continue;
			step_from_new(i);
			n = t_step(steps[i].fn, nth, APART, steps[i].between);
			cr_assert(ge(u32, n, 1));
			cr_assert(zero(int, step_was_right(i, n)),
				  "%s, instruction %u", steps[i].what, nth);
		}
}

/* A sanitizer makes many more of them, and a fork slow. */
#define FORK_EACH (SHADOWED ? 23 : 1)

static void step_and_fork(size_t i)
{
	parent = getpid();
	for (unsigned int nth = 0;; nth += FORK_EACH) {
		int line;

		step_from_new(i);
		if (!t_step(steps[i].fn, nth, 0, fork_here))
			return;
		line = step_was_right(i, 1);
		if (getpid() != parent)
			_exit(line ? line & 0xff ?: 1 : 0);
		cr_assert(zero(int, line), "%s, instruction %u", steps[i].what,
			  nth);
		reap(nth, steps[i].what);
	}
}

Test(cop_flow, a_handler_may_fork_amid_anything)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].between == fork_here)
			step_and_fork(i);
}

/* ---- a fork amid other threads --------------------------------------------- */

static void *arrive_and_send(void *arg)
{
	for (uint32_t i = 0; !enough; i++) {
		arrive(1 + i % 50, i / 50);
		next(i % 50, 1);
	}
	return arg;
}

/* Whatever of the table was in a thread's hands, it can be used. */
static int uses_the_table(void)
{
	struct cop_flow_report reports[COP_FLOWS_MAX];

	cop_flow_list(&flows, 0, reports, COP_FLOWS_MAX);
	for (uint32_t seq = 0; seq < 5; seq++)
		arrive(5000, seq);
	CHECK(known(5000, 1).rx.datagrams == 5);
	next(6000, 1);
	CHECK(next(6000, 1) == 1);
	CHECK(cop_flow_list(&flows, 0, reports, COP_FLOWS_MAX) <= 100);
	cop_flow_destroy(&flows);
	cop_flow_init(&flows);
	CHECK(next(6000, 1) == 0);
	return 0;
}

Test(cop_flow, a_child_of_busy_threads_can_use_the_table)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, arrive_and_send, NULL);
	for (int i = 0; i < 300; i++)
		T_CHILD(uses_the_table);
	enough = true;
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}
