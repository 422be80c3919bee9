// SPDX-License-Identifier: MIT
/*
 * datagram/datagram.c - one datagram out, or in.
 *
 * Owns: the counters of a sock, and the number of the next datagram to its
 * peer. Protected by: atomic accesses. A send or receive may block or be
 * cancelled, so it takes no reference: the sock's memory is type-stable. May
 * call: flow/flow.c, wire/encap.c, lib/msghdr.c, filter/filter.c, port/bind.c. Counterpart in the
 * kernel: udp_sendmsg() and udp_recvmsg() in net/ipv4/udp.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "lib/atomic.h"
#include "port/bind.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "filter/filter.h"
#include "flow/flow.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "lib/msghdr.h"
#include "datagram/proto.h"
#include "wire/stray.h"
#include "lib/sysctl.h"
#include "datagram/tx.h"
#include "lib/uaccess.h"

bool cop_dest_of(const void *name, socklen_t len, struct cop_flow_key *key)
{
	const struct sockaddr_in *to = name;

	if (len < sizeof(*to) ||
	    (to->sin_family != AF_INET && to->sin_family != AF_UNSPEC))
		return false;
	key->addr = to->sin_addr.s_addr;
	key->port = to->sin_port;
	key->zero = 0;
	return true;
}

static bool is_peer(struct sock *sk, const struct cop_flow_key *key)
{
	return READ_ONCE(sk->sk_daddr) == key->addr &&
	       READ_ONCE(sk->sk_dport) == key->port;
}

/* An autobind that happens in the send itself has claimed its port already. */
static __be16 tx_source(const struct sock *sk)
{
	uint16_t snum = READ_ONCE(sk->sk_num);

	return htons(likely(snum) ? snum : READ_ONCE(cop_sk(sk)->armed));
}

static uint64_t peer_next(struct sock *sk, size_t payload, uint64_t now)
{
	struct cop_sent *peer = &cop_sk(sk)->peer;
	uint64_t seq = cop_sent_add(peer, payload, now);

	if (unlikely(!seq))
		WRITE_ONCE(peer->begin, now);
	return seq;
}

static void tx_find(struct sock *sk, const void *name, socklen_t len,
		    struct cop_tx *tx)
{
	bool connected = READ_ONCE(sk->sk_state) == COP_ESTABLISHED;

	tx->flow = COP_TX_NONE;
	tx->key = (struct cop_flow_key){ 0 };
	if (name) {
		if (cop_dest_of(name, len, &tx->key))
			tx->flow = connected && is_peer(sk, &tx->key)
					   ? COP_TX_PEER
					   : COP_TX_TABLE;
	} else if (connected) {
		tx->key.port = READ_ONCE(sk->sk_dport);
		tx->flow = COP_TX_PEER;
	}
}

/*
 * Find the flow of a datagram and take its number. One that has no destination
 * gets none: the kernel is about to say so.
 */
void cop_tx_begin(struct sock *sk, const void *name, socklen_t len,
		  size_t payload, uint64_t now, struct cop_tx *tx)
{
	uint64_t seq = 0;

	tx_find(sk, name, len, tx);
	tx->payload = payload;
	if (tx->flow == COP_TX_PEER)
		seq = peer_next(sk, payload, now);
	else if (tx->flow == COP_TX_TABLE)
		seq = cop_flow_next(&cop_sk(sk)->flows, &tx->key, payload, now);
	tx->seq = seq;
	cop_hdr_build(&tx->hdr, tx_source(sk), tx->key.port, seq, now);
}

static void tx_undo(struct sock *sk, struct cop_tx *tx)
{
	if (tx->flow == COP_TX_PEER)
		cop_sent_undo(&cop_sk(sk)->peer, tx->seq, tx->payload);
	else if (tx->flow == COP_TX_TABLE)
		cop_flow_undo(&cop_sk(sk)->flows, &tx->key, tx->seq,
			      tx->payload);
}

