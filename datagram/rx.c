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
#include "datagram/gro.h"
#include "datagram/proto.h"
#include "datagram/rx.h"
#include "datagram/rx_large.h"
#include "datagram/rx_short.h"
#include "datagram/soft_error.h"
#include "datagram/strays.h"
#include "datagram/wait.h"
#include "filter/filter.h"
#include "flow/arrivals.h"
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

void cop_rx_account(struct sock *sk, const void *name, socklen_t len,
		    const struct cop_rx *rx)
{
	const struct cop_peer peer = cop_peer_of(name, len);

	cop_rx_account_from(sk, sk_wire(sk), false, &peer, rx, &rx->hdr);
}

noinline int cop_rx_put_any_name(void *name, socklen_t *namelen,
				 const struct sockaddr_storage *from,
				 socklen_t fromlen)
{
	if (copy_to_seen(name, from, min_t(socklen_t, *namelen, fromlen)))
		return -EFAULT;
	*namelen = fromlen;
	return 0;
}

/* cop_rx_sender(), which need not hash the address of the last sender. */
static struct cop_peer sender(struct sock *sk, const void *from,
			      socklen_t fromlen)
{
	struct cop_peer peer;
	bool known = true;

	if (likely(from ? cop_peer_of_in(from, fromlen, &peer)
			: cop_slot_peer_in(&sk->sk_daddr, &peer)))
		return peer;
	if (from)
		known = cop_endpoint_of(from, fromlen, &peer.end);
	else
		peer.end = cop_slot_endpoint(&sk->sk_daddr);
	peer.word = known ? cop_flow_word_from(&cop_sk(sk)->flows, &peer.end)
			  : COP_WORD_NONE;
	return peer;
}

noinline flatten void cop_rx_account_any(struct sock *sk,
					 const struct cop_rx_short *in,
					 size_t len, size_t copied,
					 uint64_t now)
{
	const struct cop_hdr_info info = cop_hdr_read(in->wire);
	const struct cop_peer peer = sender(sk, in->from, in->fromlen);
	const struct cop_rx rx = { .len = len,
				   .copied = copied,
				   .now = now,
				   .serial = in->serial,
				   .gen = in->gen };

	cop_rx_account_from(sk, &cop_wire, true, &peer, &rx, &info);
}

/* What a receive returns that gives a stray to the program. */
static ssize_t kept_length(const struct cop_rx *rx, int flags,
			   enum cop_stray_fate fate)
{
	return cop_rx_length(rx, flags) |
	       (fate == COP_STRAY_STALE ? COP_RX_STALE : 0);
}

/* The program gets a datagram: count it and return its length. */
static ssize_t rx_done(struct sock *sk, int fd, int flags, const void *name,
		       socklen_t len, struct cop_rx *rx)
{
	if (likely(!(flags & MSG_PEEK) && !rx->joined)) {
		rx->now = cop_clock_us();
		cop_rx_account(sk, name, len, rx);
	}
	cop_rx_clean(sk, fd);
	return cop_rx_length(rx, flags);
}

/*
 * The flow's figures need the sender even if the program has no room for its address.
 * Behind a datagram that is refused, the program's memory stays as it was.
 */
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
	wait->named = true;
	n = cop_recvmsg_until(sk, fd, &named, flags, wait);
	wait->named = false;
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
	return cop_rx_one(sk, fd, msg, flags, cap, rx);
}

static bool needs_own_name(const struct sock *sk, const struct msghdr *msg,
			   const struct cop_wait *wait)
{
	return msg->msg_namelen < cop_addr_size(sk->sk_family) ||
	       (unlikely(sk_wire(sk)->decode ||
			 READ_ONCE(sk->sk_flags) & SOCK_GRO) &&
		!wait->named);
}

/*
 * A datagram has come, or a stray: give the first to the program, and drop the second.
 * Returns whether to receive again; if not, *@ret is the call's result.
 */
static bool recv_settle(struct sock *sk, int fd, struct msghdr *msg,
			const struct msghdr *asked, int flags,
			struct cop_wait *wait, struct cop_rx *rx, ssize_t *ret)
{
	const socklen_t named =
		min_t(socklen_t, asked->msg_namelen, msg->msg_namelen);
	enum cop_stray_fate fate;
	int err = 0;

	if (likely(rx->stray == COP_NO_STRAY)) {
		*ret = rx_done(sk, fd, flags, msg->msg_name, named, rx);
		return false;
	}
	fate = cop_stray_fate(sk, fd, flags, msg->msg_name, named, rx);
	if (fate != COP_STRAY_DROPPED) {
		*ret = rx->fault ? -EFAULT : kept_length(rx, flags, fate);
		return false;
	}
	if (recv_again(sk, fd, flags, wait, &err)) {
		*msg = *asked;
		return true;
	}
	*ret = err;
	return false;
}

