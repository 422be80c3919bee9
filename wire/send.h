/* SPDX-License-Identifier: MIT */
/*
 * send.h - a header and a payload out through the kernel socket.
 */
#ifndef COP_WIRE_SEND_H
#define COP_WIRE_SEND_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "wire/hdr.h"

/*
 * A send copies a payload of up to so many bytes behind its header. That costs less
 * than the kernel's work on a second iovec, but takes room on a stack, which may be
 * a signal handler's. A longer payload gets an iovec of its own.
 */
#define COP_COPY_MAX 2048

/**
 * cop_encap_send - send a header and a payload as one UDP datagram
 * @wire: the transport's header
 * @fd: the kernel socket
 * @hdr: the header, in memory of COP_HDR_MAX bytes; or NULL for a later part of a
 *	corked datagram
 * @msg: destination, payload, control messages; NULL name: the peer
 * @flags: MSG_*
 * @len: what cop_iov_length() returned
 *
 * Returns the payload's length or -errno, each as the kernel has it. One system
 * call, and a cancellation point. Every datagram begins with @hdr, even if another
 * thread changes @msg or its memory meanwhile.
 */
ssize_t cop_encap_send(const struct cop_wire *wire, int fd, const void *hdr,
		       const struct msghdr *msg, int flags, size_t len);

/**
 * cop_encap_refuse - get the error of the kernel for a payload that it can't get
 *
 * Arguments and result as for cop_encap_send(). The kernel gets the length of the
 * payload, but none of its bytes.
 */
ssize_t cop_encap_refuse(const struct cop_wire *wire, int fd, const void *hdr,
			 const struct msghdr *msg, int flags, size_t len);

#endif /* COP_WIRE_SEND_H */
