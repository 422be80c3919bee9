// SPDX-License-Identifier: MIT
/*
 * datagram/rx.c - one datagram in.
 *
 * Owns: the counters of what was received. Protected by: atomic accesses. A receive
 * may block or be cancelled, so it takes no reference: the sock's memory is
 * type-stable. Counterpart in the kernel: udp_recvmsg() in net/ipv4/udp.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "datagram/copied.h"
#include "datagram/proto.h"
#include "datagram/rx.h"
#include "datagram/soft_error.h"
#include "datagram/strays.h"
#include "datagram/wait.h"
#include "filter/filter.h"
#include "flow/flow.h"
#include "lib/atomic.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

/* A NAT on the way rewrites UDP's ports, but not the ports in the header. */
static bool ports_differ(struct sock *sk, const struct cop_peer *from,
			 const struct cop_rx *rx)
{
	if (rx->hdr.dest != READ_ONCE(inet_sk(sk)->inet_sport) &&
	    READ_ONCE(inet_sk(sk)->inet_sport))
		return true;
	return from && from->end.port != rx->hdr.source;
}

static void tell_flow(struct sock *sk, const struct cop_wire *wire,
		      const bool is_cop, const struct cop_peer *from,
		      const struct cop_rx *rx)
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

	cop_flow_arrived(&cop_sk(sk)->flows, from, &arrival, rx->serial);
}

/* @from is NULL for a datagram without a sender. @is_cop is a constant. */
static void account_from(struct sock *sk, const struct cop_wire *wire,
			 const bool is_cop, const struct cop_peer *from,
			 const struct cop_rx *rx)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	if (unlikely(rx->gen != READ_ONCE(cop_sk(sk)->flows.gen)))
		return;
	u32_add(&count->rx_datagrams, 1);
	u64_add(&count->rx_bytes, rx->copied);
	if (unlikely(rx->copied < rx->len))
		u32_add(&count->rx_truncated, 1);
	if ((is_cop || wire->has & COP_HAS_PORTS) &&
	    unlikely(ports_differ(sk, from, rx)))
		u32_add(&count->port_mismatch, 1);
	if (likely(from))
		tell_flow(sk, wire, is_cop, from, rx);
}

void cop_rx_account(struct sock *sk, const void *name, socklen_t len,
		    const struct cop_rx *rx)
{
	struct cop_peer peer;

	account_from(sk, sk_wire(sk), false,
		     likely(cop_peer_of(name, len, &peer)) ? &peer : NULL, rx);
}

/* What a receive returns that gives a stray to the program. */
static ssize_t kept_length(const struct cop_rx *rx, int flags,
			   enum cop_stray_fate fate)
{
	return cop_rx_length(rx, flags) |
	       (fate == COP_STRAY_STALE ? COP_RX_STALE : 0);
}

/* The program gets a datagram: count it and return its length. */
static ssize_t rx_done_from(struct sock *sk, const struct cop_wire *wire,
			    const bool is_cop, int fd, int flags,
			    const struct cop_peer *from, struct cop_rx *rx)
{
	if (likely(!(flags & MSG_PEEK))) {
		rx->now = cop_clock_us();
		account_from(sk, wire, is_cop, from, rx);
	}
	if (unlikely(cop_head_unclean(sk)))
		cop_poll(sk, fd);
	return cop_rx_length(rx, flags);
}

static ssize_t rx_done(struct sock *sk, const struct cop_wire *wire,
		       const bool is_cop, int fd, int flags, const void *name,
		       socklen_t len, struct cop_rx *rx)
{
	struct cop_peer peer;
	bool has = cop_peer_of(name, len, &peer);

	return rx_done_from(sk, wire, is_cop, fd, flags,
			    likely(has) ? &peer : NULL, rx);
}

/* The flow's figures need the sender even if the program has no room for its address. */
static noinline ssize_t recvmsg_named(struct sock *sk, int fd,
				      struct msghdr *msg, int flags,
				      struct cop_wait *wait)
{
	struct msghdr named = *msg;
	struct sockaddr_storage from;
	socklen_t room;
	ssize_t n;

	named.msg_name = &from;
	named.msg_namelen = sizeof(from);
	n = cop_recvmsg_until(sk, fd, &named, flags, wait);
	if (n >= 0 && msg->msg_name) {
		room = min_t(socklen_t, msg->msg_namelen, named.msg_namelen);
		msg->msg_namelen = named.msg_namelen;
		if (copy_to_user(msg->msg_name, &from, room))
			return -EFAULT;
	}
	msg->msg_controllen = named.msg_controllen;
	msg->msg_flags = named.msg_flags;
	return n;
}

/*
 * Whether to receive again, behind a stray (*@err is 0) or where another thread was
 * faster during a wait of ours. If not, *@err is the call's result.
 */
static bool recv_again(struct sock *sk, int fd, int flags,
		       struct cop_wait *wait, int *err)
{
	if (*err && (*err != -EAGAIN || !wait->flags))
		return false;
	*err = cop_wait_again(sk, fd, flags, wait);
	return !*err;
}

