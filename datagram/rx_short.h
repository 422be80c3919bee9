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
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

/* A datagram as libc's recvfrom() has brought it. */
struct cop_rx_short {
	const unsigned char *wire;
	ssize_t n; /* its length in bytes, all of it; less than 0: errno says why
		    * there is none */
	const struct sockaddr_storage *from; /* NULL: the sender is the peer */
	uint64_t begin;	 /* of the call, for struct cop_wait */
	uint32_t serial; /* cop_rx_serial ahead of the receive */
	socklen_t fromlen;
	uint16_t gen; /* cop_flows.gen ahead of the receive */
};

/* The arguments of a receive, kept in memory during the call: see struct cop_send. */
struct cop_recv {
	void *buf;
	size_t len; /* room there in bytes */
	void *name; /* room for the sender's address, or NULL */
	socklen_t *namelen;
	struct socket *slot;
	int fd;
	int flags; /* MSG_* */
	int saved; /* errno before the call */
};

/* Finish a receive that has met a stray or a header with options, or is a look. */
ssize_t cop_recvfrom_odd(struct sock *sk, const struct cop_rx_short *in,
			 const struct cop_recv *call);

/* The same, once @rx describes what came: in->serial and in->gen do not count. */
ssize_t cop_recvfrom_rest(struct sock *sk, const struct cop_rx_short *in,
			  struct cop_rx *rx, const struct cop_recv *call);

/*
 * A NAT on the way rewrites UDP's ports, but not the ports in the header. A sock whose
 * port is not confirmed does not know its own. One branch costs less than two.
 */
static inline bool cop_rx_ports_differ(struct sock *sk,
				       const struct cop_peer *from,
				       const struct cop_hdr_info *hdr)
{
	const __be16 sport = READ_ONCE(inet_sk(sk)->inet_sport);

	return unlikely((hdr->dest ^ sport) |
			(cop_peer_is_known(from) ? from->end.port ^ hdr->source
						 : 0)) &&
	       (sport ||
		(cop_peer_is_known(from) && from->end.port != hdr->source));
}

static inline void
cop_rx_tell_flow(struct sock *sk, const struct cop_wire *wire,
		 const bool is_cop, const struct cop_peer *from,
		 const struct cop_rx *rx, const struct cop_hdr_info *hdr,
		 const bool alone)
{
	struct cop_arrival arrival;

	arrival.now = rx->now;
	arrival.seq = hdr->seq;
	arrival.tstamp = hdr->tstamp;
	arrival.len = rx->len;
	arrival.lacks = is_cop ? 0 : cop_wire_lacks(wire);
	arrival.narrow = is_cop ? 0 : cop_wire_narrow(wire);
	arrival.first = hdr->first;
	cop_flow_arrived_as(&cop_sk(sk)->flows, from, &arrival, rx->serial,
			    alone);
}

/* cop_rx_account_from() for a caller that has asked one_thread() already. */
static inline void
cop_rx_account_as(struct sock *sk, const struct cop_wire *wire,
		  const bool is_cop, const struct cop_peer *from,
		  const struct cop_rx *rx, const struct cop_hdr_info *hdr,
		  const bool alone)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	if (unlikely(rx->gen != READ_ONCE(cop_sk(sk)->flows.gen))) {
		/* cop_rx_account_next() has left the lock without this. */
		cop_flow_unlock_slow(&cop_sk(sk)->flows);
		return;
	}
	u32_count(&count->rx_datagrams, 1, alone);
	u64_count(&count->rx_bytes, rx->copied, alone);
	if (unlikely(rx->copied < rx->len))
		u32_add(&count->rx_truncated, 1);
	if ((is_cop || wire->has & COP_HAS_PORTS) &&
	    unlikely(cop_rx_ports_differ(sk, from, hdr)))
		u32_add(&count->port_mismatch, 1);
	if (likely(cop_peer_is_known(from)))
		cop_rx_tell_flow(sk, wire, is_cop, from, rx, hdr, alone);
}

