/* SPDX-License-Identifier: MIT */
/*
 * copied.h - one datagram in or out by the system call that a confined program made.
 */
#ifndef COP_COPIED_H
#define COP_COPIED_H

#include <sys/socket.h>

#include "socket/sock.h"
#include "wire/recv.h"

struct cop_tx;

/* A datagram that has come, and its sender. */
struct cop_arrived {
	struct cop_rx rx;
	struct sockaddr_storage from;
	socklen_t fromlen; /* 0 where the sender is not known */
};

/**
 * cop_send_copied - send a header and a payload as one UDP datagram
 * @sk: the sender
 * @fd: its descriptor
 * @tx: from cop_tx_begin(); NULL without a header
 * @hdr: the header, or NULL to get the kernel's error for @len, which must be beyond
 *	COP_DATAGRAM_MAX
 * @buf: the payload
 * @len: its length in bytes
 * @flags: MSG_*; with COP_MSG_FILE the call is write(), else sendto()
 * @name: destination, or NULL for the peer
 * @namelen: bytes of @name
 *
 * Returns the payload's length or -errno. A payload of any length is copied to the
 * stack.
 */
ssize_t cop_send_copied(struct sock *sk, int fd, const struct cop_tx *tx,
			const void *hdr, const void *buf, size_t len, int flags,
			const void *name, socklen_t namelen);

/**
 * cop_recv_copied - receive the next COP datagram
 * @sk: the receiver
 * @fd: its descriptor
 * @buf: where the payload is put
 * @len: room there in bytes
 * @flags: MSG_*; with COP_MSG_FILE the call is read(), else recvfrom()
 * @a: what came; its rx.stray is COP_NO_STRAY, or else the socket was shut
 *
 * Returns 0 or -errno. Strays are counted and dropped. Neither @a->rx.now is set nor
 * the datagram counted.
 */
int cop_recv_copied(struct sock *sk, int fd, void *buf, size_t len, int flags,
		    struct cop_arrived *a);

#endif /* COP_COPIED_H */
