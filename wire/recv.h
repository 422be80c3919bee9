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

struct sock;

/* A datagram that a receive has brought. */
struct cop_rx {
	struct cop_hdr_info hdr; /* only if the datagram is not a stray */
	enum cop_stray stray;	 /* COP_NO_STRAY, or why it is a stray */
	size_t len;    /* bytes of payload, all of it; of a stray: bytes of
			       * the datagram */
	size_t copied; /* bytes of it that the iovecs got */
	uint64_t now;  /* cop_clock_us() behind the receive; not for a stray */
	uint32_t serial; /* cop_rx_serial ahead of the receive */
	uint16_t gen;	 /* cop_flows.gen ahead of the receive */
	bool fault;  /* the iovecs have no room to write the whole stray to */
	bool joined; /* several datagrams, which are counted already */
};

/* The arguments of cop_encap_recv(), for cop_buffer_use(). */
struct cop_recv_args {
	struct sock *sk;
	int fd;
	struct msghdr *msg;
	int flags;
	size_t cap;
	struct cop_rx *rx;
};

/* The kernel has set MSG_TRUNC by our iovecs, but the program's iovecs count. */
static inline void cop_rx_msg_flags(struct msghdr *msg, const struct cop_rx *rx)
{
	msg->msg_flags &= ~MSG_TRUNC;
	if (unlikely(rx->copied < rx->len))
		msg->msg_flags |= MSG_TRUNC;
}

/**
 * cop_encap_recv - receive one UDP datagram and part header from payload
 * @sk: the receiver
 * @fd: the kernel socket
 * @msg: where to; name, control and flags are written as recvmsg() does
 * @flags: MSG_*, without MSG_ERRQUEUE
 * @cap: what cop_iov_length() returned
 * @rx: describes the datagram
 *
 * Returns 0 or -errno. On -EFAULT the datagram is gone, as with the kernel. A stray
 * is put in the iovecs whole. One system call, and a cancellation point.
 */
int cop_encap_recv(struct sock *sk, int fd, struct msghdr *msg, int flags,
		   size_t cap, struct cop_rx *rx);

/**
 * cop_recv_wire - receive one UDP datagram as it came
 * @fd: the kernel socket
 * @msg: name, control and flags are written as recvmsg() does
 * @iov: where the datagram is put
 * @iovlen: how many of these
 * @flags: as for cop_encap_recv()
 *
 * Returns the length of the datagram, even if there is less room; in a confined process
 * that reads by readv(), of what was read. Or -errno.
 */
ssize_t cop_recv_wire(int fd, struct msghdr *msg, struct iovec *iov,
		      size_t iovlen, int flags);

/**
 * cop_rx_measure_plain - describe a datagram with COP's own header without options
 * @wire: the header that it should have
 * @rx: where to note it
 * @head: its first bytes, up to @wire->hlen of them, aligned to 4
 * @n: its length, all of it
 * @cap: bytes of room for the payload
 *
 * Returns false, with @rx as it was, for every other datagram. @rx->hdr is left to the
 * caller, who has cop_hdr_read().
 */
static inline bool cop_rx_measure_plain(const struct cop_wire *wire,
					struct cop_rx *rx, const void *head,
					size_t n, size_t cap)
{
	const ssize_t len = wire == &cop_wire ? cop_hdr_plain(head, n) : -1;

	if (len < 0)
		return false;
	rx->stray = COP_NO_STRAY;
	rx->len = len;
	rx->copied = min_t(size_t, rx->len, cap);
	return true;
}

/**
 * cop_rx_measure - describe a datagram, whatever it is
 *
 * Arguments as for cop_rx_measure_plain().
 */
void cop_rx_measure(const struct cop_wire *wire, struct cop_rx *rx,
		    const void *head, size_t n, size_t cap);

/**
 * cop_encap_settle - part header from payload where the kernel has already put
 *		      them into one array of iovecs
 * @wire: the transport's header
 * @msg: the message that the payload belongs in; msg_flags is written. Its iovecs are a
 *	copy, and behind them is cop_wire_tail(), or there is room for any datagram
 * @head: the first @wire->hlen bytes, aligned to 4; behind them the bytes that options
 *	pushed beyond the program's own iovecs: cop_wire_tail()
 * @n: length of the datagram, all of it
 * @cap: bytes in @msg's iovecs, without cop_wire_tail()
 * @rx: describes the datagram
 */
void cop_encap_settle(const struct cop_wire *wire, struct msghdr *msg,
		      const void *head, size_t n, size_t cap,
		      struct cop_rx *rx);

/**
 * cop_encap_stray - cop_encap_settle() for what the caller knows to be a stray
 * @why: the reason
 *
 * Datagrams that are joined may look like one with a header although each is too short.
 */
void cop_encap_stray(const struct cop_wire *wire, struct msghdr *msg,
		     const void *head, size_t n, size_t cap, enum cop_stray why,
		     struct cop_rx *rx);

/**
 * cop_wire_head, cop_wire_tail - the iovecs of ours around the program's own
 * @wire: the transport's header
 * @head: COP_HDR_MAX bytes, aligned to 4
 *
 * The first is for the header, ahead of the program's iovecs. The second is for the end
 * of a long payload, which options push beyond them.
 */
static inline struct iovec cop_wire_head(const struct cop_wire *wire,
					 void *head)
{
	return (struct iovec){ head, wire->hlen };
}

static inline struct iovec cop_wire_tail(const struct cop_wire *wire,
					 void *head)
{
	return (struct iovec){ (char *)head + wire->hlen,
			       wire->hlen_max - wire->hlen };
}

#endif /* COP_WIRE_RECV_H */