/*
 * cop_rx_account() for a sender, who may be unknown, and for @hdr, which @rx need not
 * have. @is_cop is a constant: whether @wire is COP's.
 */
static inline void
cop_rx_account_from(struct sock *sk, const struct cop_wire *wire,
		    const bool is_cop, const struct cop_peer *from,
		    const struct cop_rx *rx, const struct cop_hdr_info *hdr)
{
	if (likely(one_thread()))
		cop_rx_account_as(sk, wire, is_cop, from, rx, hdr, true);
	else
		cop_rx_account_as(sk, wire, is_cop, from, rx, hdr, false);
}

/* The sender, or nobody. @from is NULL where it is the sock's peer. */
static inline struct cop_peer cop_rx_sender(const struct sock *sk,
					    const void *from, socklen_t fromlen)
{
	return from ? cop_peer_of(from, fromlen) : cop_slot_peer(&sk->sk_daddr);
}

/*
 * Returns 0 for nearly every datagram: it is not the first one of its flow, its ports are
 * those of @peer and of the sock, and the sock still has the owner that @gen stands for.
 * afresh(): the compiler takes one difference after the other, in few registers.
 */
static inline uint32_t cop_rx_odd(const struct sock *sk, uint16_t gen,
				  const struct cop_peer *peer,
				  const struct cophdr *hdr)
{
	const __be16 ports[2] = { peer->end.port,
				  READ_ALONE(inet_sk(sk)->inet_sport) };
	uint32_t odd, expected;

	memcpy(&odd, &hdr->source, sizeof(odd));
	memcpy(&expected, ports, sizeof(expected));
	odd = afresh((odd ^ expected) | hdr->flags);
	return odd | (gen ^ READ_ALONE(cop_sk(sk)->flows.gen));
}

/*
 * Count the next datagram of the last sender, an IPv4 one, in a thread that is alone. One
 * branch asks for everything that may be different. If something is, nothing is counted,
 * and false is returned.
 */
static inline bool cop_rx_account_next(struct sock *sk, const void *from,
				       socklen_t fromlen,
				       const struct cophdr *hdr, uint16_t gen,
				       uint64_t now, size_t len)
{
	struct cop_peer peer = { .word = COP_WORD_NONE };
	struct cop_sock *cop = cop_sk(sk);
	struct cop_arrival arrival;
	uint32_t odd;

	if (unlikely(from ? !cop_peer_of_in_only(from, fromlen, &peer)
			  : !cop_slot_peer_in(&sk->sk_daddr, &peer)) ||
	    unlikely(!cop_flow_lock_free(&cop->flows, true)))
		return false;
	odd = cop_rx_odd(sk, gen, &peer, hdr);
	arrival = (struct cop_arrival){ .now = now,
					.seq = ntohl(hdr->seq),
					.tstamp = ntohl(hdr->tstamp),
					.len = len };
	if (unlikely(!cop_flow_is_next(&cop->flows, peer.word, &arrival, odd,
				       true))) {
		cop_flow_leave(&cop->flows);
		return false;
	}
	/* Right behind the look at the owner: a handler may close the socket. */
	u32_count(&cop->count.rx_datagrams, 1, true);
	u64_count(&cop->count.rx_bytes, len, true);
	cop_flow_take_next(&cop->flows, &arrival, true);
	cop_rx_serial_next();
	cop_flow_unlock_alone(&cop->flows);
	return true;
}

/* cop_rx_account_plain() for every datagram. */
void cop_rx_account_any(struct sock *sk, const struct cop_rx_short *in,
			size_t len, size_t copied, uint64_t now);

/*
 * Count a datagram with COP's header, of which the program got @copied of @len bytes at
 * @now. @from and @hdr are @in's, for the compiler to know where they lie.
 */
