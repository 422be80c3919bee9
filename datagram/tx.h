/* SPDX-License-Identifier: MIT */
/*
 * tx.h - one datagram out.
 */
#ifndef COP_TX_H
#define COP_TX_H

#include <stdbool.h>
#include <sys/socket.h>

#include "datagram/proto.h"

/* A datagram on its way out, from cop_tx_begin() to cop_tx_end(). */
struct cop_tx {
	struct cop_peer to; /* without a destination, only port: 0 */
	uint64_t seq;
	size_t payload; /* bytes */
	enum cop_tx_flow {
		COP_TX_NONE,  /* no valid destination: the kernel refuses it */
		COP_TX_PEER,  /* the peer the socket is connected to */
		COP_TX_TABLE, /* any other peer; its flow is in the table */
	} flow;
};

/**
 * cop_tx_begin - find a datagram's flow and build its header
 * @sk: the sender
 * @name: destination, in memory that can be read, or NULL for the peer
 * @len: its length in bytes
 * @payload: bytes
 * @now: cop_clock_us() at the call that sends it
 * @tx: filled in; to be passed to cop_tx_end()
 * @hdr: where the header is put, aligned to 4: room for that of any transport
 */
void cop_tx_begin(struct sock *sk, const void *name, socklen_t len,
		  size_t payload, uint64_t now, struct cop_tx *tx, void *hdr);

/**
 * cop_tx_end - account for a datagram, or give its number back
 * @sk: the sender
 * @tx: from cop_tx_begin()
 * @result: payload bytes that were sent, or -errno
 */
void cop_tx_end(struct sock *sk, struct cop_tx *tx, ssize_t result);

#endif /* COP_TX_H */
