/* SPDX-License-Identifier: MIT */
/*
 * lists.h - the flows of a socket in order of age, and which of them goes when
 * there is no room. The caller of each function holds the lock of the flows.
 */
#ifndef COP_FLOW_LISTS_H
#define COP_FLOW_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"
#include "flow/table.h"

/* cop_flows.first once the first flow has been evicted or is in the table. */
#define FLOW_FIRST_GONE (~0ull)

/**
 * cop_flow_lists_update - put flows that were added without the lock in a list
 * @flows: the socket's flows
 * @table: their table
 */
void cop_flow_lists_update(struct cop_flows *flows, struct flow_table *table);

/**
 * cop_flow_lists_rebuild - make both lists again from the buckets
 * @flows: the socket's flows
 * @table: their table
 *
 * For a forked child, or behind a holder that a handler has jumped out of: the lists
 * may be half changed. The buckets are
 * whole at any moment; only the age of each flow is lost.
 */
void cop_flow_lists_rebuild(struct cop_flows *flows, struct flow_table *table);

/**
 * cop_flow_lists_clear - remove the flows of the last owners of the sock's memory
 * @flows: the socket's flows
 * @table: their table
 *
 * That includes flows that a late send has added for such an owner.
 */
void cop_flow_lists_clear(struct cop_flows *flows, struct flow_table *table);

/**
 * cop_flow_lists_take_fresh - cop_flow_lists_update(), and evict what is too much
 * @flows: the socket's flows
 * @table: their table
 */
void cop_flow_lists_take_fresh(struct cop_flows *flows,
			       struct flow_table *table);

/**
 * cop_flow_obtain - find a peer's flow, or make one and evict others for it
 * @flows: the socket's flows
 * @table: their table
 * @peer: the peer
 * @sent: whether the socket sends to this peer; if not, no destination is evicted
 * @search: the search that has not found it; receives cop_flow.number of the flow
 *
 * Returns NULL where there is no memory, or no room for a sender.
 */
struct cop_flow *cop_flow_obtain(struct cop_flows *flows,
				 struct flow_table *table,
				 const struct cop_peer *peer, bool sent,
				 struct flow_search *search);

#endif /* COP_FLOW_LISTS_H */
