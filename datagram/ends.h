/* SPDX-License-Identifier: MIT */
/*
 * ends.h - the addresses of a datagram that is sent, for a transport whose encode needs
 * them (wire.ends).
 */
#ifndef COP_DATAGRAM_ENDS_H
#define COP_DATAGRAM_ENDS_H

#include <sys/socket.h>

#include "datagram/tx.h"

/**
 * cop_ends_sent - the addresses that the IP header of a datagram will have
 * @sk: the sender
 * @fd: the kernel socket
 * @tx: from cop_tx_begin()
 * @msg: the message, whose control messages may name a source; NULL: there are none
 * @ends: filled in
 *
 * Returns 0; -EADDRNOTAVAIL in a confined process that can't ask the kernel for the
 * source of a route. An address stays unknown only if the kernel will refuse the
 * datagram.
 */
int cop_ends_sent(struct sock *sk, int fd, const struct cop_tx *tx,
		  const struct msghdr *msg, struct cop_ends *ends);

/**
 * cop_encode - have the transport encode one payload
 * @sk: the sender
 * @fd: the kernel socket
 * @tx: from cop_tx_begin()
 * @hdr: the header
 * @payload: the payload, in memory of the library's with room for the overhead
 *
 * Returns 0 or -errno.
 */
int cop_encode(struct sock *sk, int fd, const struct cop_tx *tx, void *hdr,
	       void *payload);

/**
 * cop_keeps_pktinfo - whether an option stays set on the kernel socket
 * @sk: the sock
 * @level: the option's level
 * @optname: its number
 *
 * The program then sees a value of its own, SOCK_PKTINFO.
 */
bool cop_keeps_pktinfo(const struct sock *sk, int level, int optname);

/**
 * cop_take_pktinfo - take the program's value of that option from the kernel socket
 * @sk: the sock
 * @fd: the kernel socket, where the program alone has set the option so far
 *
 * errno may change.
 */
void cop_take_pktinfo(struct sock *sk, int fd);

/**
 * cop_set_pktinfo - setsockopt() of such an option
 *
 * Arguments and result as for setsockopt of struct proto.
 */
int cop_set_pktinfo(struct sock *sk, int fd, int level, int optname,
		    const void *optval, socklen_t optlen);

/**
 * cop_set_addrform - setsockopt() of IPV6_ADDRFORM
 *
 * Arguments and result as for setsockopt of struct proto.
 */
int cop_set_addrform(struct sock *sk, int fd, const void *optval,
		     socklen_t optlen);

#endif /* COP_DATAGRAM_ENDS_H */