void cop_tx_end(struct sock *sk, struct cop_tx *tx, ssize_t result)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	if (unlikely(result < 0)) {
		tx_undo(sk, tx);
		u32_add(&count->tx_errors, 1);
		return;
	}
	u32_add(&count->tx_datagrams, 1);
	u64_add(&count->tx_bytes, result);
}

int cop_soft_error(struct sock *sk)
{
	if (likely(!READ_ONCE(cop_sk(sk)->soft_err)))
		return 0;
	return -atomic_exchange(&cop_sk(sk)->soft_err, 0);
}

/* Segments of no length are none, so the kernel sends the datagram whole. */
static int judge_udp_cmsg(const struct cmsghdr *cmsg)
{
	uint16_t size;

	if (cmsg->cmsg_type != UDP_SEGMENT ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(size)))
		return -EINVAL;
	memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
	return size ? -EIO : 0;
}

int cop_refuse_udp_cmsg(int fd, const struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int err = 0;

	if (likely(!msg->msg_controllen) ||
	    msg->msg_controllen > (size_t)READ_ONCE(cop_sysctl.optmem_max) ||
	    !user_readable(fd, msg->msg_control, msg->msg_controllen))
		return 0;
	for (cmsg = CMSG_FIRSTHDR(msg); cmsg && err != -EINVAL;
	     cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg))
		if (cmsg->cmsg_level == IPPROTO_UDP)
			err = judge_udp_cmsg(cmsg) ?: err;
	return err;
}

/*
 * Whether the kernel holds a datagram that was begun, which takes a part without
 * a look at its name. Only without one it says that no such family is known. The
 * part is only a probe, so it adds nothing, and nothing is sent.
 */
static bool cork_pending(int fd)
{
	const int flags = MSG_MORE | MSG_PROBE | MSG_DONTWAIT | MSG_NOSIGNAL;
	const struct sockaddr_in none = { .sin_family = UINT16_MAX };
	ssize_t ret;
	int cancel;

	if (cop_confined())
		return true;
	cancel = cancel_off();
	ret = cop_libc.sendto(fd, NULL, 0, flags,
			      (const struct sockaddr *)&none, sizeof(none));
	cancel_on(cancel);
	return !ret;
}

/* One more part of a datagram that has its number. */
static void tx_more(struct sock *sk, const struct msghdr *msg, size_t n)
{
	struct cop_tx tx;

	u64_add(&cop_sk(sk)->count.tx_bytes, n);
	tx_find(sk, msg->msg_name, msg->msg_namelen, &tx);
	if (tx.flow == COP_TX_PEER)
		u64_add(&cop_sk(sk)->peer.bytes, n);
	else if (tx.flow == COP_TX_TABLE)
		cop_flow_more(&cop_sk(sk)->flows, &tx.key, n);
}

/*
 * A datagram that is sent in parts has one header, ahead of the first. A part
 * that the kernel refuses takes those before it along where the kernel has begun to
 * add it (no room, unreadable, too long in all); else the datagram stays open
 * (control messages that can't be read, a length beyond 65,535, MSG_OOB).
 */
static ssize_t sendmsg_corked(struct sock *sk, int fd, const struct msghdr *msg,
			      int flags, size_t len)
{
	bool begun = sock_flag(sk, SOCK_CORKED) && cork_pending(fd);
	bool more = flags & MSG_MORE || sock_flag(sk, SOCK_CORK_OPT);
	struct cop_tx tx;
	ssize_t n;

	if (!begun)
		cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len,
			     cop_clock_us(), &tx);
	n = cop_encap_send(fd, begun ? NULL : &tx.hdr, msg, flags, len);
	if (!begun)
		cop_tx_end(sk, &tx, n);
	else if (n > 0)
		tx_more(sk, msg, n);
	if (n >= 0 ? more : begun && cork_pending(fd))
		sock_set_flag(sk, SOCK_CORKED);
	else
		sock_reset_flag(sk, SOCK_CORKED);
	return n;
}

