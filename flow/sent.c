// SPDX-License-Identifier: MIT
/*
 * flow/sent.c - what is sent: the sequence number of each datagram, and how many
 * datagrams and bytes went to each destination. The first destination of a socket
 * has its counters in struct cop_flows; the others have a flow in the table.
 *
 * Owns: nothing. Protected by: atomic operations. One such operation takes a
 * number from its flow, so a send never waits. Counterpart in the kernel: none;
 * UDP numbers nothing.
 */
#include <stdbool.h>

#include "flow/arrivals.h"
#include "flow/bucket.h"
#include "flow/lists.h"
#include "flow/lock.h"
#include "flow/table.h"
#include "lib/atomic.h"

/* So many flows more than COP_FLOWS_MAX may be added without the lock. */
#define FLOWS_SLACK 64

/* ---- the flow of a destination --------------------------------------------- */

/*
 * The holder of the lock makes room later. If a longjmp() has left the lock held,
 * nobody ever does, so there is a limit here as well.
 */
static struct cop_flow *flow_to_unlocked(struct cop_flows *flows,
					 struct flow_table *table,
					 const struct cop_peer *peer,
					 struct flow_search *search)
{
	struct cop_flow *flow =
		cop_flow_search_again(flows, table, peer->word, search);

	if (!flow && READ_ONCE(table->count) < COP_FLOWS_MAX + FLOWS_SLACK)
		flow = cop_flow_add(flows, table, peer, true, search);
	return flow;
}

/* For a destination that the socket has not sent to yet, as a @search has found. */
static noinline struct cop_flow *flow_to(struct cop_flows *flows,
					 const struct cop_peer *peer,
					 struct flow_search *search)
{
	struct flow_table *table = cop_flow_table_get(flows);
	struct cop_flow *flow;

	if (!table)
		return NULL;
	if (cop_flow_trylock(flows, table)) {
		flow = cop_flow_obtain(flows, table, peer, true, search);
		cop_flow_unlock(flows);
	} else {
		flow = flow_to_unlocked(flows, table, peer, search);
	}
	if (flow)
		WRITE_ONCE(flow->sent, true);
	return flow;
}

static struct cop_flow *flow_sent_to(struct cop_flows *flows,
				     const struct cop_peer *peer,
				     uint64_t *number)
{
	struct flow_search search;
	struct cop_flow *flow = cop_flow_search(flows, peer->word, &search);

	if (unlikely(!flow || !READ_ONCE(flow->sent))) {
		if (flow) /* it may go before the lock is taken */
			search.head = FLOW_NO_HEAD;
		flow = flow_to(flows, peer, &search);
	}
	*number = search.number;
	return flow;
}

/* ---- numbers --------------------------------------------------------------- */

/* Without memory for a flow, each call begins a flow. */
static uint64_t table_next(struct cop_flows *flows, const struct cop_peer *peer,
			   uint64_t n, size_t len, uint64_t now)
{
	struct cop_flow *flow;
	uint64_t number;

	do {
		flow = flow_sent_to(flows, peer, &number);
		if (unlikely(!flow))
			return 0;
	} while (unlikely(!u64_cas(&flow->number, &number, number + n)));
	u64_add(&flow->tx_datagrams, n);
	u64_add(&flow->tx_bytes, len);
	cop_flow_times(flow, now);
	return number & FLOW_LOW_MASK;
}

static void table_undo(struct cop_flows *flows, const struct cop_peer *peer,
		       uint64_t seq, size_t len)
{
	struct cop_flow *flow;
	uint64_t number;

	do {
		flow = cop_flow_find(flows, peer->word, &number);
	} while (flow && (number & FLOW_LOW_MASK) == seq + 1 &&
		 !u64_cas(&flow->number, &number, number - 1));
	if (flow && READ_ONCE(flow->tx_datagrams)) {
		u64_add(&flow->tx_datagrams, -1);
		u64_add(&flow->tx_bytes, -(uint64_t)len);
	}
}

/* Whether this is the socket's first destination, or becomes it now. */
static bool is_first(struct cop_flows *flows, const struct cop_peer *peer)
{
	uint64_t first = READ_ONCE(flows->first);

	if (likely(first == peer->word))
		return true;
	return !first && cop_word_is_v4(peer->word) &&
	       u64_cas(&flows->first, &first, peer->word);
}

flatten noinline uint64_t cop_flow_next_other(struct cop_flows *flows,
					      struct cop_peer peer, uint64_t n,
					      size_t len, uint64_t now)
{
	if (unlikely(is_first(flows, &peer)))
		return cop_sent_next_many(&flows->first_sent, n, len, now,
					  one_thread());
	return table_next(flows, &peer, n, len, now);
}

void cop_flow_undo(struct cop_flows *flows, const struct cop_peer *peer,
		   uint64_t seq, size_t len)
{
	if (likely(is_first(flows, peer)))
		cop_sent_undo(&flows->first_sent, seq, len);
	else
		table_undo(flows, peer, seq, len);
}

void cop_flow_more(struct cop_flows *flows, const struct cop_peer *peer,
		   size_t len)
{
	struct cop_flow *flow;
	uint64_t number;

	if (is_first(flows, peer)) {
		u64_add(&flows->first_sent.bytes, len);
		return;
	}
	flow = cop_flow_find(flows, peer->word, &number);
	if (flow)
		u64_add(&flow->tx_bytes, len);
}

/* ---- the end of a connection ----------------------------------------------- */

static void take_sent(struct cop_flow *flow, struct cop_sent *sent)
{
	uint64_t datagrams = atomic_exchange(&sent->datagrams, 0);

	u64_add(&flow->tx_bytes, atomic_exchange(&sent->bytes, 0));
	u64_add(&flow->tx_datagrams, datagrams);
	if (datagrams) {
		cop_flow_times(flow, READ_ONCE(sent->begin));
		cop_flow_times(flow, READ_ONCE(sent->end));
	}
}

/*
 * If the socket sent to this peer both connected and unconnected, the peer has
 * seen two flows. The next datagram continues neither: its number is 0.
 */
void cop_flow_fold(struct cop_flows *flows, const struct cop_endpoint *end,
		   struct cop_sent *sent)
{
	const struct cop_peer at = cop_peer_at(end), *peer = &at;
	uint64_t first = at.word, number;
	struct cop_flow *flow;
	bool was_first;

	if (!READ_ONCE(sent->datagrams))
		return;
	was_first = u64_cas(&flows->first, &first, FLOW_FIRST_GONE);
	do {
		flow = flow_sent_to(flows, peer, &number);
		if (!flow)
			return;
	} while (!u64_cas(&flow->number, &number, number & FLOW_HIGH_MASK));
	take_sent(flow, sent);
	if (was_first)
		take_sent(flow, &flows->first_sent);
}