flatten ssize_t cop_recvmsg_until(struct sock *sk, int fd, struct msghdr *msg,
				  int flags, struct cop_wait *wait)
{
	const struct msghdr asked = *msg;
	ssize_t cap = cop_iov_length(fd, msg), ret;
	struct cop_rx rx;
	int err;

	if (unlikely(cap < 0))
		return msg_refuse(fd, cap);
	if (unlikely(flags & MSG_ERRQUEUE))
		return cop_encap_recv_error(sk, fd, msg, flags, cap);
	if (!msg->msg_name || needs_own_name(sk, &asked, wait))
		return recvmsg_named(sk, fd, msg, flags, wait);
	rx.joined = false;
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
		if (!recv_settle(sk, fd, msg, &asked, flags, wait, &rx, &ret))
			return ret;
	}
}

/* A receive without a name is one from the peer only: see cop_rx_msg_is_short(). */
noinline ssize_t cop_recvmsg_odd(struct sock *sk, int fd, struct msghdr *msg,
				 const struct msghdr *asked, int flags,
				 const void *head, size_t n, uint16_t gen)
{
	struct cop_rx rx = { .serial = cop_rx_serial, .gen = gen };
	struct cop_wait wait = { 0 };
	struct msghdr named = *msg, before = *asked;
	struct sockaddr_storage peer;
	ssize_t ret;

	cop_encap_settle(sk_wire(sk), msg, head, n, msg->msg_iov->iov_len, &rx);
	named.msg_flags = msg->msg_flags;
	if (!named.msg_name && rx.stray == COP_NO_STRAY) {
		named.msg_name = &peer;
		named.msg_namelen = cop_peer_name(sk, &peer);
		before.msg_namelen = sizeof(peer);
	}
	if (!recv_settle(sk, fd, &named, &before, flags, &wait, &rx, &ret))
		return ret;
	*msg = *asked;
	return cop_recvmsg_until(sk, fd, msg, flags, &wait);
}

ssize_t cop_recvmsg(struct sock *sk, int fd, struct msghdr *msg, int flags)
{
	struct cop_wait wait = cop_wait_begin(sk);

	return cop_recvmsg_until(sk, fd, msg, flags, &wait);
}

static ssize_t recvfrom_confined(struct sock *sk, int fd, void *buf, size_t len,
				 int flags, void *name, socklen_t *namelen)
{
	struct cop_arrived a = { .fromlen = 0 };
	int err = cop_soft_error(sk);

	if (!err)
		err = cop_recv_copied(sk, fd, buf, len, flags, &a);
	if (!err && name)
		err = name_export(fd, name, namelen, &a.from, a.fromlen);
	if (err)
		return err;
	if (a.rx.stray != COP_NO_STRAY)
		return 0;
	if (!(flags & MSG_PEEK) && !a.rx.joined) {
		a.rx.now = cop_clock_us();
		cop_rx_account(sk, &a.from, a.fromlen, &a.rx);
	}
	return cop_rx_length(&a.rx, flags);
}

noinline ssize_t cop_recvfrom_any(struct sock *sk, int fd, void *buf,
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
	if (likely(n >= 0 && !(n & COP_RX_STALE)))
		cop_rx_note_length(sk, n);
	return n;
}

ssize_t cop_recvfrom_rest(struct sock *sk, const struct cop_rx_short *in,
			  struct cop_rx *rx, const struct cop_recv *call)
{
	const void *from = in->from;
	socklen_t fromlen = from ? in->fromlen : 0;
	struct cop_wait wait = { .begin = in->begin };
	enum cop_stray_fate fate = COP_STRAY_DROPPED;
	struct sockaddr_storage peer;
	int err;

	if (rx->stray != COP_NO_STRAY) {
		fate = cop_stray_fate(sk, call->fd, call->flags, from, fromlen,
				      rx);
		if (fate == COP_STRAY_DROPPED) {
			err = cop_wait_again(sk, call->fd, call->flags, &wait);
			return err ? err
				   : cop_recvfrom_any(sk, call->fd, call->buf,
						      call->len, call->flags,
						      call->name, call->namelen,
						      wait.begin);
		}
		rx->hdr.len = 0;
	}
	if (copy_to_user(call->buf, in->wire + rx->hdr.len, rx->copied))
		return -EFAULT;
	err = call->name ? name_export(call->fd, call->name, call->namelen,
				       from, fromlen)
			 : 0;
	if (err)
		return err;
	if (rx->stray != COP_NO_STRAY)
		return kept_length(rx, call->flags, fate);
	if (!from) {
		from = &peer;
		fromlen = cop_peer_name(sk, &peer);
	}
	return rx_done(sk, call->fd, call->flags, from, fromlen, rx);
}

noinline ssize_t cop_recvfrom_odd(struct sock *sk,
				  const struct cop_rx_short *in,
				  const struct cop_recv *call)
{
	struct cop_rx rx = { .serial = in->serial, .gen = in->gen };

	if (unlikely(in->n < 0))
		return -errno;
	cop_rx_measure(sk_wire(sk), &rx, in->wire, in->n, call->len);
	return cop_recvfrom_rest(sk, in, &rx, call);
}
