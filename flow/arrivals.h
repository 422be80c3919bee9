/* SPDX-License-Identifier: MIT */
/*
 * arrivals.h - what a thread does before it lets go of the lock of the flows.
 */
#ifndef COP_FLOW_ARRIVALS_H
#define COP_FLOW_ARRIVALS_H

#include "flow/flow.h"
#include "flow/table.h"

/**
 * cop_flow_take_backlog - take note of the arrivals in the backlog
 * @flows: the socket's flows; the caller holds their lock
 * @table: their table
 */
void cop_flow_take_backlog(struct cop_flows *flows, struct flow_table *table);

/**
 * cop_flow_unlock - see to what other threads have left, and let go of the lock
 * @flows: the socket's flows; the caller holds their lock
 * @table: their table
 *
 * Counterpart: release_sock().
 */
void cop_flow_unlock(struct cop_flows *flows, struct flow_table *table);

#endif /* COP_FLOW_ARRIVALS_H */