static inline void cop_rx_account_plain(struct sock *sk,
					const struct cop_rx_short *in,
					const void *from, const void *hdr,
					size_t len, size_t copied, uint64_t now)
{
	if (unlikely(!one_thread()) || unlikely(copied < len) ||
	    unlikely(!cop_rx_account_next(sk, from, in->fromlen, hdr, in->gen,
					  now, len)))
		cop_rx_account_any(sk, in, len, copied, now);
}

/* What is behind a datagram that was received may be a stray. */
static inline void cop_rx_clean(struct sock *sk, int fd)
{
	if (unlikely(cop_head_unclean(sk)))
		cop_poll(sk, fd);
}

/* cop_rx_put_name() for an address that is not IPv4's. */
int cop_rx_put_any_name(void *name, socklen_t *namelen,
			const struct sockaddr_storage *from, socklen_t fromlen);

/*
 * name_export() for a caller that has checked that both can be written to, with room for an
 * address of IPv4. What @namelen says now may be another room than was checked: the payload
 * may lie over it, or another thread has changed it.
 */
static inline int cop_rx_put_name(void *name, socklen_t *namelen,
				  const struct sockaddr_storage *from,
				  socklen_t fromlen)
{
	if (unlikely(fromlen != sizeof(struct sockaddr_in)))
		return cop_rx_put_any_name(name, namelen, from, fromlen);
	memcpy(name, from, sizeof(struct sockaddr_in));
	*namelen = sizeof(struct sockaddr_in);
	return 0;
}

/* The flags of receives that don't take the short way. */
#define COP_RX_LONG \
	(MSG_ERRQUEUE | MSG_PEEK | MSG_TRUNC | COP_MSG_FILE | MSG_CMSG_COMPAT)

/* Whether a sock and MSG_* are such that a receive can take the short way. */
static inline bool cop_rx_may_be_short(const struct sock *sk, int flags)
{
	const uint32_t looks_at = SOCK_SHORT | SOCK_SOFT_ERROR | SOCK_RCVTIMEO |
				  SOCK_HEAD_UNCLEAN | SOCK_GRO;
	const uint32_t is = READ_ONCE(sk->sk_flags) & looks_at;

	/* One branch costs less than two. */
	return !((is ^ SOCK_SHORT) | (flags & COP_RX_LONG));
}

/*
 * Whether there is room for a name in memory that can be written. @name is mostly on the
 * page of @namelen, so that page is looked up once.
 */
static inline bool cop_rx_name_fits(const void *name, const socklen_t *namelen)
{
	const size_t longest = sizeof(struct sockaddr_storage);
	const uintptr_t at = (uintptr_t)namelen;
	const uintptr_t page =
		READ_ONCE(*cop_page_slot(&cop_writable_pages, at));

	if (unlikely(at - page > COP_PAGE_SIZE - sizeof(*namelen)) ||
	    unlikely(!cop_name_fits(*namelen)))
		return false;
	return likely((uintptr_t)name - page <= COP_PAGE_SIZE - longest) ||
	       cop_page_seen(&cop_writable_pages, name, *namelen);
}

/**
 * cop_rx_is_short - whether a receive can take the short way
 * @sk: the receiver
 * @buf: where the payload is put
 * @len: room there in bytes
 * @flags: MSG_*
 *
 * True for a small buffer in memory that can be written, on a sock with COP's header whose
 * queue can't hold strays from before the filter. For a call that asks for the sender's
 * address, cop_rx_name_fits() has to be true, too. What is false is decided by recvfrom()
 * of the transport.
 */
static inline bool cop_rx_is_short(const struct sock *sk, const void *buf,
				   size_t len, int flags)
{
	return cop_rx_may_be_short(sk, flags) && len <= COP_COPY_MAX &&
	       cop_page_seen(&cop_writable_pages, buf, 1);
}

/**
 * cop_recvfrom_short - receive a datagram, and copy its payload to the program
 * @sk: the receiver
 * @call: the arguments, of which cop_rx_is_short() is true
 * @named: whether there is room for the sender's address: a constant
 *
 * Returns as recvfrom() does, or -errno; COP_RX_STALE may be set. One system call, unless a
 * stray comes, and a cancellation point.
 */
