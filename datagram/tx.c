// SPDX-License-Identifier: MIT
/*
 * datagram/tx.c - one datagram out: its number, its header, its fate.
 *
 * Owns: the counters of what was sent, and the number of the next datagram to the
 * peer. Protected by: atomic accesses. A send may block or be cancelled, so it takes
 * no reference: the sock's memory is type-stable. Counterpart in the kernel:
 * udp_sendmsg() in net/ipv4/udp.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "datagram/copied.h"
#include "datagram/cut.h"
#include "datagram/ends.h"
#include "datagram/proto.h"
#include "datagram/soft_error.h"
#include "datagram/tx.h"
#include "datagram/tx_short.h"
#include "flow/flow.h"
#include "lib/atomic.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/coded.h"
#include "wire/encap.h"
#include "wire/payload.h"

static bool is_peer(struct sock *sk, const struct cop_peer *to)
{
	const struct cop_endpoint peer = cop_slot_endpoint(&sk->sk_daddr);
	const struct cop_endpoint end = cop_peer_endpoint(to);

	return cop_endpoint_equal(&peer, &end);
}

static enum cop_tx_flow flow_of_name(struct sock *sk, const struct cop_peer *to)
{
	return unlikely(READ_ONCE(sk->sk_state) == COP_ESTABLISHED) &&
			       is_peer(sk, to)
		       ? COP_TX_PEER
		       : COP_TX_TABLE;
}

noinline void cop_tx_find_any(struct sock *sk, const void *name, socklen_t len,
			      struct cop_tx *tx)
{
	tx->flow = COP_TX_NONE;
	switch (cop_peer_dest(sk->sk_family, name, len, &tx->to)) {
	case COP_DEST_NAME:
		tx->flow = flow_of_name(sk, &tx->to);
		break;
	case COP_DEST_PEER:
		cop_tx_find_peer(sk, tx);
		break;
	default:
		tx->to.end.port = 0;
	}
}

/* A datagram without a destination gets no number: the kernel will refuse it. */
void cop_tx_begin(struct sock *sk, const void *name, socklen_t len,
		  size_t payload, uint64_t now, struct cop_tx *tx, void *hdr)
{
	cop_tx_find(sk, name, len, tx);
	tx->payload = payload;
	tx->seq = cop_tx_number(sk, tx, now);
	sk_wire(sk)->build(hdr, cop_tx_source(sk), tx->to.end.port, tx->seq,
			   now);
}

static void tx_undo(struct sock *sk, struct cop_tx *tx)
{
	if (tx->flow == COP_TX_PEER)
		cop_sent_undo(&cop_sk(sk)->peer, tx->seq, tx->payload);
	else if (tx->flow == COP_TX_TABLE)
		cop_flow_undo(&cop_sk(sk)->flows, &tx->to, tx->seq,
			      tx->payload);
}

noinline ssize_t cop_tx_failed(struct sock *sk, struct cop_tx tx)
{
	ssize_t err = -errno;

	tx_undo(sk, &tx);
	u32_add(&cop_sk(sk)->count.tx_errors, 1);
	return err;
}

noinline ssize_t cop_tx_counted_failed(struct sock *sk,
				       const struct cop_counted *counted,
				       size_t payload)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	u32_add(&count->tx_datagrams, -1);
	u64_add(&count->tx_bytes, -(uint64_t)payload);
	return cop_tx_failed(sk, (struct cop_tx){ .to.word = counted->word,
						  .seq = counted->seq,
						  .payload = payload,
						  .flow = counted->flow });
}

void cop_tx_end(struct sock *sk, struct cop_tx *tx, ssize_t result)
{
	if (likely(result >= 0))
		cop_tx_count(sk, result);
	else
		cop_tx_failed(sk, *tx);
}

static bool cork_pending(struct sock *sk, int fd)
{
	return cop_confined() || sock_probe(fd, sk->sk_family);
}

/* Count a further part of a corked datagram, which has its number already. */
static void tx_more(struct sock *sk, const struct msghdr *msg, size_t n)
{
	struct cop_tx tx;

	u64_add(&cop_sk(sk)->count.tx_bytes, n);
	cop_tx_find(sk, msg->msg_name, msg->msg_namelen, &tx);
	if (tx.flow == COP_TX_PEER)
		u64_add(&cop_sk(sk)->peer.bytes, n);
	else if (tx.flow == COP_TX_TABLE)
		cop_flow_more(&cop_sk(sk)->flows, &tx.to, n);
}

/* The kernel refuses this datagram, with the errno that the program is to get. */
static noinline ssize_t sendmsg_refused(struct sock *sk, int fd,
					const struct msghdr *msg, int flags,
					size_t len)
{
	static const unsigned char hdr[COP_HDR_MAX];

	return cop_encap_refuse(sk_wire(sk), fd, hdr, msg, flags, len);
}

