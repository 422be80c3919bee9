// SPDX-License-Identifier: MIT
/*
 * flow/table.c - the hash table of a socket's flows. One atomic operation adds a
 * flow to its bucket, and look-ups take no lock, so a send never waits, whatever
 * it has interrupted. Only the thread that holds the lock removes a flow.
 *
 * Owns: the slabs of flows and of tables. Protected by: atomic operations; the
 * memory of a flow stays a flow, so a reader may follow a pointer to a flow that
 * has just been removed. Counterpart in the kernel: the flow table of
 * net/core/flow_dissector.c, loosely, and net/ipv4/inetpeer.c.
 */
#include "flow/bucket.h"
#include "flow/table.h"
#include "lib/atomic.h"
#include "lib/random.h"

struct cop_flow cop_flow_nobody = {
	.word = COP_WORD_NONE,
	.peer = COP_ENDPOINT_NOBODY,
};
struct cop_slab cop_flow_slab = COP_SLAB(struct cop_flow);
static struct cop_slab table_slab = COP_SLAB(struct flow_table);

noinline struct flow_table *cop_flow_table_make(struct cop_flows *flows)
{
	struct flow_table *table = cop_slab_alloc(&table_slab), *none = NULL;

	if (!table)
		return NULL;
	table->factor = (uint64_t)cop_random() << 32 | cop_random() | 1;
	if (atomic_compare_exchange_strong(&flows->table, &none, table))
		return table;
	cop_slab_free(&table_slab, table);
	return none;
}

struct cop_flow *cop_flow_find(struct cop_flows *flows, uint64_t word,
			       uint64_t *number)
{
	struct flow_search search;
	struct cop_flow *flow = cop_flow_search(flows, word, &search);

	if (flow)
		*number = search.number;
	return flow;
}

static void flow_free(struct cop_flow *flow)
{
	cop_flow_retire(flow);
	cop_slab_free(&cop_flow_slab, flow);
}

static void fresh_push(struct cop_flows *flows, struct flow_table *table,
		       struct cop_flow *flow)
{
	struct cop_flow *top = READ_ONCE(table->fresh);

	do {
		flow->newer = top;
	} while (!atomic_compare_exchange_weak(&table->fresh, &top, flow));
	u32_or(&flows->waiting, FLOW_FRESH);
}

noinline struct cop_flow *cop_flow_add(struct cop_flows *flows,
				       struct flow_table *table,
				       const struct cop_peer *peer, bool sent,
				       struct flow_search *search)
{
	struct cop_flow *flow = cop_slab_alloc(&cop_flow_slab), *there;

	if (!flow)
		return NULL;
	cop_flow_set_up(flows, flow, cop_flow_token(flows), peer, sent);
	there = cop_flow_bucket_add(flows, table, flow, peer->word, search);
	if (there) {
		flow_free(flow);
		return there;
	}
	fresh_push(flows, table, flow);
	return flow;
}

void cop_flow_remove(struct flow_table *table, struct cop_flow *flow)
{
	cop_flow_unlink(table, flow);
	flow_free(flow);
}
