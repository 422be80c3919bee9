/* SPDX-License-Identifier: MIT */
/*
 * rx_count.h - the figures of the datagrams that a batch has brought.
 */
#ifndef COP_RX_COUNT_H
#define COP_RX_COUNT_H

#include <stdint.h>

#include "datagram/rx_odd.h"
#include "socket/sock.h"

/* Plain datagrams that the program has got, but that are not counted yet. */
struct rx_plain {
	unsigned int begin; /* the first one's message */
	unsigned int truncated;
	uint64_t bytes;
};

/**
 * cop_rx_count - count plain datagrams, each in the message that the kernel put it in
 * @b: the batch
 * @sk: the receiver
 * @plain: the datagrams
 * @end: the message behind the last one
 *
 * As cop_rx_account() for each of them, but the sums are added once.
 */
void cop_rx_count(struct rx_batch *b, struct sock *sk,
		  const struct rx_plain *plain, unsigned int end);

#endif /* COP_RX_COUNT_H */