/* Sent for the kernel's error: with a header it is longer than any datagram. */
static noinline ssize_t sendmsg_too_long(int fd, const struct msghdr *msg,
					 int flags, size_t len)
{
	static const struct cophdr hdr;

	return cop_encap_send(fd, &hdr, msg, flags, len);
}

flatten ssize_t cop_sendmsg(struct sock *sk, int fd, const struct msghdr *msg,
			    int flags)
{
	ssize_t len = cop_iov_length(fd, msg);
	const bool too_long = len > COP_DATAGRAM_MAX;
	struct cop_tx tx;
	ssize_t n;

	if (unlikely(len < 0))
		return msg_refuse(fd, len);
	n = unlikely(too_long) ? 0 : cop_soft_error(sk);
	if (unlikely(n))
		return n;
	n = unlikely(too_long) ? 0 : cop_refuse_udp_cmsg(fd, msg);
	if (unlikely(n))
		return n;
	if (unlikely(flags & MSG_MORE ||
		     sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT)))
		return sendmsg_corked(sk, fd, msg, flags, len);
	if (unlikely(too_long))
		return sendmsg_too_long(fd, msg, flags, len);
	cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len, cop_clock_us(),
		     &tx);
	n = cop_encap_send(fd, &tx.hdr, msg, flags, len);
	cop_tx_end(sk, &tx, n);
	return n;
}

/* A NAT on the way rewrites UDP's ports, not those in the header. */
static bool ports_differ(struct sock *sk, const struct sockaddr_in *from,
			 socklen_t len, const struct cop_rx *rx)
{
	if (rx->hdr.dest != READ_ONCE(inet_sk(sk)->inet_sport) &&
	    READ_ONCE(inet_sk(sk)->inet_sport))
		return true;
	return len >= sizeof(*from) && from->sin_port != rx->hdr.source;
}

static void tell_flow(struct sock *sk, const struct sockaddr_in *from,
		      const struct cop_rx *rx)
{
	struct cop_flow_key key = { .addr = from->sin_addr.s_addr,
				    .port = from->sin_port };
	struct cop_arrival arrival = { .now = rx->now,
				       .seq = ntohl(rx->hdr.seq),
				       .tstamp = ntohl(rx->hdr.tstamp),
				       .len = rx->len,
				       .first = rx->hdr.flags & COP_F_FIRST };

	cop_flow_arrived(&cop_sk(sk)->flows, &key, &arrival, rx->serial);
}

void cop_rx_account(struct sock *sk, const void *name, socklen_t len,
		    const struct cop_rx *rx)
{
	struct cop_counters *count = &cop_sk(sk)->count;
	const struct sockaddr_in *from = name;

	if (unlikely(rx->gen != READ_ONCE(cop_sk(sk)->flows.gen)))
		return;
	u32_add(&count->rx_datagrams, 1);
	u64_add(&count->rx_bytes, rx->copied);
	if (unlikely(rx->copied < rx->len))
		u32_add(&count->rx_truncated, 1);
	if (unlikely(ports_differ(sk, from, len, rx)))
		u32_add(&count->port_mismatch, 1);
	if (likely(len >= sizeof(*from)))
		tell_flow(sk, from, rx);
}

/* An empty datagram has a sender; the end of a socket that was shut has none. */
bool cop_rx_ended(int fd, bool named, const struct cop_rx *rx)
{
	struct pollfd end = { .fd = fd, .events = POLLRDHUP };
	int cancel, ready;

	if (rx->stray != COP_STRAY_SHORT || rx->len || named)
		return false;
	if (cop_confined())
		return true;
	cancel = cancel_off();
	ready = cop_libc.poll(&end, 1, 0);
	cancel_on(cancel);
	return ready > 0 && end.revents & POLLRDHUP;
}

void cop_rx_discard(int fd)
{
	char none;

	cop_libc.recv(fd, &none, 0, MSG_DONTWAIT);
}

