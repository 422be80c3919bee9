/* SPDX-License-Identifier: MIT */
/*
 * table.h - the hash table of a socket's flows, and one flow in it: for the files
 * of flow/, and for inet/export.c, which tells a reader in another process where
 * the fields of a flow are.
 */
#ifndef COP_FLOW_TABLE_H
#define COP_FLOW_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "flow/flow.h"
#include "lib/compiler.h"
#include "lib/slab.h"

#define FLOW_BUCKET_BITS 9 /* 1,024 flows are two to a bucket */
#define FLOW_BUCKETS	 (1 << FLOW_BUCKET_BITS)

/* Longer than any chain: where a walk along a chain that changes ends. */
#define FLOW_CHAIN_MAX (2 * COP_FLOWS_MAX)

/*
 * A pointer of a process needs 48 bits. The bits above hold a tag in the head of a
 * bucket, which each change of the bucket increments, and the generation of the
 * flow's memory in cop_flow.number.
 */
#define FLOW_LOW_BITS  48
#define FLOW_LOW_MASK  ((1ull << FLOW_LOW_BITS) - 1)
#define FLOW_HIGH_ONE  (1ull << FLOW_LOW_BITS)
#define FLOW_HIGH_MASK (~FLOW_LOW_MASK)

/* Which list a flow is in, see flow/lists.c. */
enum { FLOW_LIST_NONE, FLOW_LIST_RECEIVED, FLOW_LIST_SENT };

/*
 * Lock (l): cop_flows.lock of the socket that the flow belongs to. What a look-up and the
 * lists read of a flow is in its first cache line: with many peers most flows are in no
 * cache.
 */
struct cop_flow {
	struct slab_node node;
	_Atomic(uint64_t) word;	 /* (a) cop_endpoint_word() of the peer; set
				 * before a bucket has the flow */
	_Atomic(uint64_t) token; /* (a) owner, see cop_flow_token(); 0: free */
	_Atomic(uint64_t)
		number; /* (a) in the low 48 bits the seq of the next datagram
			 * that is sent unconnected; above them the
			 * generation: how many flows used this memory before */
	_Atomic(struct cop_flow *) chain; /* (a) next flow in its bucket */
	struct cop_flow *prev, *next;	  /* (l) in its list */
	struct cop_flow *newer; /* (l) links flows that are in a bucket but in
				 * no list; set before flow_table.fresh has it */
	_Atomic(uint64_t) tx_datagrams; /* (a) */
	_Atomic(uint64_t) tx_bytes;	/* (a) of their payloads */
	_Atomic(uint64_t) begin;  /* (a) time of the first datagram, sent or
				  * received; microseconds, our clock */
	_Atomic(uint64_t) end;	  /* (a) time of the last one, likewise */
	_Atomic(bool) sent;	  /* (a) the socket has sent to this peer */
	uint8_t list;		  /* (l) FLOW_LIST_* */
	struct cop_endpoint peer; /* (l) set before a bucket has the flow */
	uint32_t quiet;		  /* (l) rx.gap, or COP_SOURCE_SOON_US if that
				   * is less */
	const void *receiver;	  /* (l) the thread that received the last
				  * datagram... */
	uint32_t run;		  /* (l) ...and so many in a row */
	uint32_t epoch;		  /* (l) cop_flows.epoch at the last arrival, or
			       * an older one where rx.skip is set */
	struct cop_source rx;	  /* (l) figures of what the peer sends */
};

/* With pointers of 32 bits it is smaller. */
_Static_assert(sizeof(void *) < 8 || sizeof(struct cop_flow) == 256,
	       "whole cache lines");

/* (c) The flow of no peer: its word is COP_WORD_NONE. */
extern struct cop_flow cop_flow_nobody HIDDEN;

