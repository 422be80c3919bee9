/* SPDX-License-Identifier: MIT */
/*
 * port_bits.h - a set of ports.
 */
#ifndef COP_PORT_BITS_H
#define COP_PORT_BITS_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/compiler.h"

#define COP_PORTS	65536
#define COP_HTABLE_SIZE 128 /* queues; a power of two */
#define COP_QUEUE_PORTS (COP_PORTS / COP_HTABLE_SIZE)
#define COP_QUEUE_WORDS (COP_QUEUE_PORTS / 64)

/*
 * One bit for each port, queue by queue: port p is bit p / 128 of queue
 * p % 128, so that all ports of a queue lie in one cache line.
 */
struct cop_port_bits {
	_Atomic(uint64_t) word[COP_HTABLE_SIZE][COP_QUEUE_WORDS]; /* (a) */
};

static inline unsigned int port_queue(uint16_t snum)
{
	return snum % COP_HTABLE_SIZE;
}

static inline unsigned int port_place(uint16_t snum)
{
	return snum / COP_HTABLE_SIZE;
}

static inline uint64_t port_mask(uint16_t snum)
{
	return 1ull << (port_place(snum) % 64);
}

static inline _Atomic(uint64_t) *port_word(struct cop_port_bits *bits,
					   uint16_t snum)
{
	return &bits->word[port_queue(snum)][port_place(snum) / 64];
}

/**
 * cop_port_bit - add a port to a set
 * @bits: the set, which only the caller changes
 * @snum: the port, host order
 *
 * Another thread may read the set at the same time.
 */
static inline void cop_port_bit(struct cop_port_bits *bits, uint16_t snum)
{
	_Atomic(uint64_t) *word = port_word(bits, snum);

	WRITE_ONCE(*word, READ_ONCE(*word) | port_mask(snum));
}

#endif /* COP_PORT_BITS_H */