/*
 * What to do with a datagram that is not COP: 0 to receive again, 1 where it is
 * the program's, COP_RX_STALE where it is because the descriptor is no longer
 * ours: it was for whoever owns the number now.
 */
static int stray_fate(struct sock *sk, int fd, int flags, const void *name,
		      socklen_t len, const struct cop_rx *rx)
{
	if (!cop_may_own(sk, fd))
		return COP_RX_STALE;
	if (cop_rx_ended(fd, name && len, rx))
		return 1;
	if (!(flags & MSG_PEEK))
		cop_rx_stray(sk, fd, rx->stray, name, len);
	sock_reset_flag(sk, SOCK_FILTER_CLEAN);
	cop_poll(sk, fd); /* a look has left it there: this takes it away */
	if (cop_confined() && flags & MSG_PEEK)
		cop_rx_discard(fd);
	return 0;
}

static ssize_t rx_length(const struct cop_rx *rx, int flags)
{
	return flags & MSG_TRUNC ? rx->len : rx->copied;
}

/* A datagram for the program has been received. */
static ssize_t rx_done(struct sock *sk, int fd, int flags, const void *name,
		       socklen_t len, struct cop_rx *rx)
{
	if (likely(!(flags & MSG_PEEK))) {
		rx->now = cop_clock_us();
		cop_rx_account(sk, name, len, rx);
	}
	if (unlikely(cop_head_unclean(sk)))
		cop_poll(sk, fd);
	return rx_length(rx, flags);
}

/*
 * Receive where strays may still be queued. What can be had without waiting is
 * taken under the sock's lock; if there is nothing, nothing from before
 * the filter is left, and the wait is an ordinary one.
 */
static noinline int recv_unclean(struct sock *sk, int fd, struct msghdr *msg,
				 int flags, size_t cap, struct cop_rx *rx)
{
	struct cop_held held;
	int err;

	pthread_testcancel();
	cop_lock(&cop_sk(sk)->lock, &held);
	err = cop_encap_recv(fd, msg, flags | MSG_DONTWAIT, cap, rx);
	cop_unlock(&cop_sk(sk)->lock, &held);
	if (!err && !(flags & MSG_PEEK))
		cop_head_taken(sk);
	if (err != -EAGAIN)
		return err;
	cop_head_clean(sk);
	return cop_encap_recv(fd, msg, flags, cap, rx);
}

/* With COP_DEBUG: who sent the strays that are queued is named first. */
static noinline int recv_watched(struct sock *sk, int fd, struct msghdr *msg,
				 int flags, size_t cap, struct cop_rx *rx)
{
	pthread_testcancel();
	cop_head_purge(sk, fd, rx);
	return cop_encap_recv(fd, msg, flags, cap, rx);
}

/* The program does not ask who has sent it, or has no room for the answer. */
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

/* What to receive next, if at all, where nothing is left of the first try. */
static bool recv_again(struct sock *sk, int fd, int flags,
		       struct cop_wait *wait, int *err)
{
	if (*err && (*err != -EAGAIN || !wait->flags))
		return false;
	*err = cop_wait_again(sk, fd, flags, wait);
	return !*err;
}

