// SPDX-License-Identifier: MIT
/*
 * test_lists.c - flow/lists.c: which flow goes when there is no room.
 */
#include <stdio.h>

#include "flow/bucket.h"
#include "unit/flow/flows.h"

TestSuite(cop_flow_lists, .init = t_flow_init, .timeout = 60);

Test(cop_flow_lists, there_are_at_most_1024_and_the_oldest_goes)
{
	for (uint32_t i = 0; i < COP_FLOWS_MAX; i++)
		t_next(i, 1);
	cr_assert(zero(u32, t_flows.evicted));
	t_next(COP_FLOWS_MAX, 1);
	cr_assert(eq(u32, t_flows.evicted, 1));
	for (uint32_t i = 1; i <= COP_FLOWS_MAX; i++)
		cr_assert(eq(u64, t_next(i, 1), 1), "flow %u", i);
	cr_assert(eq(u32, t_flows.evicted, 1));
	cr_assert(zero(u64, t_next(0, 1)), "the oldest begins anew");
	cr_assert(eq(u32, t_flows.evicted, 2));
}

/* 100,000 destinations through one socket, and what memory that took. */
Test(cop_flow_lists, a_flood_of_destinations_costs_bounded_memory)
{
	for (uint32_t i = 0; i < 100000; i++)
		cr_assert(zero(u64, t_next(i, 1)));
	cr_assert(eq(u32, t_flows.evicted, 100000 - COP_FLOWS_MAX));
	cr_assert(le(u32, READ_ONCE(cop_flow_slab.fresh), COP_FLOWS_MAX + 1));
}

/* Nothing of the flow that had the memory before is left. */
Test(cop_flow_lists, a_flow_in_the_memory_of_an_evicted_one_begins_anew)
{
	for (uint32_t i = 0; i < 3 * COP_FLOWS_MAX; i++) {
		cr_assert(zero(u64, t_next(i, 1)));
		t_arrive(i, 7);
		t_arrive(i, 9);
		if (i)
			cr_assert(eq(u64, t_known(i, 1).rx.datagrams, 2));
		cr_assert(eq(u64, t_lost_of(i), 1));
		cr_assert(eq(u64, t_next(i, 1), 1));
	}
	cr_assert(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0), COP_FLOWS_MAX));
}

Test(cop_flow_lists,
     a_flow_that_was_sent_to_meanwhile_is_not_taken_for_a_sender)
{
	t_next(1, 1);
	for (uint32_t i = 2; i < 10; i++)
		t_arrive(i, 0);
	t_hold_lock();
	cr_expect(eq(u64, t_next(2, 1), 0));
	t_flows.lock = 0;
	for (uint32_t i = 100; i < 100 + COP_FLOWS_MAX; i++)
		t_arrive(i, 0);
	cr_expect(eq(u64, t_next(2, 1), 1));
}

Test(cop_flow_lists, surplus_flows_are_removed_once_the_lock_is_free)
{
	for (uint32_t i = 0; i < COP_FLOWS_MAX; i++)
		t_next(i, 1);
	t_hold_lock();
	for (uint32_t i = 5000; i < 5010; i++)
		cr_expect(eq(u64, t_next(i, 1), 0));
	cr_expect(zero(u32, t_flows.evicted));
	t_flows.lock = 0;
	cr_expect(eq(u64, t_next(5000, 2), 0));
	cr_expect(eq(u32, t_flows.evicted, 11));
	cr_expect(eq(u32, cop_flow_list(&t_flows, 0, NULL, 0), COP_FLOWS_MAX));
	for (uint32_t i = 5000; i < 5010; i++)
		cr_expect(eq(u64, t_next(i, 1), 1), "flow %u", i);
}

/* A longjmp() out of the lock: memory stays bounded all the same. */
Test(cop_flow_lists, a_lock_that_nobody_lets_go_of_costs_bounded_memory)
{
	t_next(1, 1);
	t_next(2, 1);
	t_hold_lock();
	for (uint32_t i = 10; i < 10000; i++)
		t_next(i, 1);
	cr_expect(le(u32, cop_flow_list(&t_flows, 0, NULL, 0),
		     COP_FLOWS_MAX + 64));
	cr_expect(eq(u64, t_next(2, 1), 1));
	cr_expect(eq(u64, t_next(1, 1), 1));
}

