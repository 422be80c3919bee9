/* SPDX-License-Identifier: MIT */
/*
 * error_queue.h - datagrams that come back in the kernel socket's error queue.
 */
#ifndef COP_ERROR_QUEUE_H
#define COP_ERROR_QUEUE_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "wire/hdr.h"

struct sock;

/**
 * cop_encap_recv_error - receive from the error queue
 * @sk: the receiver
 * @fd: the kernel socket
 * @msg: as for cop_encap_recv()
 * @flags: MSG_*, with MSG_ERRQUEUE
 * @cap: what cop_iov_length() returned
 *
 * Returns the bytes put in the iovecs or -errno. Where the kernel returns a datagram
 * of ours with an error, these bytes are its payload, or that of the first datagram of
 * several that were one send. Where it returns the frame
 * that goes with a transmit timestamp, they are the frame without the header.
 * Everything else stays as the kernel has it. Where the transport encodes payloads,
 * no payload is returned.
 */
ssize_t cop_encap_recv_error(struct sock *sk, int fd, struct msghdr *msg,
			     int flags, size_t cap);

#endif /* COP_ERROR_QUEUE_H */
