/* SPDX-License-Identifier: MIT */
/*
 * cut.h - sends that the program wants to be cut into datagrams (UDP_SEGMENT).
 */
#ifndef COP_CUT_H
#define COP_CUT_H

#include <sys/socket.h>
#include <sys/types.h>

#include "datagram/proto.h"
#include "datagram/tx.h"
#include "lib/compiler.h"
#include "socket/sock.h"

/**
 * cop_cut_note - take the kernel socket's UDP_SEGMENT
 * @sk: a sock that came from another process or image
 * @fd: its descriptor
 */
void cop_cut_note(struct sock *sk, int fd);

/**
 * cop_cut_set - setsockopt() of UDP_SEGMENT
 *
 * Arguments and result as for setsockopt of struct proto. The kernel socket gets the
 * program's size. It holds for no send of a COP socket: each such send says in a control
 * message into how many bytes it is to be cut, with the header.
 */
int cop_cut_set(struct sock *sk, int fd, const void *optval, socklen_t optlen);

/**
 * cop_cut_size - into how many bytes of payload a send is to be cut
 * @sk: the sender
 * @fd: its descriptor
 * @msg: the message
 *
 * Returns the size; 0: the send is one datagram, whatever its length, and the kernel can
 * have the message as it is; -EIO where the
 * transport can't do it, as a route that can't; -EINVAL for another control message of
 * UDP's. Counterpart: udp_cmsg_send().
 */
int cop_cut_size_of(struct sock *sk, int fd, const struct msghdr *msg);

static inline int cop_cut_size(struct sock *sk, int fd,
			       const struct msghdr *msg)
{
	if (likely(!msg->msg_controllen && !sock_flag(sk, SOCK_SEGMENTS)))
		return 0;
	return cop_cut_size_of(sk, fd, msg);
}

/* A send that is to be cut. */
struct cop_cut {
	struct sock *sk;
	int fd;
	int flags;		  /* MSG_*, without MSG_MORE */
	const struct msghdr *msg; /* NULL name: the peer */
	size_t len;		  /* what cop_iov_length() returned */
	size_t most;		  /* bytes that UDP sends at once to the peer */
	unsigned int size; /* bytes of each piece but the last, at least 1 */

	/* cop_tx_begin() and cop_tx_end(): their file calls this one. */
	void (*begin)(struct sock *sk, const void *name, socklen_t len,
		      size_t payload, uint64_t now, struct cop_tx *tx,
		      void *hdr);
	void (*end)(struct sock *sk, struct cop_tx *tx, ssize_t result);
};

/**
 * cop_cut_send - send a payload as datagrams of one size
 * @cut: the send
 *
 * Returns the payload's length or -errno: all of the datagrams are sent, or none. One
 * system call, or two for more than 65,507 bytes; a cancellation point.
 */
ssize_t cop_cut_send(const struct cop_cut *cut);

#endif /* COP_CUT_H */
