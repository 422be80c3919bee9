// SPDX-License-Identifier: MIT
/*
 * test_table.c - flow/table.c: threads that add the same flow share one, and memory that is
 * used again is not taken for the flow it was.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "flow/bucket.h"
#include "flow/table.h"
#include "unit/flow/flows.h"

TestSuite(cop_flow_table, .init = t_flow_init, .timeout = 60);

enum { THREADS = 8 };

enum { FRESH = 3000 };

/*
 * While the holder of the lock does not run, the others may add 64 flows. Beyond that
 * they get no number, so they wait for it ahead of that.
 */
enum { TOGETHER = 20 };

static _Atomic(uint8_t) fresh_seen[FRESH][THREADS];
static _Atomic(int) fresh_wrong;
static pthread_barrier_t fresh_begin;

static void *send_to_fresh(void *arg)
{
	for (uint32_t i = 0; i < FRESH; i++) {
		uint64_t seq;

		if (i % TOGETHER == 0)
			pthread_barrier_wait(&fresh_begin);
		seq = t_next(10 + i, 1);
		if (i % 3 == 0)
			t_arrive(10 + i, 0);
		if (seq >= THREADS || fresh_seen[i][seq]++)
			fresh_wrong++;
	}
	return arg;
}

Test(cop_flow_table, threads_that_send_to_new_destinations_share_their_numbers)
{
	pthread_t thread[THREADS];

	t_next(1, 1);
	pthread_barrier_init(&fresh_begin, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, send_to_fresh, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_expect(zero(int, fresh_wrong));
	cr_expect(zero(u32, t_flows.lock));
	t_next(9, 1);
	cr_expect(le(u32, cop_flow_list(&t_flows, 0, NULL, 0), COP_FLOWS_MAX));
}

static uint64_t word(uint32_t addr, uint16_t port)
{
	struct cop_endpoint k = t_peer(addr, port);

	return cop_endpoint_word(&k);
}

/* The first destination of a socket is not in the table. */
static void send_to_second(void)
{
	t_next(9, 9);
	t_next(1, 1);
}

Test(cop_flow_table, a_number_from_before_a_removal_is_refused_afterwards)
{
	struct cop_flow *flow;
	uint64_t before, behind;

	send_to_second();
	flow = cop_flow_find(&t_flows, word(1, 1), &before);
	cop_flow_init(&t_flows);
	send_to_second();
	cr_assert(eq(ptr, cop_flow_find(&t_flows, word(1, 1), &behind), flow),
		  "the memory is not used again");
	cr_expect(eq(u64, behind & FLOW_LOW_MASK, before & FLOW_LOW_MASK));
	cr_expect(not(u64_cas(&flow->number, &before, before + 1)));
}

Test(cop_flow_table, a_flow_of_the_last_owner_is_not_found)
{
	uint64_t number;

	send_to_second();
	t_hold_lock();
	cop_flow_init(&t_flows);
	cr_expect(ge(u32, t_flows.table->count, 1), "it was removed");
	cr_expect(eq(ptr, cop_flow_find(&t_flows, word(1, 1), &number), NULL));
}

/* Another thread may add the flow between the search and the lock. */
Test(cop_flow_table, a_search_is_done_anew_only_if_the_bucket_has_changed)
{
	struct flow_search none, search;
	struct cop_flow *flow;

	cr_expect(eq(ptr, cop_flow_search(&t_flows, word(1, 1), &none), NULL));
	cr_expect(eq(u64, none.head, FLOW_NO_HEAD), "there is no table");
	t_next(9, 9);
	t_next(2, 1);
	cr_expect(
		eq(ptr, cop_flow_search(&t_flows, word(1, 1), &search), NULL));
	cr_expect(eq(ptr,
		     cop_flow_search_again(&t_flows, t_flows.table, word(1, 1),
					   &search),
		     NULL));
	t_next(1, 1);
	flow = cop_flow_search_again(&t_flows, t_flows.table, word(1, 1),
				     &search);
	cr_assert(ne(ptr, flow, NULL));
	cr_expect(eq(u64, search.number, READ_ONCE(flow->number)));
	cr_expect(eq(ptr,
		     cop_flow_search_again(&t_flows, t_flows.table, word(1, 1),
					   &none),
		     flow));
}
