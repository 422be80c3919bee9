/* SPDX-License-Identifier: MIT */
/*
 * encap.h - COP datagrams in UDP datagrams: the header, and moving both
 * through the kernel socket.
 */
#ifndef COP_ENCAP_H
#define COP_ENCAP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cop.h"
#include "lib/compiler.h"
#include "lib/uaccess.h"

/* Why a UDP datagram is no COP datagram. */
enum cop_stray {
	COP_STRAY_SHORT,   /* no room for a header */
	COP_STRAY_MAGIC,   /* something else altogether */
	COP_STRAY_VERSION, /* a version that is not ours */
	COP_STRAY_LENGTH,  /* header length below 4 or beyond the datagram */
	COP_STRAY_REASONS,
	COP_NO_STRAY = COP_STRAY_REASONS
};

/*
 * Set in a receive's result, which is never so large: the descriptor is another
 * socket now, whose datagram was handed over as it came.
 */
#define COP_RX_STALE (1 << 30)

/*
 * Up to so many bytes a payload is copied behind its header, beyond it goes by
 * an iovec of its own. The copy costs less than the kernel's handling of a
 * second iovec, but needs the room on a stack that may be a signal handler's.
 */
#define COP_COPY_MAX 2048

/* The longest datagram there can be, header included. */
#define COP_DATAGRAM_MAX (COP_MAX_LEN + COP_HLEN)

/* What one receive brought. */
struct cop_rx {
	struct cophdr hdr;    /* only if it is no stray */
	enum cop_stray stray; /* COP_NO_STRAY, or why it is one */
	size_t len;    /* payload's length in bytes, all of it; of a stray
			       * the datagram's */
	size_t copied; /* bytes of it that the iovecs got */
	uint64_t now;  /* cop_clock_us() behind the receive; only if no stray */
	uint32_t serial; /* cop_rx_serial ahead of it */
	uint16_t gen;	 /* cop_flows.gen ahead of it */
	bool fault;	 /* a stray could not be put in the iovecs whole, since
			  * they can't be written to */
};

/**
 * cop_hdr_check - whether a datagram begins with a COP header
 * @data: its first bytes, up to COP_HLEN of them
 * @len: its length in bytes
 *
 * Returns COP_NO_STRAY or why not.
 */
enum cop_stray cop_hdr_check(const void *data, size_t len);

/**
 * cop_hdr_len - length of a valid header with its options, in bytes
 * @hdr: the header
 */
static inline size_t cop_hdr_len(const struct cophdr *hdr)
{
	return (hdr->ver_hlen & 0xf) * 4u;
}

/**
 * cop_hdr_build - fill in a header
 * @hdr: where
 * @source: own port, network order
 * @dest: the destination's port, network order
 * @seq: datagrams of this flow before this one
 * @tstamp: microseconds, the sender's clock
 */
void cop_hdr_build(struct cophdr *hdr, __be16 source, __be16 dest, uint64_t seq,
		   uint32_t tstamp);

/**
 * cop_iov_length - bytes in a message's iovecs
 * @fd: the socket
 * @msg: the message
 *
 * Returns the sum, or what the kernel says of iovecs that it refuses: -EMSGSIZE
 * for too many, -EFAULT where they or their places can't be a program's memory,
 * -EINVAL for a length below 0. Counterpart: import_iovec().
 */
ssize_t cop_iov_length_many(int fd, const struct msghdr *msg);

static inline ssize_t cop_iov_length(int fd, const struct msghdr *msg)
{
	if (likely(msg->msg_iovlen == 1 &&
		   user_readable(fd, msg->msg_iov, sizeof(*msg->msg_iov)) &&
		   msg->msg_iov->iov_len <= SSIZE_MAX &&
		   user_range(msg->msg_iov->iov_base,
			      min_t(size_t, msg->msg_iov->iov_len, INT_MAX))))
		return msg->msg_iov->iov_len;
	return cop_iov_length_many(fd, msg);
}

/**
 * cop_encap_send - send a header and a payload as one UDP datagram
 * @fd: the kernel socket
 * @hdr: the header, or NULL for a later part of a corked datagram
 * @msg: destination, payload, control messages; NULL name: the peer
 * @flags: MSG_*
 * @len: what cop_iov_length() said
 *
 * Returns the payload's length or -errno, each as the kernel has it. One system
 * call, and a cancellation point. Whatever @msg says, and whatever another thread
 * makes of its memory meanwhile, no datagram goes out without @hdr.
 */
ssize_t cop_encap_send(int fd, const struct cophdr *hdr,
		       const struct msghdr *msg, int flags, size_t len);

/**
 * cop_encap_recv - receive one UDP datagram and part header from payload
 * @fd: the kernel socket
 * @msg: where to; name, control and flags are written as recvmsg() does
 * @flags: MSG_*, without MSG_ERRQUEUE
 * @cap: what cop_iov_length() said
 * @rx: what came
 *
 * Returns 0 or -errno: -EFAULT, as the kernel does, behind the datagram that was
 * received. A stray is put in the iovecs whole. One system call, and a
 * cancellation point.
 */
int cop_encap_recv(int fd, struct msghdr *msg, int flags, size_t cap,
		   struct cop_rx *rx);

/**
 * cop_encap_recv_error - receive from the error queue
 * @fd: the kernel socket
 * @msg: as for cop_encap_recv()
 * @flags: MSG_*, with MSG_ERRQUEUE
 * @cap: what cop_iov_length() said
 *
 * Returns the bytes put in the iovecs or -errno. Of a datagram of ours that an
 * error came back for it is the payload; anything else, as the frame that comes
 * with a transmit timestamp, is left as the kernel has it.
 */
ssize_t cop_encap_recv_error(int fd, struct msghdr *msg, int flags, size_t cap);

/**
 * cop_rx_measure - see what a datagram is
 * @rx: where to note it
 * @head: its first bytes, up to COP_HLEN of them
 * @n: its length, all of it
 * @cap: bytes there is room for
 */
void cop_rx_measure(struct cop_rx *rx, const void *head, size_t n, size_t cap);

/**
 * cop_encap_settle - part header from payload where the kernel has already put
 *		      them into one array of iovecs
 * @msg: the message that the payload belongs in; msg_flags is written
 * @hdr: the COP_HLEN bytes that came first
 * @tail: the COP_TAIL bytes behind the program's own iovecs
 * @n: length of the datagram, all of it
 * @cap: bytes in @msg's iovecs
 * @rx: what came
 */
void cop_encap_settle(struct msghdr *msg, const void *hdr, const void *tail,
		      size_t n, size_t cap, struct cop_rx *rx);

#define COP_TAIL (COP_HLEN_MAX - COP_HLEN)

#endif /* COP_ENCAP_H */