/* The table stays with the memory of the sock: a late thread may still use it. */
struct flow_table {
	struct slab_node node;
	uint64_t factor;	  /* (c) of the hash; odd, and secret */
	struct cop_flow *tail[2]; /* (l) cop_flows.lock; ends of the two lists,
				   * indexed by cop_flow.sent */
	_Atomic(struct cop_flow *) fresh; /* (a) stack of flows that are in a
					   * bucket, but in no list yet */
	_Atomic(uint32_t) count;	  /* (a) flows in the buckets */
	uint32_t gen; /* (l) cop_flows.gen of the owner of all flows in the
		       * table, or FLOW_NO_GEN */
	struct cop_flow *spare; /* (l) evicted, for the next flow; or NULL */
	_Atomic(uint64_t) bucket[FLOW_BUCKETS]; /* (a) tag and first flow */
};

#define FLOW_NO_GEN UINT32_MAX /* the table may hold flows of another owner */

/* In cop_flows.waiting: flow_table.fresh may have a flow. */
#define FLOW_FRESH (1u << 31)

struct flow_search;

/* The table of a socket without one; NULL where there is no memory. */
struct flow_table *cop_flow_table_make(struct cop_flows *flows);

/**
 * cop_flow_table_get - a socket's table, which is made at the first call
 * @flows: the socket's flows
 *
 * Returns NULL where there is no memory. Lock-free, async-signal-safe.
 */
static inline struct flow_table *cop_flow_table_get(struct cop_flows *flows)
{
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);

	return likely(table) ? table : cop_flow_table_make(flows);
}

/*
 * Names the owner of a flow: the memory of the sock, and how often that memory
 * has changed hands. So a flow that a late send adds for the last owner does not
 * become a flow of the next owner.
 */
static inline uint64_t cop_flow_token(struct cop_flows *flows)
{
	return (uint64_t)READ_ONCE(flows->gen) << FLOW_LOW_BITS |
	       ((uintptr_t)flows & FLOW_LOW_MASK);
}

/* Read ahead of cop_flows.gen, which changes first: so the owner of an epoch is known. */
static inline uint32_t cop_flow_epoch(struct cop_flows *flows)
{
	return atomic_load_explicit(&flows->epoch, memory_order_acquire);
}

/* The flow that the head of a bucket points to. */
static inline struct cop_flow *cop_flow_at(uint64_t head)
{
	return (struct cop_flow *)(uintptr_t)(head & FLOW_LOW_MASK);
}

/**
 * cop_flow_find - look a peer up
 * @flows: the socket's flows
 * @word: cop_endpoint_word() of the peer
 * @number: receives cop_flow.number of the flow
 *
 * Returns the flow, or NULL. The flow may be removed at any time, and its memory
 * become another flow; a compare and swap of cop_flow.number that expects @number
 * fails from then on. Lock-free, async-signal-safe.
 */
struct cop_flow *cop_flow_find(struct cop_flows *flows, uint64_t word,
			       uint64_t *number);

/**
 * cop_flow_add - add a flow to its bucket, or find the one that is there
 * @flows: the socket's flows
 * @table: their table
 * @peer: the peer
 * @sent: whether the socket sends to this peer
 * @search: the search that has not found it; receives cop_flow.number of the flow
 *
 * The flow is in no list yet: cop_flow_lists_update() puts it there. Returns NULL
 * where there is no memory. Lock-free, async-signal-safe.
 */
struct cop_flow *cop_flow_add(struct cop_flows *flows, struct flow_table *table,
			      const struct cop_peer *peer, bool sent,
			      struct flow_search *search);

/**
 * cop_flow_remove - take a flow out of its bucket and free it
 * @table: the table; the caller holds the lock
 * @flow: the flow, which is in no list
 */
void cop_flow_remove(struct flow_table *table, struct cop_flow *flow);

/* Let a flow's begin and end include a datagram at @now, microseconds. */
static inline void cop_flow_times(struct cop_flow *flow, uint64_t now)
{
	uint64_t begin = READ_ONCE(flow->begin);

	if (!begin || now < begin)
		WRITE_ONCE(flow->begin, now);
	if (now > READ_ONCE(flow->end))
		WRITE_ONCE(flow->end, now);
}

#endif /* COP_FLOW_TABLE_H */
