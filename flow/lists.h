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
 * For a forked child, in which the lists may be half changed. The buckets are
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
 * cop_flow_move_to_sent - note that the socket sends to a peer from now on
 * @flows: the socket's flows
 * @table: their table
 * @flow: a flow of the list of senders
 */
void cop_flow_move_to_sent(struct cop_flows *flows, struct flow_table *table,
			   struct cop_flow *flow);

/**
 * cop_flow_has_room - whether one more flow fits, evicting a sender if need be
 * @flows: the socket's flows
 * @table: their table
 */
bool cop_flow_has_room(struct cop_flows *flows, struct flow_table *table);

/**
 * cop_flow_make_room - evict flows until there is room
 * @flows: the socket's flows
 * @table: their table
 * @more: for so many more flows
 */
void cop_flow_make_room(struct cop_flows *flows, struct flow_table *table,
			unsigned int more);

#endif /* COP_FLOW_LISTS_H */