flatten ssize_t cop_recvmsg_until(struct sock *sk, int fd, struct msghdr *msg,
				  int flags, struct cop_wait *wait)
{
	const struct msghdr asked = *msg;
	ssize_t cap = cop_iov_length(fd, msg);
	struct cop_rx rx;
	int err, fate;

	if (unlikely(cap < 0))
		return msg_refuse(fd, cap);
	if (unlikely(flags & MSG_ERRQUEUE))
		return cop_encap_recv_error(fd, msg, flags, cap);
	if (!msg->msg_name || asked.msg_namelen < sizeof(struct sockaddr_in))
		return recvmsg_named(sk, fd, msg, flags, wait);
	rx.serial = cop_rx_serial;
	rx.gen = READ_ONCE(cop_sk(sk)->flows.gen);
	err = cop_soft_error(sk);
	if (unlikely(err))
		return err;
	for (;;) {
		if (unlikely(cop_env.debug))
			err = recv_watched(sk, fd, msg, flags | wait->flags,
					   cap, &rx);
		else if (unlikely(cop_head_unclean(sk)))
			err = recv_unclean(sk, fd, msg, flags | wait->flags,
					   cap, &rx);
		else
			err = cop_encap_recv(fd, msg, flags | wait->flags, cap,
					     &rx);
		if (unlikely(err)) {
			if (recv_again(sk, fd, flags, wait, &err))
				continue;
			return err;
		}
		if (likely(rx.stray == COP_NO_STRAY))
			return rx_done(sk, fd, flags, msg->msg_name,
				       min_t(socklen_t, asked.msg_namelen,
					     msg->msg_namelen),
				       &rx);
		fate = stray_fate(sk, fd, flags, msg->msg_name,
				  min_t(socklen_t, asked.msg_namelen,
					msg->msg_namelen),
				  &rx);
		if (fate)
			return rx.fault ? -EFAULT
					: rx_length(&rx, flags) |
						  (fate & COP_RX_STALE);
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

/* ---- one buffer, which is what most programs send and receive ----------- */

static ssize_t sendto_any(struct sock *sk, int fd, const void *buf, size_t len,
			  int flags, const void *name, socklen_t namelen)
{
	struct iovec iov = { (void *)buf, min_t(size_t, len, INT_MAX) };
	struct msghdr msg = { .msg_name = (void *)name,
			      .msg_namelen = namelen,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };
	int err;

	if (cop_confined() && !(flags & MSG_MORE) &&
	    !sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT)) {
		err = cop_soft_error(sk);
		return err ? err
			   : cop_sendto_copied(sk, fd, buf, iov.iov_len, flags,
					       name, namelen);
	}
	return cop_sendmsg(sk, fd, &msg, flags & ~COP_MSG_FILE);
}

/* Small, plain datagrams are copied behind their header and sent from here. */
flatten ssize_t cop_sendto(struct sock *sk, int fd, const void *buf, size_t len,
			   int flags, const void *name, socklen_t namelen)
{
	unsigned char wire[COP_HLEN + COP_COPY_MAX];
	struct cop_tx tx;
	ssize_t n;

	if (unlikely(len > COP_COPY_MAX || flags & (MSG_MORE | COP_MSG_FILE) ||
		     !user_readable(fd, buf, len) ||
		     READ_ONCE(cop_sk(sk)->soft_err) ||
		     sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT)))
		return sendto_any(sk, fd, buf, len, flags, name, namelen);
	cop_tx_begin(sk, name, namelen, len, cop_clock_us(), &tx);
	memcpy(wire, &tx.hdr, COP_HLEN);
	memcpy(wire + COP_HLEN, buf, len);
	n = cop_libc.sendto(fd, wire, COP_HLEN + len, flags, name, namelen);
	n = likely(n >= COP_HLEN) ? n - COP_HLEN : -errno;
	cop_tx_end(sk, &tx, n);
	return n;
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

	if (cop_confined() && !(flags & MSG_ERRQUEUE)) {
		n = cop_soft_error(sk);
		return n ? n
			 : cop_recvfrom_copied(sk, fd, buf, iov.iov_len, flags,
					       name, namelen);
	}
	n = cop_recvmsg_until(sk, fd, &msg, flags, &wait);
	if (n >= 0 && name)
		*namelen = msg.msg_namelen;
	return n;
}

/* Measure a datagram that is a header without options, as nearly all are. */
static bool cop_rx_plain(struct cop_rx *rx, const unsigned char *wire, size_t n,
			 size_t cap)
{
	const struct cophdr *hdr = (const struct cophdr *)wire;

	if (n < COP_HLEN || hdr->magic != htons(COP_MAGIC) ||
	    hdr->ver_hlen != (COP_VERSION << 4 | COP_HLEN_WORDS))
		return false;
	rx->hdr = *hdr;
	rx->stray = COP_NO_STRAY;
	rx->len = n - COP_HLEN;
	rx->copied = min_t(size_t, rx->len, cap);
	return true;
}

