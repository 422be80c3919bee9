// SPDX-License-Identifier: MIT
/*
 * test_backlog.c - flow/backlog.c: each arrival is taken once, and whole.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "flow/arrivals.h"
#include "flow/backlog.h"
#include "unit/helpers.h"
#include "unit/step.h"

enum { PLACES = 32 };

static struct cop_flows flows;

TestSuite(cop_backlog, .timeout = 60);

/* An arrival whose parts all tell its number: one that is torn is found out. */
static bool put(uint32_t n)
{
	struct cop_peer key = { .end = { .scope = n, .port = n } };
	struct cop_arrival a = { .now = n, .seq = n, .tstamp = n, .len = n };

	return cop_backlog_put(&flows, &key, &a);
}

/* Its number, or -1: none, -2: it is not whole. */
static int64_t take(void)
{
	struct cop_peer key;
	struct cop_arrival a;

	if (!cop_backlog_take(&flows, &key, &a))
		return -1;
	if (key.end.scope != a.seq || key.end.port != (uint16_t)a.seq ||
	    a.now != a.seq || a.tstamp != a.seq || a.len != a.seq)
		return -2;
	return a.seq;
}

Test(cop_backlog, a_new_backlog_is_empty)
{
	cr_expect(eq(i64, take(), -1));
	cr_expect(not(cop_backlog_any(&flows)));
	cr_expect(zero(u32, flows.waiting));
}

Test(cop_backlog, each_arrival_is_taken_once)
{
	bool taken[PLACES] = { false };

	for (uint32_t i = 0; i < PLACES; i++)
		cr_assert(put(i));
	cr_expect(eq(u32, flows.waiting, PLACES));
	for (int i = 0; i < PLACES; i++) {
		int64_t n = take();

		cr_assert(ge(i64, n, 0));
		cr_assert(not(taken[n]), "%d twice", (int)n);
		taken[n] = true;
	}
	cr_expect(eq(i64, take(), -1));
	cr_expect(zero(u32, flows.waiting));
	cr_expect(not(cop_backlog_any(&flows)));
}

Test(cop_backlog, beyond_32_there_is_no_room)
{
	for (uint32_t i = 0; i < PLACES; i++)
		cr_assert(put(i));
	cr_expect(not(put(99)));
	cr_expect(eq(u32, flows.waiting, PLACES));
	cr_expect(ge(i64, take(), 0));
	cr_expect(put(99));
	cr_expect(not(put(100)));
}

Test(cop_backlog, each_socket_has_its_own_places)
{
	struct cop_peer key;
	struct cop_flows other = { 0 };
	struct cop_arrival a;

	for (uint32_t i = 0; i < PLACES; i++)
		put(i);
	cr_expect(not(cop_backlog_take(&other, &key, &a)));
	a.seq = 7;
	cr_expect(cop_backlog_put(&other, &key, &a));
	a.seq = 0;
	cr_expect(cop_backlog_take(&other, &key, &a));
	cr_expect(eq(u32, a.seq, 7));
	cr_expect(eq(u32, flows.waiting, PLACES));
}

/* ---- threads ---------------------------------------------------------------- */

enum { PUTTERS = 16, EACH = 20000 };

static atomic_uchar times[PUTTERS * EACH];
static atomic_uint turned_away, torn, done;

static void *put_on(void *which)
{
	for (uint32_t i = 0; i < EACH; i++) {
		uint32_t n = (uintptr_t)which * EACH + i;

		while (!put(n)) {
			turned_away++;
			sched_yield();
		}
	}
	done++;
	return NULL;
}

/* One at a time may take, as the lock of the flows has it. */
static void take_all(void)
{
	for (;;) {
		bool last = done == PUTTERS;
		int64_t n = take();

		if (n >= 0)
			times[n]++;
		torn += n == -2;
		if (n == -1 && last)
			return;
		if (n == -1)
			sched_yield();
	}
}

Test(cop_backlog, sixteen_threads_lose_nothing)
{
	pthread_t thread[PUTTERS];

	for (uintptr_t i = 0; i < PUTTERS; i++)
		pthread_create(&thread[i], NULL, put_on, (void *)i);
	take_all();
	for (int i = 0; i < PUTTERS; i++)
		pthread_join(thread[i], NULL);
	cr_expect(zero(u32, torn));
	cr_expect(zero(u32, flows.waiting));
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		cr_assert(eq(u32, times[i], 1), "%zu", i);
}

/* ---- signals ---------------------------------------------------------------- */

static unsigned int taken, put_here;

static void put_one(void)
{
	if (!put(1000))
		torn++;
}

static void take_one(void)
{
	taken += take() >= 0;
}

static void put_amid(void)
{
	put_here += put(2000 + put_here);
}

static void take_amid(void)
{
	int64_t n = take();

	torn += n == -2;
	taken += n >= 0;
}

static void step_all(void (*fn)(void), void (*amid)(void), unsigned int before,
		     unsigned int by_fn)
{
	for (unsigned int nth = 0, n = 1; n; nth++) {
		taken = put_here = 0;
		for (uint32_t i = 0; i < before; i++)
			cr_assert(put(i));
		n = t_step(fn, nth, 0, amid);
		cr_assert(eq(u32, flows.waiting,
			     before + by_fn + put_here - taken),
			  "instruction %u", nth);
		while (flows.waiting) {
			int64_t got = take();

			cr_assert(ge(i64, got, 0), "instruction %u", nth);
		}
		cr_assert(not(cop_backlog_any(&flows)));
	}
	cr_expect(zero(u32, torn));
}

Test(cop_backlog, a_handler_may_put_and_take_amid_either)
{
	step_all(put_one, put_amid, 0, 1);
	step_all(put_one, take_amid, 0, 1);
	step_all(put_one, take_amid, 3, 1);
	step_all(take_one, put_amid, 2, 0);
	step_all(take_one, put_amid, 0, 0);
}

/* A count that is off, after a longjmp(), costs nobody more than a look. */
Test(cop_backlog, an_announced_arrival_that_never_comes_stops_nobody)
{
	struct cop_peer key = { .word = 1 };
	struct cop_arrival a = { .now = 1, .first = true };

	cop_flow_init(&flows);
	flows.waiting = 1;
	cop_flow_arrived(&flows, &key, &a, cop_rx_serial);
	cop_flow_next(&flows, &key, 1, 1);
	cr_expect(eq(u32, cop_flow_list(&flows, 0, NULL, 0), 1));
	cr_expect(zero(u32, flows.lock));
}