/*
 * What can't be cut. The kernel refuses that last of all: it looks for other faults first,
 * takes a pending error, and reads the payload. Here it gets one that it can't read.
 */
static noinline ssize_t sendmsg_uncut(struct sock *sk, int fd,
				      const struct msghdr *msg, int flags,
				      size_t len, int err)
{
	ssize_t n = sendmsg_refused(sk, fd, msg, flags, len ?: 1);

	if (err == -EIO && n == -EFAULT && cop_payload_is_readable(fd, msg))
		return err;
	return n;
}

/*
 * A datagram that is sent in parts has one header, ahead of the first part. The
 * kernel may refuse a part. If it had begun to add it (no room, unreadable, too long
 * in all), it drops the earlier parts too. Else (control messages that can't be read,
 * a length beyond 65,535, MSG_OOB) the datagram stays open. Parts can't be cut into
 * pieces of another size.
 */
static ssize_t sendmsg_corked(struct sock *sk, int fd, const struct msghdr *msg,
			      int flags, size_t len)
{
	bool begun = sock_flag(sk, SOCK_CORKED) && cork_pending(sk, fd);
	bool more = flags & MSG_MORE || sock_flag(sk, SOCK_CORK_OPT);
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct cop_tx tx;
	ssize_t n;

	n = begun ? 0 : cop_cut_size(sk, fd, msg);
	if (unlikely(n && !(flags & MSG_PROBE)))
		return sendmsg_uncut(sk, fd, msg, flags, len, n < 0 ? n : -EIO);
	if (!begun)
		cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len,
			     cop_clock_us(), &tx, hdr);
	n = cop_encap_send(sk_wire(sk), fd, begun ? NULL : hdr, msg, flags,
			   len);
	if (!begun)
		cop_tx_end(sk, &tx, n);
	else if (n > 0)
		tx_more(sk, msg, n);
	if (n >= 0 ? more : begun && cork_pending(sk, fd))
		sock_set_flag(sk, SOCK_CORKED);
	else
		sock_reset_flag(sk, SOCK_CORKED);
	return n;
}

static noinline ssize_t sendmsg_coded(struct sock *sk, int fd,
				      const struct msghdr *msg, int flags,
				      size_t len)
{
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct cop_ends ends;
	struct cop_tx tx;
	ssize_t n;

	if (flags & MSG_MORE)
		return -EOPNOTSUPP;
	cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len, cop_clock_us(),
		     &tx, hdr);
	n = sk_wire(sk)->ends ? cop_ends_sent(sk, fd, &tx, msg, &ends) : 0;
	if (likely(!n))
		n = cop_coded_send(sk, fd, hdr, msg, flags, len,
				   sk_wire(sk)->ends ? &ends : NULL);
	cop_tx_end(sk, &tx, n);
	return n;
}

/* The most bytes of payload that UDP sends at once to the destination. */
static size_t longest(struct sock *sk, const struct msghdr *msg)
{
	struct cop_endpoint to;
	struct cop_tx tx;

	cop_tx_find(sk, msg->msg_name, msg->msg_namelen, &tx);
	if (tx.flow == COP_TX_NONE)
		return COP_DATAGRAM_MAX_IPV4;
	to = tx.flow == COP_TX_PEER ? cop_slot_endpoint(&sk->sk_daddr)
				    : cop_peer_endpoint(&tx.to);
	return cop_endpoint_is_v4(&to) ? COP_DATAGRAM_MAX_IPV4
				       : COP_DATAGRAM_MAX;
}

static noinline ssize_t sendmsg_cut(struct sock *sk, int fd,
				    const struct msghdr *msg, int flags,
				    size_t len, int size)
{
	const struct cop_cut cut = { .sk = sk,
				     .fd = fd,
				     .flags = flags,
				     .msg = msg,
				     .len = len,
				     .most = longest(sk, msg),
				     .size = size,
				     .begin = cop_tx_begin,
				     .end = cop_tx_end };

	if (size < 0)
		return sendmsg_uncut(sk, fd, msg, flags, len, size);
	return cop_cut_send(&cut);
}