static int recv_next(struct sock *sk, int fd, struct msghdr *msg, int flags,
		     size_t cap, struct cop_rx *rx)
{
	if (unlikely(cop_env.debug))
		return cop_recv_watched(sk, fd, msg, flags, cap, rx);
	if (unlikely(cop_head_unclean(sk)))
		return cop_recv_unclean(sk, fd, msg, flags, cap, rx);
	return cop_encap_recv(sk, fd, msg, flags, cap, rx);
}

flatten ssize_t cop_recvmsg_until(struct sock *sk, int fd, struct msghdr *msg,
				  int flags, struct cop_wait *wait)
{
	const struct msghdr asked = *msg;
	ssize_t cap = cop_iov_length(fd, msg);
	struct cop_rx rx;
	enum cop_stray_fate fate;
	int err;

	if (unlikely(cap < 0))
		return msg_refuse(fd, cap);
	if (unlikely(flags & MSG_ERRQUEUE))
		return cop_encap_recv_error(sk_wire(sk), fd, msg, flags, cap);
	if (!msg->msg_name || asked.msg_namelen < cop_addr_size(sk->sk_family))
		return recvmsg_named(sk, fd, msg, flags, wait);
	rx.serial = cop_rx_serial;
	rx.gen = READ_ONCE(cop_sk(sk)->flows.gen);
	err = cop_soft_error(sk);
	if (unlikely(err))
		return err;
	for (;;) {
		err = recv_next(sk, fd, msg, flags | wait->flags, cap, &rx);
		if (unlikely(err)) {
			if (recv_again(sk, fd, flags, wait, &err))
				continue;
			return err;
		}
		if (likely(rx.stray == COP_NO_STRAY))
			return rx_done(sk, sk_wire(sk), false, fd, flags,
				       msg->msg_name,
				       min_t(socklen_t, asked.msg_namelen,
					     msg->msg_namelen),
				       &rx);
		fate = cop_stray_fate(sk, fd, flags, msg->msg_name,
				      min_t(socklen_t, asked.msg_namelen,
					    msg->msg_namelen),
				      &rx);
		if (fate != COP_STRAY_DROPPED)
			return rx.fault ? -EFAULT
					: kept_length(&rx, flags, fate);
		if (!recv_again(sk, fd, flags, wait, &err))
			return err;
		*msg = asked;
	}
}

ssize_t cop_recvmsg(struct sock *sk, int fd, struct msghdr *msg, int flags)
{
	struct cop_wait wait = cop_wait_begin(sk);

	return cop_recvmsg_until(sk, fd, msg, flags, &wait);
}

/* The caller has checked that both can be written to. */
static void put_name(void *name, socklen_t *namelen,
		     const struct sockaddr_storage *from, socklen_t fromlen)
{
	if (!name)
		return;
	memcpy(name, from, min_t(socklen_t, *namelen, fromlen));
	*namelen = fromlen;
}

static ssize_t recvfrom_confined(struct sock *sk, int fd, void *buf, size_t len,
				 int flags, void *name, socklen_t *namelen)
{
	struct cop_arrived a;
	int err = cop_soft_error(sk);

	if (!err)
		err = cop_recv_copied(sk, fd, buf, len, flags, &a);
	if (err)
		return err;
	put_name(name, namelen, &a.from, a.fromlen);
	if (a.rx.stray != COP_NO_STRAY)
		return 0;
	if (!(flags & MSG_PEEK)) {
		a.rx.now = cop_clock_us();
		cop_rx_account(sk, &a.from, a.fromlen, &a.rx);
	}
	return cop_rx_length(&a.rx, flags);
}

