/* SPDX-License-Identifier: MIT */
/*
 * rx_short.h - the short way in, for a small buffer: one function without a call but
 * libc's, compiled into each call of the interpose room. See tx_short.h.
 */
#ifndef COP_RX_SHORT_H
#define COP_RX_SHORT_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "datagram/proto.h"
#include "datagram/rx.h"
#include "filter/filter.h"
#include "flow/arrivals.h"
#include "flow/flow.h"
#include "lib/atomic.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

/* A datagram as libc's recvfrom() has brought it. */
struct cop_rx_short {
	const unsigned char *wire;
	size_t n; /* its length in bytes, all of it */
	const struct sockaddr_storage *from; /* NULL: the sender is the peer */
	socklen_t fromlen;
	uint64_t begin; /* of the call, for struct cop_wait */
	uint16_t gen;	/* cop_flows.gen ahead of the receive */
};

/*
 * The rest of a receive for what is not the plain datagram: a stray, a header with
 * options, a receive that looks only.
 */
ssize_t cop_recvfrom_odd(struct sock *sk, int fd, struct cop_rx_short in,
			 void *buf, size_t len, int flags, void *name,
			 socklen_t *namelen);

/* The same, once @rx describes what came: in.gen does not count. */
ssize_t cop_recvfrom_rest(struct sock *sk, int fd, struct cop_rx_short in,
			  struct cop_rx *rx, void *buf, size_t len, int flags,
			  void *name, socklen_t *namelen);

/*
 * A NAT on the way rewrites UDP's ports, but not the ports in the header. A sock whose
 * port is not confirmed does not know its own. One branch costs less than two.
 */
static inline bool cop_rx_ports_differ(struct sock *sk,
				       const struct cop_peer *from,
				       const struct cop_rx *rx)
{
	const __be16 sport = READ_ONCE(inet_sk(sk)->inet_sport);

	return unlikely((rx->hdr.dest ^ sport) |
			(cop_peer_is_known(from)
				 ? from->end.port ^ rx->hdr.source
				 : 0)) &&
	       (sport ||
		(cop_peer_is_known(from) && from->end.port != rx->hdr.source));
}

static inline void cop_rx_tell_flow(struct sock *sk,
				    const struct cop_wire *wire,
				    const bool is_cop,
				    const struct cop_peer *from,
				    const struct cop_rx *rx, const bool alone)
{
	struct cop_arrival arrival = {
		.now = rx->now,
		.seq = rx->hdr.seq,
		.tstamp = rx->hdr.tstamp,
		.len = rx->len,
		.lacks = is_cop ? 0 : cop_wire_lacks(wire),
		.narrow = is_cop ? 0 : cop_wire_narrow(wire),
		.first = rx->hdr.first,
	};

	cop_flow_arrived_as(&cop_sk(sk)->flows, from, &arrival, rx->serial,
			    alone);
}

/* cop_rx_account_from() for a caller that has asked one_thread() already. */
static inline void cop_rx_account_as(struct sock *sk,
				     const struct cop_wire *wire,
				     const bool is_cop,
				     const struct cop_peer *from,
				     const struct cop_rx *rx, const bool alone)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	if (unlikely(rx->gen != READ_ONCE(cop_sk(sk)->flows.gen)))
		return;
	u32_count(&count->rx_datagrams, 1, alone);
	u64_count(&count->rx_bytes, rx->copied, alone);
	if (unlikely(rx->copied < rx->len))
		u32_add(&count->rx_truncated, 1);
	if ((is_cop || wire->has & COP_HAS_PORTS) &&
	    unlikely(cop_rx_ports_differ(sk, from, rx)))
		u32_add(&count->port_mismatch, 1);
	if (likely(cop_peer_is_known(from)))
		cop_rx_tell_flow(sk, wire, is_cop, from, rx, alone);
}

/*
 * cop_rx_account() for a sender, who may be unknown. @is_cop is a constant, as in
 * cop_sendto_wire().
 */
static inline void cop_rx_account_from(struct sock *sk,
				       const struct cop_wire *wire,
				       const bool is_cop,
				       const struct cop_peer *from,
				       const struct cop_rx *rx)
{
	if (likely(one_thread()))
		cop_rx_account_as(sk, wire, is_cop, from, rx, true);
	else
		cop_rx_account_as(sk, wire, is_cop, from, rx, false);
}

/* The sender, or nobody. @from is NULL where it is the sock's peer. */
static inline struct cop_peer cop_rx_sender(const struct sock *sk,
					    const void *from, socklen_t fromlen)
{
	return from ? cop_peer_of(from, fromlen) : cop_slot_peer(&sk->sk_daddr);
}

