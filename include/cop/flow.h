/* SPDX-License-Identifier: MIT */
/*
 * flow.h - the destinations that a socket sends to without being connected,
 * each with its own sequence of numbers.
 */
#ifndef COP_FLOW_H
#define COP_FLOW_H

#include <linux/types.h>
#include <stdatomic.h>
#include <stdint.h>

#define COP_FLOWS_MAX 1024 /* flows of one socket; then the oldest goes */

struct cop_flow_key {
	__be32 addr; /* destination */
	__be16 port; /* destination */
	uint16_t zero;
};

struct cop_flow;

/*
 * Most sockets send to one destination, which needs no table: the first one a
 * socket ever has, as address << 16 | port.
 */
struct cop_flows {
	_Atomic(uint64_t) first;     /* (a) 0: none yet, ~0: it had to go */
	_Atomic(uint64_t) first_seq; /* (a) datagrams sent to it */
	struct cop_flow *head;	     /* (l) lock; the others in uthash's table,
				      * oldest first */
	_Atomic(uint32_t) lock;	   /* (a) mark of the holder's process, or 0 */
	_Atomic(uint32_t) restart; /* (a) flows in the table start anew */
	_Atomic(uint32_t) evicted; /* (a) flows that had to go */
};

/**
 * cop_flow_init - begin without flows
 * @flows: a new socket's: all zero, or as the memory's last owner left it
 *
 * Whoever still sends for that owner is in nobody's way.
 */
void cop_flow_init(struct cop_flows *flows);

/**
 * cop_flow_next - the sequence number of the next datagram to a destination
 * @flows: the socket's
 * @key: where to
 *
 * Returns the number of datagrams of this flow before this one; the low 32 bits
 * are what the header carries, and 0 is the first datagram of a flow. Where a
 * signal handler has interrupted this very function, it starts the flow anew.
 * Async-signal-safe.
 */
uint64_t cop_flow_next(struct cop_flows *flows, const struct cop_flow_key *key);

/**
 * cop_flow_undo - give a number back whose datagram was not sent
 * @flows: the socket's
 * @key: where it was to go
 * @seq: what cop_flow_next() returned
 *
 * Where a later number is out already, the gap stays.
 */
void cop_flow_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		   uint64_t seq);

/**
 * cop_flow_destroy - forget all flows of a socket
 * @flows: the socket's
 */
void cop_flow_destroy(struct cop_flows *flows);

#endif /* COP_FLOW_H */
