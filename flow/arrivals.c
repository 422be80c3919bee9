// SPDX-License-Identifier: MIT
/*
 * flow/arrivals.c - what arrives: each datagram updates the figures of the flow it
 * belongs to. A thread that finds the flows locked leaves the arrival in the
 * backlog; the holder of the lock empties the backlog before and after it lets go.
 *
 * Owns: cop_rx_serial, a counter for each thread. Protected by: cop_flows.lock,
 * held for one look-up. Counterpart in the kernel: none for the figures;
 * release_sock() for cop_flow_unlock().
 */
#include <stdbool.h>

#include "flow/arrivals.h"
#include "flow/backlog.h"
#include "flow/bucket.h"
#include "flow/lists.h"
#include "flow/lock.h"
#include "lib/atomic.h"

__thread uint32_t cop_rx_serial __attribute__((tls_model("initial-exec")));

/*
 * Whether this thread is the only one that receives from this peer. If so, the
 * network has changed the order of datagrams that arrive in the wrong order. If
 * two threads receive, one of them may have been interrupted behind its receive.
 * This thread counts as alone once it has received as many datagrams in a row as
 * the flow remembers one by one.
 */
static bool is_alone(struct cop_flow *flow)
{
	const void *me = &cop_rx_serial;

	if (flow->receiver != me)
		flow->run = 0;
	flow->receiver = me;
	flow->run++;
	return one_thread() || flow->run > COP_SOURCE_WINDOW ||
	       flow->run > flow->rx.datagrams;
}

static struct cop_flow *flow_from(struct cop_flows *flows,
				  struct flow_table *table,
				  const struct cop_peer *peer)
{
	const uint64_t word = peer->word;
	struct cop_flow *flow = flows->rx_last;
	struct flow_search search;

	if (likely(READ_ONCE(flow->word) == word))
		return flow;
	flow = cop_flow_search(flows, word, &search);
	if (unlikely(!flow))
		flow = cop_flow_obtain(flows, table, peer, false, &search);
	flows->rx_last = flow ?: &cop_flow_nobody;
	return flow;
}

/*
 * If a thread had no room in the backlog, nobody knows which flow its arrival
 * belonged to. So no flow may count the next gap in its numbers as a loss.
 */
static void take_arrival(struct cop_flows *flows, struct flow_table *table,
			 const struct cop_peer *peer, struct cop_arrival *a)
{
	struct cop_flow *flow = flow_from(flows, table, peer);
	const uint32_t epoch = cop_flow_epoch(flows);

	if (unlikely(!flow)) {
		u32_add(&flows->missed, 1);
		return;
	}
	if (unlikely(flow->epoch != epoch))
		cop_source_skip(&flow->rx);
	if (!is_alone(flow))
		a->ordered = false;
	if (likely(cop_source_is_next(&flow->rx, a)))
		cop_source_next(&flow->rx, a);
	else
		cop_source_update(&flow->rx, a);
	cop_flow_times(flow, a->now);
	flow->quiet = cop_source_quiet(&flow->rx);
	if (likely(!flow->rx.skip))
		flow->epoch = epoch;
	/* The epoch may be the next owner's, but not the flow. */
	if (unlikely(table->gen != READ_ONCE(flows->gen)))
		flows->rx_last = &cop_flow_nobody;
}

noinline void cop_flow_take_backlog(struct cop_flows *flows,
				    struct flow_table *table)
{
	struct cop_peer peer;
	struct cop_arrival a;

	while (cop_backlog_take(flows, &peer, &a))
		take_arrival(flows, table, &peer, &a);
}

static bool is_left(struct cop_flows *flows)
{
	const uint32_t waiting = READ_ONCE(flows->waiting);

	return waiting & FLOW_FRESH || (waiting && cop_backlog_any(flows));
}

/*
 * Another thread may leave an arrival between the last look at the backlog and the
 * release of the lock, so the holder looks once more behind it. It does not wait
 * for a thread that is still writing an arrival: that thread tries the lock itself
 * afterwards, and may be the one that this signal handler has interrupted.
 */
noinline void cop_flow_unlock_slow(struct cop_flows *flows)
{
	struct flow_table *table = READ_ONCE(flows->table);

	if (!table || !cop_flow_trylock(flows, table))
		return;
	do {
		if (unlikely(READ_ONCE(flows->waiting)))
			cop_flow_take_backlog(flows, table);
		if (unlikely(READ_ONCE(flows->waiting) & FLOW_FRESH)) {
			u32_and(&flows->waiting, ~FLOW_FRESH);
			cop_flow_lists_take_fresh(flows, table);
		}
		cop_flow_leave(flows);
	} while (unlikely(is_left(flows)) && cop_flow_trylock(flows, table));
}

static void leave_to_holder(struct cop_flows *flows, struct flow_table *table,
			    const struct cop_peer *peer, struct cop_arrival *a)
{
	a->ordered = false;
	if (!cop_backlog_put(flows, peer, a)) {
		u32_add(&flows->missed, 1);
		u32_add(&flows->epoch, 1);
	} else if (cop_flow_trylock(flows, table)) {
		cop_flow_unlock(flows);
	}
}

flatten noinline void cop_flow_arrived_odd(struct cop_flows *flows,
					   struct cop_peer peer,
					   struct cop_arrival a,
					   uint32_t serial)
{
	struct flow_table *table = cop_flow_table_get(flows);

	a.ordered = serial + 1 == cop_rx_serial;
	if (unlikely(!table)) {
		u32_add(&flows->missed, 1);
	} else {
		cop_flow_lock_taken(flows, table);
		take_arrival(flows, table, &peer, &a);
	}
	cop_flow_unlock(flows);
}

noinline void cop_flow_arrived_unlocked(struct cop_flows *flows,
					struct cop_peer peer,
					struct cop_arrival a, uint32_t serial)
{
	struct flow_table *table = cop_flow_table_get(flows);

	a.ordered = serial + 1 == cop_rx_serial;
	if (unlikely(!table)) {
		u32_add(&flows->missed, 1);
	} else if (cop_flow_trylock(flows, table)) {
		take_arrival(flows, table, &peer, &a);
		cop_flow_unlock(flows);
	} else {
		leave_to_holder(flows, table, &peer, &a);
	}
}