/* The length that a receive returns. What is behind the datagram may be a stray. */
static inline ssize_t cop_rx_result(struct sock *sk, int fd, int flags,
				    const struct cop_rx *rx)
{
	if (unlikely(cop_head_unclean(sk)))
		cop_poll(sk, fd);
	return cop_rx_length(rx, flags);
}

/* The caller has checked that both can be written to. */
static inline void cop_rx_put_name(void *name, socklen_t *namelen,
				   const struct sockaddr_storage *from,
				   socklen_t fromlen)
{
	const socklen_t size = sizeof(struct sockaddr_in);

	if (!name)
		return;
	if (likely(fromlen == size && *namelen >= size))
		memcpy(name, from, size);
	else
		memcpy(name, from, min_t(socklen_t, *namelen, fromlen));
	*namelen = fromlen;
}

/* The flags of receives that don't take the short way. */
#define COP_RX_LONG \
	(MSG_ERRQUEUE | MSG_PEEK | MSG_TRUNC | COP_MSG_FILE | MSG_CMSG_COMPAT)

/**
 * cop_rx_is_short - whether a receive can take the short way
 * @sk: the receiver
 * @buf: where the payload is put
 * @len: room there in bytes
 * @flags: MSG_*
 * @name: where the sender's address is put, or NULL
 * @namelen: room there in bytes, and then its length
 *
 * True for a small buffer and an address in memory that can be written, on a sock with
 * COP's header whose queue can't hold strays from before the filter. What is false is
 * decided by recvfrom() of the transport.
 */
static inline bool cop_rx_is_short(const struct sock *sk, const void *buf,
				   size_t len, int flags, const void *name,
				   const socklen_t *namelen)
{
	const uint32_t sk_flags = READ_ONCE(sk->sk_flags);

	return (sk_flags & (SOCK_SHORT | SOCK_RCVTIMEO)) == SOCK_SHORT &&
	       !is_head_unclean(sk_flags) && len <= COP_COPY_MAX &&
	       !(flags & COP_RX_LONG) &&
	       cop_page_seen(&cop_writable_pages, buf, 1) &&
	       (!name ||
		(cop_page_seen(&cop_writable_pages, namelen,
			       sizeof(*namelen)) &&
		 *namelen - 1 < sizeof(struct sockaddr_storage) &&
		 cop_page_seen(&cop_writable_pages, name, *namelen))) &&
	       !READ_ONCE(cop_sk(sk)->soft_err);
}

/* Returns false for a datagram that is for cop_recvfrom_odd(). */
static inline bool cop_rx_measure_short(const struct cop_wire *hdr,
					const bool is_cop, struct cop_rx *rx,
					const void *wire, size_t n, size_t cap)
{
	if (is_cop) {
		if (unlikely(
			    !cop_rx_measure_plain(&cop_wire, rx, wire, n, cap)))
			return false;
		rx->hdr = cop_hdr_read(wire);
		return true;
	}
	rx->stray = cop_wire_check(hdr, wire, n, &rx->hdr);
	rx->len = n - rx->hdr.len;
	rx->copied = min_t(size_t, rx->len, cap);
	return rx->stray == COP_NO_STRAY;
}

/**
 * cop_recvfrom_wire - receive a datagram, and copy its payload to the program
 * @sk: the receiver
 * @hdr: its header
 * @is_cop: whether that is COP's: a constant
 * @begin: when the call began, as in struct cop_wait
 *
 * The other arguments are those of the call, and were checked. Returns as recvfrom()
 * does, or -errno; COP_RX_STALE may be set. One system call, unless a stray comes, and
 * a cancellation point.
 */
