/* SPDX-License-Identifier: MIT */
/*
 * rx.h - one datagram in.
 */
#ifndef COP_RX_H
#define COP_RX_H

#include <sys/socket.h>

#include "datagram/proto.h"
#include "wire/recv.h"

/**
 * cop_rx_account - count a datagram that the program gets
 * @sk: the receiver
 * @name: its source address
 * @len: bytes of @name; where it is too short for an address, no flow is told
 * @rx: from cop_encap_recv(), with now, serial and gen set
 *
 * Counts nothing if @sk has become another socket's sock since @rx->gen was read: a
 * close does not end a receive that waits.
 */
void cop_rx_account(struct sock *sk, const void *name, socklen_t len,
		    const struct cop_rx *rx);

/**
 * cop_recvfrom_any - recvfrom() for everything that its short ways do not do
 * @begin: cop_clock_us() when the call began, 0: not known
 *
 * Other arguments and result as for recvfrom of struct proto.
 */
ssize_t cop_recvfrom_any(struct sock *sk, int fd, void *buf, size_t len,
			 int flags, void *name, socklen_t *namelen,
			 uint64_t begin);

/* The length that a receive returns, by its flags. */
static inline ssize_t cop_rx_length(const struct cop_rx *rx, int flags)
{
	return flags & MSG_TRUNC ? rx->len : rx->copied;
}

/**
 * cop_peer_name - the address of the peer that a sock is connected to
 * @sk: the sock
 * @name: where it is put
 *
 * Returns its length in bytes.
 */
static inline socklen_t cop_peer_name(const struct sock *sk,
				      struct sockaddr_storage *name)
{
	*(union cop_addr *)name = cop_slot_get(&sk->sk_daddr, sk->sk_family);
	return cop_addr_size(sk->sk_family);
}

#endif /* COP_RX_H */