Test(cop_flow_lists, of_the_flows_that_only_arrived_the_oldest_is_removed)
{
	for (uint32_t i = 1; i < COP_FLOWS_MAX; i++)
		t_arrive(i, 0);
	cr_assert(zero(u32, t_flows.evicted));
	t_arrive(1, 1); /* makes it no younger */
	t_arrive(5000, 0);
	cr_expect(eq(u32, t_flows.evicted, 1));
	cr_expect(zero(u64, t_known(1, 1).rx.datagrams));
	cr_expect(eq(u64, t_known(2, 1).rx.datagrams, 1));
	cr_expect(eq(u64, t_known(5000, 1).rx.datagrams, 1));
	cr_expect(zero(u32, t_flows.missed));
}

Test(cop_flow_lists, flows_that_only_arrived_are_removed_first)
{
	t_next(1, 1);
	t_next(2, 1);
	for (uint32_t i = 100; i < 100 + COP_FLOWS_MAX - 2; i++)
		t_arrive(i, 0);
	cr_assert(zero(u32, t_flows.evicted));
	for (uint32_t i = 3; i < COP_FLOWS_MAX; i++)
		t_next(i, 1);
	cr_expect(eq(u32, t_flows.evicted, COP_FLOWS_MAX - 3));
	for (uint32_t i = 1; i < COP_FLOWS_MAX; i++)
		cr_expect(eq(u64, t_next(i, 1), 1), "flow %u", i);
}

static void flood(uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		t_arrive(from + i, i % 3 ? cop_rx_serial * 2654435761u : 0);
}

/* Some were sent to by a sendto(), and answer; who has forged a source does not. */
Test(cop_flow_lists, a_forged_flood_removes_no_flow_that_the_program_sent_to)
{
	for (uint32_t i = 1; i <= 1000; i++) {
		t_next(i, 1);
		t_arrive(i, 0);
	}
	flood(1 << 20, 200000);
	for (uint32_t i = 1; i <= 1000; i++) {
		t_arrive(i, 2);
		cr_expect(eq(u64, t_next(i, 1), 1), "flow %u", i);
	}
	for (uint32_t i = 1; i <= 1000; i++) {
		/* what was sent to the first is not in the table */
		cr_expect(eq(u64, t_known(i, 1).tx_datagrams, i > 1 ? 2 : 0));
		cr_expect(eq(u64, t_known(i, 1).rx.datagrams, 2));
		cr_expect(eq(u64, t_lost_of(i), 1), "flow %u", i);
	}
	cr_expect(eq(u32, t_flows.evicted, 200000 - 23));
	cr_expect(zero(u32, t_flows.missed));
}

/* There is no room for a stranger; that is no loss of anybody else's. */
Test(cop_flow_lists, if_the_program_sent_to_all_flows_a_new_peer_is_missed)
{
	for (uint32_t i = 0; i <= COP_FLOWS_MAX; i++)
		t_next(1 + i, 1); /* the first has gone */
	t_arrive(5, 0);
	flood(1 << 20, 1000);
	t_arrive(5, 3);
	flood(1 << 20, 1000);
	t_arrive(5, 6);
	cr_expect(eq(u32, t_flows.missed, 2000));
	cr_expect(eq(u32, t_flows.evicted, 1));
	cr_expect(eq(u64, t_known(5, 1).rx.datagrams, 3));
	cr_expect(eq(u64, t_lost_of(5), 4));
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

/*
 * Pages that a process touches once, whichever socket is the first. An emulator has more of
 * them: what it has made of the code, and so all of it runs once.
 */
static void touch_once(void)
{
	static struct cop_flows other;

	cop_flow_init(&other);
	for (uint32_t i = 0; i < 2 * COP_FLOWS_MAX; i++) {
		struct cop_peer k = t_peer_of(1 + i, 1);

		cop_flow_arrived(&other, &k,
				 &(struct cop_arrival){ .first = true },
				 cop_rx_serial);
	}
}

Test(cop_flow_lists, a_million_forged_sources_cost_300_kb)
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
	cr_expect(le(long, behind - before, 300));
	cr_expect(ge(long, behind - before, 100), "it was not measured");
	cr_expect(eq(u32, t_flows.evicted, 1000000 - COP_FLOWS_MAX + 1));
	cr_expect(zero(u32, t_flows.missed));
}

Test(cop_flow_lists, a_removed_first_flow_is_no_longer_counted)
{
	for (uint32_t i = 0; i <= COP_FLOWS_MAX; i++)
		t_next(1 + i, 1);
	cr_assert(eq(u32, t_flows.evicted, 1));
	cr_expect(zero(u64, t_flows.first_sent.datagrams));
	cr_expect(zero(u64, t_flows.first_sent.bytes));
}