flatten ssize_t cop_sendmsg(struct sock *sk, int fd, const struct msghdr *msg,
			    int flags)
{
	ssize_t len = cop_iov_length(fd, msg);
	const bool too_long = len > cop_wire_most(sk_wire(sk));
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct cop_tx tx;
	ssize_t n;

	if (unlikely(len < 0))
		return msg_refuse(fd, len);
	n = unlikely(too_long)
		    ? 0
		    : cop_soft_error_of_send(sk, fd, msg, flags, len);
	if (unlikely(n))
		return n;
	if (unlikely(flags & MSG_MORE ||
		     sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT)) &&
	    !sk_wire(sk)->encode)
		return sendmsg_corked(sk, fd, msg, flags, len);
	n = unlikely(len > COP_DATAGRAM_MAX) ? 0 : cop_cut_size(sk, fd, msg);
	if (unlikely(n && !(flags & MSG_PROBE)))
		return sendmsg_cut(sk, fd, msg, flags, len, n);
	if (unlikely(too_long))
		return sendmsg_refused(sk, fd, msg, flags, len);
	if (unlikely(sk_wire(sk)->encode))
		return sendmsg_coded(sk, fd, msg, flags, len);
	cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len, cop_clock_us(),
		     &tx, hdr);
	n = cop_encap_send(sk_wire(sk), fd, hdr, msg, flags, len);
	cop_tx_end(sk, &tx, n);
	return n;
}

static ssize_t sendto_confined(struct sock *sk, int fd, const void *buf,
			       size_t len, int flags, const void *name,
			       socklen_t namelen)
{
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct cop_tx tx;
	ssize_t n = cop_soft_error(sk);

	if (n)
		return n;
	if (len > (size_t)cop_wire_most(sk_wire(sk)))
		return cop_send_copied(
			sk, fd, NULL, NULL, buf,
			len > COP_DATAGRAM_MAX ? len : COP_DATAGRAM_MAX + 1,
			flags, name, namelen);
	cop_tx_begin(sk, name, namelen, len, cop_clock_us(), &tx, hdr);
	n = cop_send_copied(sk, fd, &tx, hdr, buf, len, flags, name, namelen);
	cop_tx_end(sk, &tx, n);
	return n;
}

static ssize_t sendto_any(struct sock *sk, int fd, const void *buf, size_t len,
			  int flags, const void *name, socklen_t namelen)
{
	struct iovec iov = { (void *)buf, min_t(size_t, len, INT_MAX) };
	struct msghdr msg = { .msg_name = (void *)name,
			      .msg_namelen = namelen,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	if (cop_confined() && !(flags & MSG_MORE) &&
	    !sock_flag(sk, COP_TX_LONG))
		return sendto_confined(sk, fd, buf, iov.iov_len, flags, name,
				       namelen);
	return cop_sendmsg(sk, fd, &msg, flags & ~COP_MSG_FILE);
}

noinline flatten void cop_tx_counted(struct sock *sk, const void *name,
				     socklen_t len, size_t payload,
				     uint64_t now, struct cop_tx *tx)
{
	cop_tx_find(sk, name, len, tx);
	tx->payload = payload;
	tx->seq = cop_tx_number_counted(sk, tx, now);
}

/* cop_sendto_short() with any header, for arguments that were checked. */
static ssize_t sendto_short(struct sock *sk, const struct cop_wire *hdr, int fd,
			    const void *buf, size_t len, int flags,
			    const void *name, socklen_t namelen)
{
	unsigned char wire[COP_HDR_MAX + COP_COPY_MAX]
		__attribute__((aligned(4)));
	const uint64_t now = cop_clock_us();
	struct cop_counted counted;
	struct cop_tx tx;
	ssize_t n = 0;

	cop_tx_counted(sk, name, namelen, len, now, &tx);
	counted = (struct cop_counted){ tx.to.word, tx.seq, tx.flow };
	hdr->build(wire, cop_tx_source(sk), tx.to.end.port, tx.seq, now);
	cop_copy(wire + hdr->hlen, buf, len);
	if (hdr->encode)
		n = cop_encode(sk, fd, &tx, wire, wire + hdr->hlen);
	if (unlikely(n))
		errno = -n;
	else
		n = cop_libc.sendto(fd, wire, hdr->hlen + len, flags, name,
				    namelen);
	if (unlikely(n < 0))
		return cop_tx_counted_failed(sk, &counted, len);
	return len;
}

/* The interpose room has what the short way is meant for, unless it is a module's. */
ssize_t cop_sendto(struct sock *sk, int fd, const void *buf, size_t len,
		   int flags, const void *name, socklen_t namelen)
{
	const struct cop_wire *hdr = sk_wire(sk);

	if (unlikely((hdr->encode && !hdr->plain) || len > COP_COPY_MAX ||
		     flags & (MSG_MORE | COP_MSG_FILE) ||
		     !user_readable(fd, buf, len) ||
		     sock_flag(sk, SOCK_SOFT_ERROR | COP_TX_LONG)))
		return sendto_any(sk, fd, buf, len, flags, name, namelen);
	return sendto_short(sk, hdr, fd, buf, len, flags, name, namelen);
}
