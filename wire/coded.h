/* SPDX-License-Identifier: MIT */
/*
 * coded.h - datagrams whose transport encodes their payload.
 */
#ifndef COP_CODED_H
#define COP_CODED_H

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "lib/compiler.h"
#include "socket/sock.h"
#include "wire/hdr.h"
#include "wire/recv.h"

/**
 * cop_coded_encode - have the transport encode a payload
 *
 * Arguments and result as for encode of struct cop_wire, but a result that is no errno
 * becomes -EINVAL.
 */
static inline int cop_coded_encode(struct sock *sk, void *hdr, void *payload,
				   size_t len, const struct cop_ends *ends)
{
	int err = sk_wire(sk)->encode(sk, hdr, payload, len, ends);

	return likely(err <= 0) ? err : -EINVAL;
}

/**
 * cop_coded_send - encode a payload, and send it behind its header
 * @sk: the sender, whose transport encodes
 * @fd: the kernel socket
 * @hdr: the header, in memory of COP_HDR_MAX bytes
 * @msg: destination, payload, control messages; NULL name: the peer
 * @flags: MSG_*, without MSG_MORE
 * @len: what cop_iov_length() returned
 * @ends: the addresses, if encode needs them, else NULL
 *
 * Returns the payload's length or -errno. One system call, and a cancellation point. A
 * payload that is too long or can't be read never leaves the process, and the error is
 * the kernel's.
 */
ssize_t cop_coded_send(struct sock *sk, int fd, const void *hdr,
		       const struct msghdr *msg, int flags, size_t len,
		       const struct cop_ends *ends);

/**
 * cop_coded_measure - describe a datagram, and decode its payload
 * @sk: the receiver, whose transport decodes
 * @rx: where to note it
 * @data: the whole datagram; its payload is decoded in place, unless it is a stray
 * @n: its length
 * @cap: bytes of room for the payload
 * @flags: MSG_* of the receive
 * @ends: the addresses, if decode needs them, else NULL
 */
void cop_coded_measure(struct sock *sk, struct cop_rx *rx, unsigned char *data,
		       size_t n, size_t cap, int flags,
		       const struct cop_ends *ends);

#endif /* COP_CODED_H */
