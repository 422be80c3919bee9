// SPDX-License-Identifier: MIT
/*
 * flow/lists.c - the flows of a socket in two lists, each in order of age, and
 * which flow goes when there are too many. One list has the destinations: peers
 * the socket has sent to, whose sequence numbers must go on. The other one has the
 * senders: peers the socket has only received from. Forged source addresses can
 * make any number of senders, so senders go first.
 *
 * Owns: nothing. Protected by: cop_flows.lock, which the caller holds; other
 * threads may add flows to the buckets meanwhile. Counterpart in the kernel: the
 * garbage collection of net/ipv4/inetpeer.c.
 */
#include "flow/bucket.h"
#include "flow/lists.h"
#include "lib/atomic.h"

static struct cop_flow **list_head(struct cop_flows *flows, bool sent)
{
	return sent ? &flows->head : &flows->rx_head;
}

static void list_add(struct cop_flows *flows, struct flow_table *table,
		     struct cop_flow *flow)
{
	bool sent = READ_ONCE(flow->sent);

	flow->list = sent ? FLOW_LIST_SENT : FLOW_LIST_RECEIVED;
	flow->next = NULL;
	flow->prev = table->tail[sent];
	if (flow->prev)
		flow->prev->next = flow;
	else
		*list_head(flows, sent) = flow;
	table->tail[sent] = flow;
}

static void list_del(struct cop_flows *flows, struct flow_table *table,
		     struct cop_flow *flow)
{
	bool sent = flow->list == FLOW_LIST_SENT;

	if (flow->prev)
		flow->prev->next = flow->next;
	else
		*list_head(flows, sent) = flow->next;
	if (flow->next)
		flow->next->prev = flow->prev;
	else
		table->tail[sent] = flow->prev;
}

/*
 * The newest flow is on top of the stack, and belongs at the end of its list. One that
 * was just about to get there at a cop_flow_lists_rebuild() is in a list already.
 */
void cop_flow_lists_update(struct cop_flows *flows, struct flow_table *table)
{
	struct cop_flow *flow, *top, *oldest = NULL;

	if (likely(!READ_ONCE(table->fresh)))
		return;
	top = atomic_exchange(&table->fresh, NULL);
	while ((flow = top)) {
		top = flow->newer;
		flow->newer = oldest;
		oldest = flow;
	}
	while ((flow = oldest)) {
		oldest = flow->newer;
		if (likely(flow->list == FLOW_LIST_NONE))
			list_add(flows, table, flow);
	}
}

/*
 * If the fork happened during cop_flow_remove(), the flow has no token any more.
 * It gets into a list here, and cop_flow_lists_clear() removes it like a flow of
 * another owner.
 */
void cop_flow_lists_rebuild(struct cop_flows *flows, struct flow_table *table)
{
	uint32_t count = 0;

	flows->head = flows->rx_head = NULL;
	flows->rx_last = &cop_flow_nobody;
	table->tail[0] = table->tail[1] = NULL;
	WRITE_ONCE(table->fresh, NULL);
	table->spare = NULL; /* it may be in a bucket again */
	for (int i = 0; i < FLOW_BUCKETS; i++) {
		struct cop_flow *flow =
			cop_flow_at(READ_ONCE(table->bucket[i]));

		for (; flow; flow = READ_ONCE(flow->chain), count++)
			list_add(flows, table, flow);
	}
	WRITE_ONCE(table->count, count);
	table->gen = FLOW_NO_GEN;
}

static void flow_leave_list(struct cop_flows *flows, struct flow_table *table,
			    struct cop_flow *flow)
{
	if (flows->rx_last == flow)
		flows->rx_last = &cop_flow_nobody;
	list_del(flows, table, flow);
}

static void flow_delete(struct cop_flows *flows, struct flow_table *table,
			struct cop_flow *flow)
{
	flow_leave_list(flows, table, flow);
	cop_flow_remove(table, flow);
}

/*
 * With many peers a flow is in no cache any more when its turn comes. So the memory of the
 * next one to go is on its way while the program makes its next calls.
 */
static void prefetch_victim(struct flow_table *table, struct cop_flow *flow)
{
	if (unlikely(!flow))
		return;
	for (size_t at = 64; at < sizeof(*flow); at += 64)
		__builtin_prefetch((char *)flow + at, 1);
	__builtin_prefetch(cop_flow_bucket(table, READ_ONCE(flow->word)), 1);
	__builtin_prefetch(flow->next, 1);
}

/* The memory is for the next flow. */
static void flow_evict(struct cop_flows *flows, struct flow_table *table,
		       struct cop_flow *flow)
{
	prefetch_victim(table, flow->next);
	flow_leave_list(flows, table, flow);
	cop_flow_unlink(table, flow);
	cop_flow_retire(flow);
	if (unlikely(table->spare))
		cop_slab_free(&cop_flow_slab, table->spare);
	table->spare = flow;
}

static void move_to_sent(struct cop_flows *flows, struct flow_table *table,
			 struct cop_flow *flow)
{
	list_del(flows, table, flow);
	WRITE_ONCE(flow->sent, true);
	list_add(flows, table, flow);
}