static inline ssize_t cop_recvfrom_short(struct sock *sk, struct cop_recv *call,
					 const bool named)
{
	unsigned char wire[COP_HDR_MAX + COP_COPY_MAX]
		__attribute__((aligned(4)));
	const bool known = !named && READ_ONCE(sk->sk_flags) & SOCK_PEER_ONLY;
	struct sockaddr_storage from;
	struct cop_rx_short in;
	ssize_t n;
	size_t len;

	in.wire = wire;
	in.from = known ? NULL : (void *)&from;
	in.fromlen = sizeof(from);
	in.serial = cop_rx_serial;
	in.gen = READ_ONCE(cop_sk(sk)->flows.gen);
	in_memory(in);
	n = cop_libc.recvfrom(call->fd, (void *)in.wire,
			      COP_HDR_MAX + call->len, call->flags | MSG_TRUNC,
			      known ? NULL : (struct sockaddr *)in.from,
			      known ? NULL : &in.fromlen);
	in_memory(*call);
	len = n - COP_HLEN;
	/* Less than a header is more than any room. */
	if (unlikely(len > call->len) || unlikely(!cop_hdr_is_plain(wire))) {
		in.n = n;
		in.begin = 0;
		return cop_recvfrom_odd(sk, &in, call);
	}
	promise(len <= COP_COPY_MAX);
	if (unlikely(copy_to_seen(call->buf, wire + COP_HLEN, len)))
		return -EFAULT;
	if (named && unlikely(cop_rx_put_name(call->name, call->namelen, &from,
					      in.fromlen)))
		return -EFAULT;
	cop_rx_account_plain(sk, &in, known ? NULL : &from, wire, len, len,
			     cop_clock_us());
	if (unlikely(cop_head_unclean(sk)))
		cop_poll(sk, call->fd);
	return len;
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
	return cop_rx_may_be_short(sk, flags) && cop_rx_msg_has_room(sk, msg) &&
	       !unlikely(cop_env.debug);
}

/*
 * The rest of cop_recvmsg_short() for what is not the plain datagram. @msg is as the
 * kernel has left it, with a copy of the program's iovec and cop_wire_tail() behind it, and
 * @asked as it was before.
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
 * Returns as cop_recvfrom_short() does.
 */
static inline ssize_t cop_recvmsg_short(struct sock *sk, int fd,
					struct msghdr *msg, int flags)
{
	unsigned char head[COP_HDR_MAX] __attribute__((aligned(4)));
	const struct msghdr asked = *msg;
	struct iovec iov[3] = { cop_wire_head(&cop_wire, head), *msg->msg_iov,
				cop_wire_tail(&cop_wire, head) };
	struct cop_rx_short in;
	struct cop_rx rx;
	ssize_t n;

	in.wire = head;
	in.from = asked.msg_name;
	in.serial = cop_rx_serial;
	in.gen = READ_ONCE(cop_sk(sk)->flows.gen);
	in_memory(in);
	msg->msg_iov = iov;
	msg->msg_iovlen = 3;
	n = cop_libc.recvmsg(fd, msg, flags | MSG_TRUNC);
	msg->msg_iov = asked.msg_iov;
	msg->msg_iovlen = 1;
	if (unlikely(n < 0))
		return -errno;
	if (unlikely(!cop_rx_measure_plain(&cop_wire, &rx, head, n,
					   iov[1].iov_len))) {
		msg->msg_iov = iov + 1;
		n = cop_recvmsg_odd(sk, fd, msg, &asked, flags, head, n,
				    in.gen);
		msg->msg_iov = asked.msg_iov;
		return n;
	}
	cop_rx_msg_flags(msg, &rx);
	in.fromlen = msg->msg_namelen;
	cop_rx_account_plain(sk, &in, asked.msg_name, head, rx.len, rx.copied,
			     cop_clock_us());
	cop_rx_clean(sk, fd);
	return rx.copied;
}

#endif /* COP_RX_SHORT_H */