static socklen_t peer_name(const struct sock *sk, struct sockaddr_storage *name)
{
	struct sockaddr_in *peer = (struct sockaddr_in *)name;

	peer->sin_family = AF_INET;
	peer->sin_port = READ_ONCE(sk->sk_dport);
	peer->sin_addr.s_addr = READ_ONCE(sk->sk_daddr);
	return sizeof(*peer);
}

/* The caller has seen to it that both can be written to. */
static void put_name(void *name, socklen_t *namelen,
		     const struct sockaddr_storage *from, socklen_t fromlen)
{
	if (!name)
		return;
	memcpy(name, from, min_t(socklen_t, *namelen, fromlen));
	*namelen = fromlen;
}

/* What came is not just a header and a payload; @from is NULL for the peer. */
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
	size_t skip = 0;
	int fate, err;

	cop_rx_measure(&rx, wire, n, len);
	if (rx.stray != COP_NO_STRAY) {
		fate = stray_fate(sk, fd, flags, from, from ? fromlen : 0, &rx);
		err = fate ? 0 : cop_wait_again(sk, fd, flags, &wait);
		if (err)
			return err;
		if (!fate)
			return recvfrom_any(sk, fd, buf, len, flags, name,
					    namelen, wait.begin);
	} else {
		fate = 0;
		skip = cop_hdr_len(&rx.hdr);
	}
	if (copy_to_user(buf, wire + skip, rx.copied))
		return -EFAULT;
	put_name(name, namelen, from, fromlen);
	if (fate)
		return rx_length(&rx, flags) | (fate & COP_RX_STALE);
	if (!from)
		fromlen = peer_name(sk, &peer);
	return rx_done(sk, fd, flags, from ?: &peer, fromlen, &rx);
}

flatten ssize_t cop_recvfrom(struct sock *sk, int fd, void *buf, size_t len,
			     int flags, void *name, socklen_t *namelen)
{
	unsigned char wire[COP_HLEN_MAX + COP_COPY_MAX]
		__attribute__((aligned(4)));
	const uint32_t sk_flags = READ_ONCE(sk->sk_flags);
	const bool known = !name && sk_flags & SOCK_PEER_ONLY;
	const uint64_t begin =
		unlikely(sk_flags & SOCK_RCVTIMEO) ? cop_clock_us() : 0;
	struct sockaddr_storage from;
	socklen_t fromlen = sizeof(from);
	struct cop_rx rx = { .serial = cop_rx_serial,
			     .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	ssize_t n;

	if (unlikely(len > COP_COPY_MAX ||
		     flags & (MSG_ERRQUEUE | COP_MSG_FILE) ||
		     READ_ONCE(cop_sk(sk)->soft_err) ||
		     is_head_unclean(sk_flags)))
		return recvfrom_any(sk, fd, buf, len, flags, name, namelen,
				    begin);
	n = cop_libc.recvfrom(fd, wire, COP_HLEN_MAX + len, flags | MSG_TRUNC,
			      known ? NULL : (struct sockaddr *)&from,
			      known ? NULL : &fromlen);
	if (unlikely(n < 0))
		return -errno;
	if (unlikely(!cop_rx_plain(&rx, wire, n, len)))
		return recvfrom_odd(sk, fd, wire, n, buf, len, flags, name,
				    namelen, known ? NULL : &from, fromlen,
				    begin, rx.gen);
	if (known)
		fromlen = peer_name(sk, &from);
	if (unlikely(copy_to_user(buf, wire + COP_HLEN, rx.copied)))
		return -EFAULT;
	put_name(name, namelen, &from, fromlen);
	return rx_done(sk, fd, flags, &from, fromlen, &rx);
}
