/* SPDX-License-Identifier: MIT */
/*
 * cop_port.h - the port space: which COP ports this process holds, and which one
 * an ephemeral bind gets.
 */
#ifndef COP_PORT_H
#define COP_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/port_bits.h"

/*
 * The counterpart of struct udp_table, with the length of each queue stored,
 * so that no queue is ever walked.
 */
struct cop_port_table {
	struct cop_port_bits taken;   /* (a) claimed by a socket */
	struct cop_port_bits allowed; /* (a) an ephemeral bind may have it */
	_Atomic(uint32_t) places;     /* (a) where in a queue the range lies:
				       * first place << 16 | how many */
	_Atomic(uint16_t) count[COP_HTABLE_SIZE]; /* (a) length of each queue,
						   * with COP_QUEUE_FULL */
	uint32_t (*random)(void); /* (c) chooses where a search begins */
};

/*
 * A bit of a count: a search has found no free port in this queue that is allowed.
 * Only a hint; each release clears it.
 */
#define COP_QUEUE_FULL 0x400

/* The ports of this process. */
extern struct cop_port_table cop_port_table;

/**
 * cop_port_allow - say which ports an ephemeral bind may get
 * @table: the port space
 * @low: the lowest, host order
 * @high: the highest, host order
 * @reserved: ports in this range that it may not get; NULL: none
 *
 * The counterpart of ip_local_port_range and ip_local_reserved_ports. Lock-free;
 * for each port a claim at the same time sees the old answer or the new one.
 */
void cop_port_allow(struct cop_port_table *table, uint16_t low, uint16_t high,
		    const struct cop_port_bits *reserved);

/**
 * cop_port_claim - take one port
 * @table: the port space
 * @snum: the port, host order
 *
 * Returns true if it was free; it belongs to the caller now. One atomic operation
 * on the port's word decides. Lock-free, async-signal-safe.
 */
bool cop_port_claim(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_release - give a port back
 * @table: the port space
 * @snum: a port that the caller claimed, host order
 *
 * Does nothing if the port is free. Lock-free, async-signal-safe.
 */
void cop_port_release(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_reclaim - give back a port whose claim a lost thread has left behind
 * @table: the port space
 * @snum: the port, host order, which no sock has
 *
 * For a forked child with one thread: at the fork another thread of the parent
 * had claimed a port, but had not yet recorded it in a sock or in the length of
 * its queue. Returns whether the port was taken. Async-signal-safe.
 */
bool cop_port_reclaim(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_claim_any - take a free port that cop_port_allow() allows
 * @table: the port space
 *
 * The search begins at a random queue and takes the first of the shortest ones;
 * in that queue it begins at a random place and takes the first free port. Each
 * call draws new random numbers, as Algorithm 2 of RFC 6056 does, so that nobody
 * can guess the next port from the ports before.
 *
 * Returns the port, host order, or 0 when none is free. Lock-free,
 * async-signal-safe. Counterpart: udp_lib_get_port() with snum 0.
 */
uint16_t cop_port_claim_any(struct cop_port_table *table);

/**
 * cop_port_is_taken - whether a socket of this process holds a port
 * @table: the port space
 * @snum: the port, host order
 */
bool cop_port_is_taken(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_queue_length - how many ports of a queue this process holds
 * @table: the port space
 * @queue: its number
 */
unsigned int cop_port_queue_length(const struct cop_port_table *table,
				   unsigned int queue);

/**
 * cop_port_next - the next port of a queue that an ephemeral bind may get
 * @table: the port space
 * @queue: its number
 * @after: a port, host order; 0: the first is wanted
 *
 * Returns the lowest allowed port above @after, held or not; 0: there is none.
 */
uint16_t cop_port_next(const struct cop_port_table *table, unsigned int queue,
		       uint16_t after);

/**
 * cop_port_held - how many ports the sockets of this process hold
 * @table: the port space
 */
unsigned int cop_port_held(const struct cop_port_table *table);

#endif /* COP_PORT_H */
