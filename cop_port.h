/* SPDX-License-Identifier: MIT */
/*
 * port.h - the port space: which COP ports this process holds, and which one
 * an ephemeral bind gets.
 */
#ifndef COP_PORT_H
#define COP_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COP_PORTS	65536
#define COP_HTABLE_SIZE 128 /* queues; a power of two */
#define COP_QUEUE_PORTS (COP_PORTS / COP_HTABLE_SIZE)
#define COP_QUEUE_WORDS (COP_QUEUE_PORTS / 64)

/*
 * One bit for each port, queue by queue: port p is bit p / 128 of queue
 * p % 128, so that all ports of a queue lie in one cache line.
 */
struct cop_port_bits {
	_Atomic(uint64_t) word[COP_HTABLE_SIZE][COP_QUEUE_WORDS];
};

/*
 * The counterpart of struct udp_table, with the length of each queue stored,
 * so that no queue is ever walked.
 */
struct cop_port_table {
	struct cop_port_bits taken;   /* (a) claimed by a socket */
	struct cop_port_bits allowed; /* (a) an ephemeral bind may have it */
	_Atomic(uint32_t) places;     /* (a) of a queue, that the range covers:
				       * first << 16 | number */
	_Atomic(uint16_t) count[COP_HTABLE_SIZE]; /* (a) length of each queue,
						   * with COP_QUEUE_FULL */
	uint32_t (*random)(void); /* (c) where the rover moves next */
};

/*
 * Set in a count: no allowed port of this queue was free when last looked at.
 * Only a hint, set by whoever finds it out and cleared by each release.
 */
#define COP_QUEUE_FULL 0x400

/* The ports of this process. */
extern struct cop_port_table cop_port_table;

/**
 * cop_port_allow - say which ports an ephemeral bind may get
 * @table: the port space
 * @low: the lowest, host order
 * @high: the highest, host order
 * @reserved: those of them that it may not get, or NULL for none
 *
 * The counterpart of ip_local_port_range and ip_local_reserved_ports. Lock-free;
 * an allocation that runs at the same time sees either answer for each port.
 */
void cop_port_allow(struct cop_port_table *table, uint16_t low, uint16_t high,
		    const struct cop_port_bits *reserved);

/**
 * cop_port_claim - take one port
 * @table: the port space
 * @snum: the port, host order
 *
 * Returns whether it was free and is the caller's now. One atomic operation on
 * the port's word decides; lock-free, async-signal-safe.
 */
bool cop_port_claim(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_release - give a port back
 * @table: the port space
 * @snum: a port that the caller claimed, host order
 *
 * A port that is not taken stays so.
 *
 * Lock-free, async-signal-safe.
 */
void cop_port_release(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_reclaim - give back a port that a thread claimed that is no more
 * @table: the port space
 * @snum: the port, host order, which no sock has
 *
 * For a process with one thread: a child that was forked while another thread
 * of its parent's had a claim without a sock, or had just begun to count it.
 * Returns whether the port was taken. Async-signal-safe.
 */
bool cop_port_reclaim(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_claim_any - take a free port of those that cop_port_allow() allows
 * @table: the port space
 *
 * From a random rover the first shortest queue that has one, and in it the
 * first free one from a random place on: each call draws anew, as Algorithm 2
 * of RFC 6056 does, so that the ports handed out say nothing of the next.
 *
 * Returns the port, host order, or 0 when none is free. Lock-free,
 * async-signal-safe. Counterpart: udp_lib_get_port() with snum 0.
 */
uint16_t cop_port_claim_any(struct cop_port_table *table);

/**
 * cop_port_taken - whether a socket of this process holds a port
 * @table: the port space
 * @snum: the port, host order
 */
bool cop_port_taken(struct cop_port_table *table, uint16_t snum);

/**
 * cop_port_held - how many ports the sockets of this process hold
 * @table: the port space
 */
unsigned int cop_port_held(const struct cop_port_table *table);

/**
 * cop_port_bit - add a port to a set that nobody else uses yet
 * @bits: the set
 * @snum: the port, host order
 */
void cop_port_bit(struct cop_port_bits *bits, uint16_t snum);

#endif /* COP_PORT_H */
