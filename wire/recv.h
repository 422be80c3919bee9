/* SPDX-License-Identifier: MIT */
/*
 * recv.h - one UDP datagram in through the kernel socket, parted into header and
 * payload.
 */
#ifndef COP_WIRE_RECV_H
#define COP_WIRE_RECV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/compiler.h"
#include "wire/hdr.h"

/*
 * A receive sets this bit in its result where the descriptor has become another
 * socket meanwhile: that socket's datagram is returned as it came. No length is so
 * large.
 */
#define COP_RX_STALE (1 << 30)

/* A datagram that a receive has brought. */
struct cop_rx {
	struct cophdr hdr;    /* only if the datagram is not a stray */
	enum cop_stray stray; /* COP_NO_STRAY, or why it is a stray */
	size_t len;    /* bytes of payload, all of it; of a stray: bytes of
			       * the datagram */
	size_t copied; /* bytes of it that the iovecs got */
	uint64_t now;  /* cop_clock_us() behind the receive; not for a stray */
	uint32_t serial; /* cop_rx_serial ahead of the receive */
	uint16_t gen;	 /* cop_flows.gen ahead of the receive */
	bool fault; /* the iovecs have no room to write the whole stray to */
};

/**
 * cop_encap_recv - receive one UDP datagram and part header from payload
 * @fd: the kernel socket
 * @msg: where to; name, control and flags are written as recvmsg() does
 * @flags: MSG_*, without MSG_ERRQUEUE
 * @cap: what cop_iov_length() returned
 * @rx: describes the datagram
 *
 * Returns 0 or -errno. On -EFAULT the datagram is gone, as with the kernel. A stray
 * is put in the iovecs whole. One system call, and a cancellation point.
 */
int cop_encap_recv(int fd, struct msghdr *msg, int flags, size_t cap,
		   struct cop_rx *rx);

/**
 * cop_rx_measure_plain - describe a datagram whose header has no options
 * @rx: where to note it
 * @head: its first bytes, up to COP_HDR_ROOM of them, aligned to 4
 * @n: its length, all of it
 * @cap: bytes of room for the payload
 *
 * Returns false, with @rx as it was, for every other datagram.
 */
static inline bool cop_rx_measure_plain(struct cop_rx *rx, const void *head,
					size_t n, size_t cap)
{
	if (!cop_hdr_is_plain(head, n))
		return false;
	rx->hdr = *(const struct cophdr *)head;
	rx->stray = COP_NO_STRAY;
	rx->len = n - COP_HDR_ROOM;
	rx->copied = min_t(size_t, rx->len, cap);
	return true;
}

/**
 * cop_rx_measure - describe a datagram, whatever it is
 *
 * Arguments as for cop_rx_measure_plain().
 */
void cop_rx_measure(struct cop_rx *rx, const void *head, size_t n, size_t cap);

/**
 * cop_encap_settle - part header from payload where the kernel has already put
 *		      them into one array of iovecs
 * @msg: the message that the payload belongs in; msg_flags is written
 * @hdr: the first COP_HDR_ROOM bytes, aligned to 4
 * @tail: the COP_HDR_OPTIONS bytes behind the program's own iovecs
 * @n: length of the datagram, all of it
 * @cap: bytes in @msg's iovecs
 * @rx: describes the datagram
 */
void cop_encap_settle(struct msghdr *msg, const void *hdr, const void *tail,
		      size_t n, size_t cap, struct cop_rx *rx);

#endif /* COP_WIRE_RECV_H */
