/* SPDX-License-Identifier: MIT */
/*
 * rx_odd.h - a batch of datagrams on its way in, and what is done with a datagram of it
 * that is not plain: rx_batch.c hands it over.
 */
#ifndef COP_RX_ODD_H
#define COP_RX_ODD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "datagram/batch.h"
#include "datagram/rx_batch.h"
#include "lib/addr.h"
#include "socket/sock.h"
#include "wire/buffer.h"
#include "wire/encap.h"

/*
 * The kernel gets an array of messages. A message that is not packed (batch.h) has the
 * iovecs of the program, with one for the header ahead of them and one for options behind
 * them.
 */
struct rx_batch {
	const struct cop_wire *wire;
	unsigned char *pack; /* room for packed messages, or NULL */
	size_t used;	     /* bytes of it that messages have */
	unsigned int n;
	unsigned int iovs;		 /* in use */
	unsigned int msgs_max, iovs_max; /* that the arrays have room for */
	struct mmsghdr *vec;
	/* A packed message has three, too: the kernel's, the program's, a free one. */
	struct iovec *iov;
	size_t *cap;	      /* bytes in the program's iovecs */
	union cop_addr *from; /* if the program does not ask */
	unsigned char (*head)[COP_HDR_MAX];
	uint64_t now;
	uint32_t serial;
	uint16_t gen;
	bool known; /* who sends: a message without a name comes from the peer */
};

/* Whether a message is packed: cop_rx_settle_odd() unpacks it. */
static inline bool rx_is_packed(const struct msghdr *whole)
{
	return whole->msg_iovlen == 1;
}

/* Where the header of a message is. The payload of a packed one is behind it. */
static inline const unsigned char *rx_wire(const struct msghdr *whole)
{
	return whole->msg_iov->iov_base;
}

/**
 * cop_rx_settle_odd - make message @i of a batch the program's next message
 * @b: the batch
 * @sk: the receiver
 * @fd: its descriptor
 * @vec: the program's messages
 * @i: the message, which the kernel has received
 * @flags: MSG_*
 * @res: what came; kept is the number of the program's next message
 *
 * For any datagram. Returns false for a stray, which is counted, and where the program has
 * closed the socket: then @res->closed is set.
 */
bool cop_rx_settle_odd(struct rx_batch *b, struct sock *sk, int fd,
		       struct mmsghdr *vec, unsigned int i, int flags,
		       struct cop_rx_result *res);

/**
 * cop_rx_export_fault - write what the kernel writes although message @i fails
 * @at: the number of the program's next message
 *
 * Other arguments as for cop_rx_settle_odd().
 */
void cop_rx_export_fault(const struct rx_batch *b, struct mmsghdr *vec,
			 unsigned int i, unsigned int at);

#endif /* COP_RX_ODD_H */
