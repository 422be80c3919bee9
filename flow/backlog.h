/* SPDX-License-Identifier: MIT */
/*
 * backlog.h - arrivals that find a socket's flows locked.
 */
#ifndef COP_BACKLOG_H
#define COP_BACKLOG_H

#include <stdbool.h>

#include "flow/flow.h"

/**
 * cop_backlog_put - leave an arrival for the thread that holds the lock
 * @flows: the socket's flows
 * @peer: the sender
 * @a: the arrival
 *
 * Returns false if all places are taken or there is no memory. Lock-free,
 * async-signal-safe. Counterpart: sk_add_backlog().
 */
bool cop_backlog_put(struct cop_flows *flows, const struct cop_peer *peer,
		     const struct cop_arrival *a);

/**
 * cop_backlog_take - take one arrival out of the backlog
 * @flows: the socket's flows; the caller holds their lock
 * @peer: receives the sender
 * @a: receives the arrival
 *
 * Returns false if there is no arrival that cop_backlog_put() has finished with.
 */
bool cop_backlog_take(struct cop_flows *flows, struct cop_peer *peer,
		      struct cop_arrival *a);

/**
 * cop_backlog_any - whether cop_backlog_take() would find an arrival
 * @flows: the socket's flows
 */
bool cop_backlog_any(struct cop_flows *flows);

#endif /* COP_BACKLOG_H */