static noinline ssize_t recvfrom_any(struct sock *sk, int fd, void *buf,
				     size_t len, int flags, void *name,
				     socklen_t *namelen, uint64_t begin)
{
	struct cop_wait wait = { .begin = begin };
	struct iovec iov = { buf, min_t(size_t, len, INT_MAX) };
	struct msghdr msg = { .msg_name = name,
			      .msg_namelen = name ? *namelen : 0,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	ssize_t n;

	if (cop_confined() && !(flags & MSG_ERRQUEUE))
		return recvfrom_confined(sk, fd, buf, iov.iov_len, flags, name,
					 namelen);
	n = cop_recvmsg_until(sk, fd, &msg, flags, &wait);
	if (n >= 0 && name)
		*namelen = msg.msg_namelen;
	return n;
}

/*
 * The rest of a receive for a stray or, on COP, a header with options, in @wire. @from
 * is NULL where the sender is the peer.
 */
static noinline ssize_t recvfrom_odd(struct sock *sk, int fd,
				     const unsigned char *wire, size_t n,
				     void *buf, size_t len, int flags,
				     void *name, socklen_t *namelen,
				     const struct sockaddr_storage *from,
				     socklen_t fromlen, uint64_t begin,
				     uint16_t gen)
{
	struct cop_wait wait = { .begin = begin };
	struct cop_rx rx = { .serial = cop_rx_serial, .gen = gen };
	struct sockaddr_storage peer;
	enum cop_stray_fate fate = COP_STRAY_DROPPED;
	int err;

	cop_rx_measure(sk_wire(sk), &rx, wire, n, len);
	if (rx.stray != COP_NO_STRAY) {
		fate = cop_stray_fate(sk, fd, flags, from, from ? fromlen : 0,
				      &rx);
		if (fate == COP_STRAY_DROPPED) {
			err = cop_wait_again(sk, fd, flags, &wait);
			return err ? err
				   : recvfrom_any(sk, fd, buf, len, flags, name,
						  namelen, wait.begin);
		}
		rx.hdr.len = 0;
	}
	if (copy_to_user(buf, wire + rx.hdr.len, rx.copied))
		return -EFAULT;
	put_name(name, namelen, from, fromlen);
	if (rx.stray != COP_NO_STRAY)
		return kept_length(&rx, flags, fate);
	if (!from)
		fromlen = cop_peer_name(sk, &peer);
	return rx_done(sk, sk_wire(sk), false, fd, flags, from ?: &peer,
		       fromlen, &rx);
}

/* Returns false for a datagram that is for recvfrom_odd(). */
static inline bool measure(const struct cop_wire *hdr, const bool is_cop,
			   struct cop_rx *rx, const void *wire, size_t n,
			   size_t cap)
{
	if (is_cop)
		return cop_rx_measure_plain(&cop_wire, rx, wire, n, cap);
	rx->stray = cop_wire_check(hdr, wire, n, &rx->hdr);
	rx->len = n - rx->hdr.len;
	rx->copied = min_t(size_t, rx->len, cap);
	return rx->stray == COP_NO_STRAY;
}

static inline ssize_t recvfrom_short(struct sock *sk,
				     const struct cop_wire *hdr,
				     const bool is_cop, int fd, void *buf,
				     size_t len, int flags, void *name,
				     socklen_t *namelen)
{
	unsigned char wire[COP_HDR_MAX + COP_COPY_MAX]
		__attribute__((aligned(4)));
	const uint32_t sk_flags = READ_ONCE(sk->sk_flags);
	const bool known = !name && sk_flags & SOCK_PEER_ONLY;
	const uint64_t begin =
		unlikely(sk_flags & SOCK_RCVTIMEO) ? cop_clock_us() : 0;
	struct sockaddr_storage from;
	socklen_t fromlen = sizeof(from);
	struct cop_peer peer;
	struct cop_rx rx = { .serial = cop_rx_serial,
			     .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	ssize_t n;

	if (unlikely(len > COP_COPY_MAX ||
		     flags & (MSG_ERRQUEUE | COP_MSG_FILE) ||
		     READ_ONCE(cop_sk(sk)->soft_err) ||
		     is_head_unclean(sk_flags)))
		return recvfrom_any(sk, fd, buf, len, flags, name, namelen,
				    begin);
	n = cop_libc.recvfrom(fd, wire, COP_HDR_MAX + len, flags | MSG_TRUNC,
			      known ? NULL : (struct sockaddr *)&from,
			      known ? NULL : &fromlen);
	if (unlikely(n < 0))
		return -errno;
	if (unlikely(!measure(hdr, is_cop, &rx, wire, n, len)))
		return recvfrom_odd(sk, fd, wire, n, buf, len, flags, name,
				    namelen, known ? NULL : &from, fromlen,
				    begin, rx.gen);
	if (unlikely(copy_to_user(buf, wire + n - rx.len, rx.copied)))
		return -EFAULT;
	put_name(name, namelen, &from, fromlen);
	if (is_cop)
		rx.hdr = cop_hdr_read(wire);
	if (!known)
		return rx_done(sk, hdr, is_cop, fd, flags, &from, fromlen, &rx);
	cop_slot_peer(&sk->sk_daddr, &peer);
	return rx_done_from(sk, hdr, is_cop, fd, flags, &peer, &rx);
}

/* Compiled twice, as sendto_short() is. */
static noinline flatten ssize_t recvfrom_cop(struct sock *sk, int fd, void *buf,
					     size_t len, int flags, void *name,
					     socklen_t *namelen)
{
	return recvfrom_short(sk, &cop_wire, true, fd, buf, len, flags, name,
			      namelen);
}

static noinline flatten ssize_t recvfrom_other(struct sock *sk, int fd,
					       void *buf, size_t len, int flags,
					       void *name, socklen_t *namelen)
{
	const struct cop_wire *hdr = sk_wire(sk);

	if (unlikely(hdr->decode))
		return recvfrom_any(sk, fd, buf, len, flags, name, namelen,
				    cop_wait_begin(sk).begin);
	return recvfrom_short(sk, hdr, false, fd, buf, len, flags, name,
			      namelen);
}

ssize_t cop_recvfrom(struct sock *sk, int fd, void *buf, size_t len, int flags,
		     void *name, socklen_t *namelen)
{
	if (likely(sk_wire(sk) == &cop_wire))
		return recvfrom_cop(sk, fd, buf, len, flags, name, namelen);
	return recvfrom_other(sk, fd, buf, len, flags, name, namelen);
}