static inline ssize_t cop_recvfrom_wire(struct sock *sk,
					const struct cop_wire *hdr,
					const bool is_cop, int fd, void *buf,
					size_t len, int flags, void *name,
					socklen_t *namelen, uint64_t begin)
{
	unsigned char wire[COP_HDR_MAX + COP_COPY_MAX]
		__attribute__((aligned(4)));
	const bool known = !name && READ_ONCE(sk->sk_flags) & SOCK_PEER_ONLY;
	struct sockaddr_storage from;
	socklen_t fromlen = sizeof(from);
	struct cop_peer peer;
	struct cop_rx rx = { .serial = cop_rx_serial,
			     .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	ssize_t n = cop_libc.recvfrom(fd, wire, COP_HDR_MAX + len,
				      flags | MSG_TRUNC,
				      known ? NULL : (struct sockaddr *)&from,
				      known ? NULL : &fromlen);

	if (unlikely(n < 0))
		return -errno;
	if (unlikely(flags & MSG_PEEK ||
		     !cop_rx_measure_short(hdr, is_cop, &rx, wire, n, len)))
		return cop_recvfrom_odd(
			sk, fd,
			(struct cop_rx_short){ wire, n, known ? NULL : &from,
					       fromlen, begin, rx.gen },
			buf, len, flags, name, namelen);
	if (unlikely(is_cop ? copy_to_seen(buf, wire + n - rx.len, rx.copied)
			    : copy_to_user(buf, wire + n - rx.len, rx.copied)))
		return -EFAULT;
	cop_rx_put_name(name, namelen, &from, fromlen);
	rx.now = cop_clock_us();
	if (is_cop)
		rx.hdr = cop_hdr_read(wire);
	peer = cop_rx_sender(sk, known ? NULL : &from, fromlen);
	cop_rx_account_from(sk, hdr, is_cop, &peer, &rx);
	return cop_rx_result(sk, fd, flags, &rx);
}

/* cop_recvfrom_wire() with COP's header, for what cop_rx_is_short() is true of. */
static inline ssize_t cop_recvfrom_short(struct sock *sk, int fd, void *buf,
					 size_t len, int flags, void *name,
					 socklen_t *namelen)
{
	return cop_recvfrom_wire(sk, &cop_wire, true, fd, buf, len,
				 flags & ~COP_RX_LONG, name, namelen, 0);
}

/* Whether a message has room for the sender's address. Without it, the sender is known. */
static inline bool cop_rx_msg_has_room(const struct sock *sk,
				       const struct msghdr *msg)
{
	if (!msg->msg_name)
		return READ_ONCE(sk->sk_flags) & SOCK_PEER_ONLY;
	return msg->msg_namelen >= cop_addr_size(sk->sk_family) &&
	       msg->msg_namelen <= sizeof(struct sockaddr_storage);
}

/**
 * cop_rx_msg_is_short - whether a message can take the short way in
 * @sk: the receiver
 * @msg: a copy of the program's message, which has one buffer
 * @flags: MSG_*
 *
 * True on a sock as in cop_rx_is_short(), if cop_rx_msg_has_room().
 */
static inline bool cop_rx_msg_is_short(const struct sock *sk,
				       const struct msghdr *msg, int flags)
{
	const uint32_t sk_flags = READ_ONCE(sk->sk_flags);

	return (sk_flags & (SOCK_SHORT | SOCK_RCVTIMEO)) == SOCK_SHORT &&
	       !is_head_unclean(sk_flags) && cop_rx_msg_has_room(sk, msg) &&
	       !(flags & COP_RX_LONG) && !READ_ONCE(cop_sk(sk)->soft_err) &&
	       !unlikely(cop_env.debug);
}

/*
 * The rest of cop_recvmsg_short() for what is not the plain datagram. @msg is as the
 * kernel has left it, with the program's iovecs, and @asked as it was before.
 */
ssize_t cop_recvmsg_odd(struct sock *sk, int fd, struct msghdr *msg,
			const struct msghdr *asked, int flags, const void *head,
			size_t n, uint16_t gen);

/**
 * cop_recvmsg_short - receive a message by recvmsg(), past header and options
 * @sk: the receiver
 * @fd: its descriptor
 * @msg: the program's message, of which cop_rx_msg_is_short() is true; changed as
 *	recvmsg() does
 * @flags: MSG_*
 *
 * Returns as cop_recvfrom_wire() does.
 */
static inline ssize_t cop_recvmsg_short(struct sock *sk, int fd,
					struct msghdr *msg, int flags)
{
	unsigned char head[COP_HDR_MAX] __attribute__((aligned(4)));
	const struct msghdr asked = *msg;
	struct iovec iov[3] = { cop_wire_head(&cop_wire, head), *msg->msg_iov,
				cop_wire_tail(&cop_wire, head) };
	struct cop_rx rx = { .serial = cop_rx_serial,
			     .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	struct cop_peer peer;
	ssize_t n;

	msg->msg_iov = iov;
	msg->msg_iovlen = 3;
	n = cop_libc.recvmsg(fd, msg, flags | MSG_TRUNC);
	msg->msg_iov = asked.msg_iov;
	msg->msg_iovlen = 1;
	if (unlikely(n < 0))
		return -errno;
	if (unlikely(!cop_rx_measure_plain(&cop_wire, &rx, head, n,
					   iov[1].iov_len)))
		return cop_recvmsg_odd(sk, fd, msg, &asked, flags, head, n,
				       rx.gen);
	rx.hdr = cop_hdr_read(head);
	cop_rx_msg_flags(msg, &rx);
	rx.now = cop_clock_us();
	peer = cop_rx_sender(sk, asked.msg_name, msg->msg_namelen);
	cop_rx_account_from(sk, &cop_wire, true, &peer, &rx);
	return cop_rx_result(sk, fd, flags & ~COP_RX_LONG, &rx);
}

#endif /* COP_RX_SHORT_H */
