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
#include "flow/table.h"
#include "lib/atomic.h"
#include "lib/random.h"

static struct cop_slab flow_slab = COP_SLAB(struct cop_flow);
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

/*
 * Multiply-shift. Nobody knows the factor, so nobody can choose addresses that
 * all fall into one bucket.
 */
static _Atomic(uint64_t) *bucket_of(struct flow_table *table, uint64_t word)
{
	return &table->bucket[word * table->factor >> (64 - FLOW_BUCKET_BITS)];
}

/*
 * Other threads may change the chain during the walk. The memory of a flow stays a
 * flow, so the walk ends in any case. @number is read ahead of the word: if the
 * memory becomes another flow later, a compare and swap of @number fails.
 */
static struct cop_flow *chain_find(struct cop_flow *flow, uint64_t token,
				   uint64_t word, uint64_t *number)
{
	for (int i = 0; flow && i < FLOW_CHAIN_MAX; i++) {
		*number = atomic_load_explicit(&flow->number,
					       memory_order_acquire);
		if (likely(READ_ONCE(flow->word) == word &&
			   READ_ONCE(flow->token) == token))
			return flow;
		flow = atomic_load_explicit(&flow->chain, memory_order_acquire);
	}
	return NULL;
}

struct cop_flow *cop_flow_find(struct cop_flows *flows, uint64_t word,
			       uint64_t *number)
{
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);
	uint64_t head;

	if (!table)
		return NULL;
	head = atomic_load_explicit(bucket_of(table, word),
				    memory_order_acquire);
	return chain_find(cop_flow_at(head), cop_flow_token(flows), word,
			  number);
}

static struct cop_flow *flow_make(struct cop_flows *flows, uint64_t token,
				  const struct cop_peer *peer, bool sent)
{
	const size_t rest = offsetof(struct cop_flow, receiver);
	struct cop_flow *flow = cop_slab_alloc(&flow_slab);
	uint64_t was;

	if (!flow)
		return NULL;
	memset((char *)flow + rest, 0, sizeof(*flow) - rest);
	was = READ_ONCE(flow->number);
	atomic_store_explicit(&flow->number,
			      (was & FLOW_HIGH_MASK) + FLOW_HIGH_ONE,
			      memory_order_release);
	WRITE_ONCE(flow->tx_datagrams, 0);
	WRITE_ONCE(flow->tx_bytes, 0);
	WRITE_ONCE(flow->begin, 0);
	WRITE_ONCE(flow->end, 0);
	WRITE_ONCE(flow->sent, sent);
	flow->list = FLOW_LIST_NONE;
	flow->unknown = READ_ONCE(flows->unknown);
	flow->peer = cop_peer_endpoint(peer);
	WRITE_ONCE(flow->word, peer->word);
	atomic_store_explicit(&flow->token, token, memory_order_release);
	return flow;
}

static void flow_free(struct cop_flow *flow)
{
	WRITE_ONCE(flow->token, 0);
	atomic_fetch_add(&flow->number, FLOW_HIGH_ONE);
	cop_slab_free(&flow_slab, flow);
}

static void fresh_push(struct flow_table *table, struct cop_flow *flow)
{
	struct cop_flow *top = READ_ONCE(table->fresh);

	do {
		flow->newer = top;
	} while (!atomic_compare_exchange_weak(&table->fresh, &top, flow));
	u32_add(&table->count, 1);
}

/*
 * Another thread may add a flow for the same peer at the same moment; then the
 * compare and swap of the head fails, and the search begins again. It also fails
 * if a flow was removed meanwhile, since a removal changes the head's tag before
 * the flow's memory is used again. So if the head is unchanged, the peer is still
 * not in the bucket.
 */
noinline struct cop_flow *cop_flow_add(struct cop_flows *flows,
				       struct flow_table *table,
				       const struct cop_peer *peer, bool sent,
				       uint64_t *number)
{
	const uint64_t token = cop_flow_token(flows);
	const uint64_t word = peer->word;
	_Atomic(uint64_t) *bucket = bucket_of(table, word);
	struct cop_flow *flow = flow_make(flows, token, peer, sent), *there;
	uint64_t head = atomic_load(bucket);

	if (!flow)
		return NULL;
	do {
		there = chain_find(cop_flow_at(head), token, word, number);
		if (there) {
			flow_free(flow);
			return there;
		}
		WRITE_ONCE(flow->chain, cop_flow_at(head));
	} while (!u64_cas(bucket, &head,
			  ((head & FLOW_HIGH_MASK) + FLOW_HIGH_ONE) |
				  ((uintptr_t)flow & FLOW_LOW_MASK)));
	*number = READ_ONCE(flow->number);
	fresh_push(table, flow);
	return flow;
}

/* Other threads may add flows at the head of the bucket meanwhile. */
static void chain_remove(_Atomic(uint64_t) *bucket, struct cop_flow *flow)
{
	struct cop_flow *next = READ_ONCE(flow->chain), *at;
	uint64_t head = atomic_load(bucket), to;

	do {
		to = head & FLOW_LOW_MASK;
		if (cop_flow_at(head) == flow) {
			to = (uintptr_t)next & FLOW_LOW_MASK;
			continue;
		}
		for (at = cop_flow_at(head);
		     at && READ_ONCE(at->chain) != flow;)
			at = READ_ONCE(at->chain);
		if (at)
			atomic_store_explicit(&at->chain, next,
					      memory_order_release);
	} while (!u64_cas(bucket, &head,
			  ((head & FLOW_HIGH_MASK) + FLOW_HIGH_ONE) | to));
}

void cop_flow_remove(struct flow_table *table, struct cop_flow *flow)
{
	WRITE_ONCE(flow->token, 0);
	chain_remove(bucket_of(table, READ_ONCE(flow->word)), flow);
	u32_add(&table->count, -1);
	flow_free(flow);
}
