/* SPDX-License-Identifier: MIT */
/*
 * tx.h - what the calls that move one datagram and those that move many have
 * in common.
 */
#ifndef COP_TX_H
#define COP_TX_H

#include <stdbool.h>

#include "datagram/proto.h"

/* A datagram on its way out, between taking its number and its fate. */
struct cop_tx {
	struct cophdr hdr;
	struct cop_flow_key key;
	uint64_t seq;
	size_t payload; /* bytes */
	enum {
		COP_TX_NONE,  /* no destination that could be sent to */
		COP_TX_PEER,  /* the peer the socket is connected to */
		COP_TX_TABLE, /* any other */
	} flow;
};

/**
 * cop_dest_of - the destination that a name is
 * @name: as given to sendto(), which can be read
 * @len: its length in bytes
 * @key: where address and port are put
 *
 * Returns false for what UDP would not send to, which the kernel is to refuse.
 */
bool cop_dest_of(const void *name, socklen_t len, struct cop_flow_key *key);

/**
 * cop_tx_begin - find a datagram's flow and build its header
 * @sk: the sender
 * @name: destination, which can be read, or NULL for the peer
 * @len: its length in bytes
 * @payload: bytes
 * @now: cop_clock_us() at the call that sends it
 * @tx: where the header is put; to be passed to cop_tx_end()
 */
void cop_tx_begin(struct sock *sk, const void *name, socklen_t len,
		  size_t payload, uint64_t now, struct cop_tx *tx);

/**
 * cop_tx_end - account for a datagram, or give its number back
 * @sk: the sender
 * @tx: from cop_tx_begin()
 * @result: payload bytes that were sent, or -errno
 */
void cop_tx_end(struct sock *sk, struct cop_tx *tx, ssize_t result);

/**
 * cop_rx_account - account for a datagram that the program gets
 * @sk: the receiver
 * @name: its source address
 * @len: its length in bytes; where it is too short to be one, no flow is told
 * @rx: from cop_encap_recv(), with now, serial and gen set
 *
 * Nothing is noted where the sock is another socket's by now: a close does not end
 * a receive that waits.
 */
void cop_rx_account(struct sock *sk, const void *name, socklen_t len,
		    const struct cop_rx *rx);

/**
 * cop_rx_ended - whether a receive brought no datagram but the end
 * @fd: the descriptor
 * @named: whether it brought a source address
 * @rx: from cop_encap_recv()
 *
 * After a shutdown() for reading a receive that would wait returns 0 instead,
 * which is not to be taken for an empty stray.
 */
bool cop_rx_ended(int fd, bool named, const struct cop_rx *rx);

/**
 * cop_rx_discard - take the first datagram in the queue away
 * @fd: the descriptor
 *
 * A stray that a look has left there. Does not wait.
 */
void cop_rx_discard(int fd);

/**
 * cop_sendto_copied, cop_recvfrom_copied - cop_sendto() and cop_recvfrom() of a
 *	process that has confined itself
 *
 * By the system call that the program made: read() and write() where @flags have
 * COP_MSG_FILE. A payload of any length goes by a copy on the stack.
 */
ssize_t cop_sendto_copied(struct sock *sk, int fd, const void *buf, size_t len,
			  int flags, const void *name, socklen_t namelen);
ssize_t cop_recvfrom_copied(struct sock *sk, int fd, void *buf, size_t len,
			    int flags, void *name, socklen_t *namelen);

/**
 * cop_soft_error - the error that an earlier call came upon too late
 * @sk: the sock
 *
 * Returns it as -errno and clears it, or 0. Counterpart: sock_error().
 */
int cop_soft_error(struct sock *sk);

/**
 * cop_refuse_udp_cmsg - whether a message asks for something of UDP's own
 * @fd: the socket that it is to be sent on
 * @msg: to be sent
 *
 * UDP_SEGMENT would cut a datagram into several of which only the first had a
 * header. Returns -EIO for it, which udp_send_skb() says where segments can't be
 * made, and by which programs know to go on without; -EINVAL for what UDP does not
 * know either; else 0.
 */
int cop_refuse_udp_cmsg(int fd, const struct msghdr *msg);

/* The kernel's name for what libc calls MSG_PROXY: a send that sends nothing. */
#define MSG_PROBE MSG_PROXY

#endif /* COP_TX_H */
