/* SPDX-License-Identifier: MIT */
/*
 * bucket.h - the buckets of a flow table, for the other files of flow/. A flow that comes
 * takes the place of one that goes in a single function, without calls: after a system call
 * the processor predicts no return, so each one costs more than the work of a function.
 */
#ifndef COP_FLOW_BUCKET_H
#define COP_FLOW_BUCKET_H

#include <stddef.h>
#include <string.h>

#include "flow/table.h"
#include "lib/atomic.h"
#include "lib/slab.h"

extern struct cop_slab cop_flow_slab;

/* A search for a flow. */
struct flow_search {
	uint64_t number; /* cop_flow.number of the flow that was found */
	uint64_t head;	 /* of the bucket, where no flow was found */
};

#define FLOW_NO_HEAD (~0ull) /* there was no bucket to search */

/*
 * Multiply-shift, twice. Nobody knows the factor, so nobody can choose addresses that
 * all fall into one bucket. After one multiplication, addresses in a row would: with one
 * factor in a hundred a bucket has 12 of 1,024 on average, and up to 60.
 */
static inline _Atomic(uint64_t) *cop_flow_bucket(struct flow_table *table,
						 uint64_t word)
{
	const uint64_t mixed = word * table->factor;

	return &table->bucket[(mixed ^ mixed >> 32) * table->factor >>
			      (64 - FLOW_BUCKET_BITS)];
}

/*
 * Other threads may change the chain during the walk. The memory of a flow stays a
 * flow, so the walk ends in any case. @number is read ahead of the word: if the
 * memory becomes another flow later, a compare and swap of @number fails.
 */
static inline struct cop_flow *cop_flow_chain_find(struct cop_flow *flow,
						   uint64_t token,
						   uint64_t word,
						   uint64_t *number)
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

/**
 * cop_flow_search - cop_flow_find(), for a caller that may add the flow
 * @search: what was found
 */
static inline struct cop_flow *cop_flow_search(struct cop_flows *flows,
					       uint64_t word,
					       struct flow_search *search)
{
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);

	*search = (struct flow_search){ .head = FLOW_NO_HEAD };
	if (unlikely(!table))
		return NULL;
	search->head = atomic_load_explicit(cop_flow_bucket(table, word),
					    memory_order_acquire);
	return cop_flow_chain_find(cop_flow_at(search->head),
				   cop_flow_token(flows), word,
				   &search->number);
}

/**
 * cop_flow_search_again - whether a flow is still not there
 * @flows: the socket's flows
 * @table: their table
 * @word: cop_endpoint_word() of the peer
 * @search: the search that has not found it; done anew if the bucket has changed: each
 *	change of a bucket changes the tag in its head
 *
 * Returns the flow, or NULL.
 */
static inline struct cop_flow *cop_flow_search_again(struct cop_flows *flows,
						     struct flow_table *table,
						     uint64_t word,
						     struct flow_search *search)
{
	if (likely(atomic_load_explicit(cop_flow_bucket(table, word),
					memory_order_acquire) == search->head))
		return NULL;
	return cop_flow_search(flows, word, search);
}

static inline void cop_flow_set_up(struct cop_flows *flows,
				   struct cop_flow *flow, uint64_t token,
				   const struct cop_peer *peer, bool sent)
{
	const size_t rest = offsetof(struct cop_flow, receiver);
	uint64_t was;

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
	flow->epoch = cop_flow_epoch(flows);
	flow->peer = cop_peer_endpoint(peer);
	WRITE_ONCE(flow->word, peer->word);
	atomic_store_explicit(&flow->token, token, memory_order_release);
}

static inline void cop_flow_retire(struct cop_flow *flow)
{
	WRITE_ONCE(flow->token, 0);
	u64_add(&flow->number, FLOW_HIGH_ONE);
}

/*
 * Another thread may add a flow for the same peer at the same moment; then the
 * compare and swap of the head fails, and the search begins again. It also fails
 * if a flow was removed meanwhile, since a removal changes the head's tag before
 * the flow's memory is used again. So if the head is unchanged, the peer is still
 * not in the bucket. Returns the flow that is there, or NULL: @flow is there now.
 */
static inline struct cop_flow *cop_flow_bucket_add(struct cop_flows *flows,
						   struct flow_table *table,
						   struct cop_flow *flow,
						   uint64_t word,
						   struct flow_search *search)
{
	_Atomic(uint64_t) *bucket = cop_flow_bucket(table, word);
	struct cop_flow *there;
	uint64_t head;

	do {
		there = cop_flow_search_again(flows, table, word, search);
		if (unlikely(there))
			return there;
		head = search->head;
		WRITE_ONCE(flow->chain, cop_flow_at(head));
	} while (!u64_cas(bucket, &head,
			  ((head & FLOW_HIGH_MASK) + FLOW_HIGH_ONE) |
				  ((uintptr_t)flow & FLOW_LOW_MASK)));
	search->number = READ_ONCE(flow->number);
	u32_add(&table->count, 1);
	return NULL;
}

/* Other threads may add flows at the head of the bucket meanwhile. */
static inline void cop_flow_chain_remove(_Atomic(uint64_t) *bucket,
					 struct cop_flow *flow)
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

static inline void cop_flow_unlink(struct flow_table *table,
				   struct cop_flow *flow)
{
	WRITE_ONCE(flow->token, 0);
	cop_flow_chain_remove(cop_flow_bucket(table, READ_ONCE(flow->word)),
			      flow);
	u32_add(&table->count, -1);
}

#endif /* COP_FLOW_BUCKET_H */
