/* SPDX-License-Identifier: MIT */
/*
 * gro.h - receives of several datagrams that the kernel has joined (UDP_GRO).
 */
#ifndef COP_GRO_H
#define COP_GRO_H

#include <sys/socket.h>

#include "lib/compiler.h"
#include "lib/iov.h"
#include "lib/uaccess.h"
#include "socket/sock.h"
#include "wire/hdr.h"
#include "wire/recv.h"

/* The kernel joins no more datagrams: UDP_MAX_SEGMENTS and UDP_GRO_CNT_MAX. */
#define COP_GRO_JOINED_MAX 128

/*
 * Where the kernel puts control messages if the program has less room. UDP_GRO is among
 * the first ones: only those of level SOL_SOCKET come before it.
 */
#define COP_GRO_CONTROL 256

struct joined;

/*
 * Whether the kernel's control messages for @msg have to go to memory of ours first. If
 * the program's can't be written, the kernel puts none there, and the datagrams' length
 * would be lost.
 */
static inline bool cop_gro_controls_apart(const struct msghdr *msg)
{
	return msg->msg_controllen < COP_GRO_CONTROL ||
	       !user_writable(msg->msg_control, COP_GRO_CONTROL);
}

/*
 * Whether all the room of @msg can be written that joined datagrams may need. @cap is
 * the length of its iovecs.
 */
static inline bool cop_gro_can_write(const struct msghdr *msg, size_t cap)
{
	return cop_iov_writable_many(msg->msg_iov, msg->msg_iovlen,
				     min_t(size_t, cap, COP_DATAGRAM_MAX));
}

/**
 * cop_gro_settle - take the headers out of what the kernel has received
 * @j: what has come, without its step
 * @whole: what the kernel returned. Flags become those for the program, and the length
 *	in the control message that of a payload
 * @behind: how many of its iovecs are behind the program's; the first one is the header's
 * @rx: describes what came, as cop_gro_recv() says
 */
void cop_gro_settle(struct joined *j, struct msghdr *whole, unsigned int behind,
		    struct cop_rx *rx);

/**
 * cop_gro_recv - receive one datagram, or several that are joined
 *
 * Arguments and result as for cop_encap_recv(); msg_name of @msg is not NULL. The
 * payloads come one behind another, and the control message UDP_GRO says how long each
 * is. Strays among the datagrams are dropped. Then @rx is as of one datagram, and has
 * joined set: each of its datagrams is counted already, unless this was a look.
 */
int cop_gro_recv(struct sock *sk, int fd, struct msghdr *msg, int flags,
		 size_t cap, struct cop_rx *rx);

/**
 * cop_gro_unjoin - take the headers out of what a confined process has received
 * @sk: the receiver
 * @fd: the kernel socket
 * @wire: the datagram, or what there was room for; aligned to 4. The payloads of joined
 *	datagrams move to the first one
 * @room: bytes at @wire
 * @n: the datagram's length
 * @cap: bytes of room for the payload
 * @flags: MSG_* of the receive
 * @from: the sender
 * @fromlen: bytes of @from
 * @rx: describes the datagram, as cop_gro_recv() says
 *
 * The kernel did not say whether datagrams are joined, so their headers have to.
 */
void cop_gro_unjoin(struct sock *sk, int fd, void *wire, size_t room, size_t n,
		    size_t cap, int flags, const void *from, socklen_t fromlen,
		    struct cop_rx *rx);

/**
 * cop_rx_one - receive what is one datagram to the program
 *
 * Arguments and result as for cop_gro_recv().
 */
static inline int cop_rx_one(struct sock *sk, int fd, struct msghdr *msg,
			     int flags, size_t cap, struct cop_rx *rx)
{
	if (unlikely(sock_flag(sk, SOCK_GRO)))
		return cop_gro_recv(sk, fd, msg, flags, cap, rx);
	return cop_encap_recv(sk, fd, msg, flags, cap, rx);
}

#endif /* COP_GRO_H */