noinline void cop_flow_lists_clear(struct cop_flows *flows,
				   struct flow_table *table)
{
	const uint64_t token = cop_flow_token(flows);
	struct cop_flow *flow, *next;

	cop_flow_lists_update(flows, table);
	for (int sent = 0; sent < 2; sent++)
		for (flow = *list_head(flows, sent); flow; flow = next) {
			next = flow->next;
			if (READ_ONCE(flow->token) != token)
				flow_delete(flows, table, flow);
		}
	table->gen = token >> FLOW_LOW_BITS;
}

/* ---- eviction ------------------------------------------------------------- */

/* The first flow is not in the table, but counts until it is gone. */
static unsigned int flow_count(struct cop_flows *flows,
			       struct flow_table *table)
{
	return READ_ONCE(table->count) +
	       (READ_ONCE(flows->first) != FLOW_FIRST_GONE);
}

static void evict_first(struct cop_flows *flows)
{
	WRITE_ONCE(flows->first, FLOW_FIRST_GONE);
	WRITE_ONCE(flows->first_sent.datagrams, 0);
	WRITE_ONCE(flows->first_sent.bytes, 0);
}

/*
 * Whether the socket has sent to this peer. The figures of what the first
 * destination sends stand in the list of senders, with cop_flow.sent unset.
 */
static bool is_destination(struct cop_flows *flows, struct cop_flow *flow)
{
	return READ_ONCE(flow->sent) ||
	       READ_ONCE(flows->first) == READ_ONCE(flow->word);
}

/*
 * Evict the oldest sender. A send that does not get the lock sets cop_flow.sent
 * and leaves the flow in its list, so this moves such flows first.
 */
static bool evict_sender(struct cop_flows *flows, struct flow_table *table)
{
	struct cop_flow *oldest;

	while ((oldest = flows->rx_head) && is_destination(flows, oldest))
		move_to_sent(flows, table, oldest);
	if (!oldest)
		return false;
	flow_evict(flows, table, oldest);
	u32_add(&flows->evicted, 1);
	return true;
}

/*
 * A sender goes ahead of a destination, whose sequence numbers would begin anew.
 * Of the destinations, the first flow is older than any flow of the table.
 */
static bool evict_oldest(struct cop_flows *flows, struct flow_table *table)
{
	if (evict_sender(flows, table))
		return true;
	if (READ_ONCE(flows->first) != FLOW_FIRST_GONE)
		evict_first(flows);
	else if (flows->head)
		flow_evict(flows, table, flows->head);
	else
		return false;
	u32_add(&flows->evicted, 1);
	return true;
}

static void make_room(struct cop_flows *flows, struct flow_table *table,
		      unsigned int more)
{
	while (flow_count(flows, table) + more > COP_FLOWS_MAX &&
	       evict_oldest(flows, table))
		;
}

/* No destination is evicted for a new sender. */
static bool has_room_for_sender(struct cop_flows *flows,
				struct flow_table *table)
{
	return flow_count(flows, table) < COP_FLOWS_MAX ||
	       evict_sender(flows, table);
}

noinline void cop_flow_lists_take_fresh(struct cop_flows *flows,
					struct flow_table *table)
{
	cop_flow_lists_update(flows, table);
	make_room(flows, table, 0);
}

/* ---- a new flow ------------------------------------------------------------ */

/* Another thread may add the flow at the same moment. */
static struct cop_flow *flow_insert(struct cop_flows *flows,
				    struct flow_table *table,
				    const struct cop_peer *peer, bool sent,
				    struct flow_search *search)
{
	struct cop_flow *flow = table->spare, *there;

	table->spare = NULL;
	if (unlikely(!flow))
		flow = cop_slab_alloc(&cop_flow_slab);
	if (unlikely(!flow))
		return NULL;
	cop_flow_set_up(flows, flow, cop_flow_token(flows), peer, sent);
	there = cop_flow_bucket_add(flows, table, flow, peer->word, search);
	if (likely(!there)) {
		list_add(flows, table, flow);
		return flow;
	}
	cop_flow_retire(flow);
	table->spare = flow;
	cop_flow_lists_update(flows, table);
	return there;
}

static struct cop_flow *flow_find_or_insert(struct cop_flows *flows,
					    struct flow_table *table,
					    const struct cop_peer *peer,
					    bool sent,
					    struct flow_search *search)
{
	struct cop_flow *flow =
		cop_flow_search_again(flows, table, peer->word, search);

	if (flow)
		return flow;
	if (sent)
		make_room(flows, table, 1);
	else if (!has_room_for_sender(flows, table))
		return NULL;
	return flow_insert(flows, table, peer, sent, search);
}

flatten noinline struct cop_flow *cop_flow_obtain(struct cop_flows *flows,
						  struct flow_table *table,
						  const struct cop_peer *peer,
						  bool sent,
						  struct flow_search *search)
{
	struct cop_flow *flow;

	cop_flow_lists_update(flows, table);
	make_room(flows, table, 0);
	flow = flow_find_or_insert(flows, table, peer, sent, search);
	if (sent && flow && flow->list == FLOW_LIST_RECEIVED)
		move_to_sent(flows, table, flow);
	return flow;
}
