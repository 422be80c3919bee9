/* SPDX-License-Identifier: MIT */
/*
 * deferred.h - arrivals that came upon a busy table of flows.
 */
#ifndef COP_DEFERRED_H
#define COP_DEFERRED_H

#include "flow/flow.h"

/**
 * cop_deferred_put - keep an arrival for whoever has the table
 * @flows: the socket's
 * @key: who sent it
 * @a: the arrival
 *
 * Returns false where there is no room, or no memory. Lock-free,
 * async-signal-safe.
 */
bool cop_deferred_put(struct cop_flows *flows, const struct cop_flow_key *key,
		      const struct cop_arrival *a);

/**
 * cop_deferred_take - an arrival that was kept
 * @flows: the socket's, whose lock the caller has
 * @key: where its sender is put
 * @a: where it is put
 *
 * Returns false where there is none, or only such as are still being put.
 */
bool cop_deferred_take(struct cop_flows *flows, struct cop_flow_key *key,
		       struct cop_arrival *a);

/**
 * cop_deferred_any - whether there is an arrival to be taken
 * @flows: the socket's
 */
bool cop_deferred_any(struct cop_flows *flows);

#endif /* COP_DEFERRED_H */
