/* SPDX-License-Identifier: MIT */
/*
 * tx_short.h - the short way out, for a small datagram: one function without a call
 * but libc's, compiled into each call of the interpose room.
 *
 * The kernel spoils the processor's predictions of returns during a system call, so
 * each return between it and the program costs more than the work of a function.
 */
#ifndef COP_TX_SHORT_H
#define COP_TX_SHORT_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "datagram/ends.h"
#include "datagram/proto.h"
#include "datagram/tx.h"
#include "flow/flow.h"
#include "lib/atomic.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

/* A send that autobinds has no sk_num yet, but has claimed its port. */
static inline __be16 cop_tx_source(const struct sock *sk)
{
	uint16_t snum = READ_ONCE(sk->sk_num);

	return htons(likely(snum) ? snum : READ_ONCE(cop_sk(sk)->armed));
}

static inline void cop_tx_find_peer(struct sock *sk, struct cop_tx *tx)
{
	tx->flow = COP_TX_NONE;
	tx->to.end.port = 0;
	if (likely(READ_ONCE(sk->sk_state) == COP_ESTABLISHED)) {
		tx->to.end.port = READ_ONCE(sk->sk_daddr.port);
		tx->flow = COP_TX_PEER;
	}
}

/* cop_tx_find() for a name that is not IPv4's, or on a connected sock. */
void cop_tx_find_any(struct sock *sk, const void *name, socklen_t len,
		     struct cop_tx *tx);

/* Find a datagram's flow. */
static inline void cop_tx_find(struct sock *sk, const void *name, socklen_t len,
			       struct cop_tx *tx)
{
	if (!name) {
		cop_tx_find_peer(sk, tx);
		return;
	}
	tx->flow = COP_TX_TABLE;
	if (unlikely(READ_ONCE(sk->sk_state) == COP_ESTABLISHED) ||
	    unlikely(!cop_peer_of_in(name, len, &tx->to)))
		cop_tx_find_any(sk, name, len, tx);
}

/* Give a datagram's number back, and count the error. Returns -errno. */
ssize_t cop_tx_failed(struct sock *sk, struct cop_tx tx);

/* What cop_tx_counted_failed() has to know, kept in memory meanwhile. */
struct cop_counted {
	uint64_t word; /* cop_tx.to.word */
	uint64_t seq;
	enum cop_tx_flow flow;
};

/* cop_tx_failed() for a datagram that cop_tx_number_counted() has counted. */
ssize_t cop_tx_counted_failed(struct sock *sk,
			      const struct cop_counted *counted,
			      size_t payload);

/* cop_tx_number() for a caller that has asked one_thread() already. */
static inline uint64_t cop_tx_number_as(struct sock *sk,
					const struct cop_tx *tx, uint64_t now,
					const bool alone)
{
	struct cop_sock *cop = cop_sk(sk);

	if (tx->flow == COP_TX_TABLE)
		return cop_flow_next_as(&cop->flows, &tx->to, tx->payload, now,
					alone);
	if (tx->flow == COP_TX_PEER)
		return cop_sent_next_as(&cop->peer, tx->payload, now, alone);
	return 0;
}

/* The datagram's number in its flow; 0 without a flow. */
static inline uint64_t cop_tx_number(struct sock *sk, const struct cop_tx *tx,
				     uint64_t now)
{
	return cop_tx_number_as(sk, tx, now, one_thread());
}

/* Count @n datagrams with @len bytes of payload in all. */
static inline void cop_tx_count_many(struct sock *sk, uint32_t n, size_t len,
				     const bool alone)
{
	struct cop_counters *count = &cop_sk(sk)->count;

	u32_count(&count->tx_datagrams, n, alone);
	u64_count(&count->tx_bytes, len, alone);
}

static inline void cop_tx_count_as(struct sock *sk, size_t len,
				   const bool alone)
{
	cop_tx_count_many(sk, 1, len, alone);
}

static inline void cop_tx_count(struct sock *sk, size_t len)
{
	cop_tx_count_as(sk, len, one_thread());
}

/*
 * The datagram's number. Counts the datagram ahead of its send, where the counters of
 * its flow change too: one question whether the thread is alone serves for all.
 */
static inline uint64_t
cop_tx_number_counted(struct sock *sk, const struct cop_tx *tx, uint64_t now)
{
	if (likely(one_thread())) {
		cop_tx_count_as(sk, tx->payload, true);
		return cop_tx_number_as(sk, tx, now, true);
	}
	cop_tx_count_as(sk, tx->payload, false);
	return cop_tx_number_as(sk, tx, now, false);
}

/* Find a datagram's flow, number the datagram and count it. */
void cop_tx_counted(struct sock *sk, const void *name, socklen_t len,
		    size_t payload, uint64_t now, struct cop_tx *tx);

/*
 * cop_tx_counted() in the calls: for a thread that is alone, and a datagram to the peer or
 * to the first destination.
 */
static inline struct cop_tx
cop_tx_counted_short(struct sock *sk, const bool named, const void *name,
		     const socklen_t *len, size_t payload, uint64_t now)
{
	/* Two, as @tx is no pointer's target and so stays in registers. */
	struct cop_tx any, tx = { .payload = payload,
				  .flow = named ? COP_TX_TABLE : COP_TX_PEER };
	struct cop_sock *cop = cop_sk(sk);

	if (!named)
		tx.to.end.port = READ_ONCE(sk->sk_daddr.port);
	if (unlikely(!one_thread()) ||
	    (named && (unlikely(!cop_peer_of_in(
			       name, sizeof(struct sockaddr_in), &tx.to)) ||
		       unlikely(READ_ONCE(cop->flows.first) != tx.to.word)))) {
		cop_tx_counted(sk, named ? name : NULL, *len, payload, now,
			       &any);
		return any;
	}
	cop_tx_count_as(sk, payload, true);
	tx.seq = cop_sent_next_as(named ? &cop->flows.first_sent : &cop->peer,
				  payload, now, true);
	return tx;
}

/* A send of such a sock may be a part of a datagram, or several datagrams. */
#define COP_TX_LONG (SOCK_CORKED | SOCK_CORK_OPT | SOCK_SEGMENTS)

/*
 * Whether a datagram can take the short way, its payload apart: see cop_tx_is_short().
 * One branch costs less than two.
 */
static inline bool cop_tx_may_be_short(const struct sock *sk, int flags,
				       const void *name, socklen_t namelen)
{
	const uint32_t looks_at =
		SOCK_SHORT | SOCK_CONNECTED | SOCK_SOFT_ERROR | COP_TX_LONG;
	const uint32_t wants = SOCK_SHORT | (name ? 0 : SOCK_CONNECTED);
	const uint32_t is = READ_ONCE(sk->sk_flags) & looks_at;

	return !((is ^ wants) |
		 (flags & (MSG_MORE | COP_MSG_FILE | MSG_CMSG_COMPAT))) &&
	       (!name || (cop_name_fits(namelen) &&
			  cop_page_seen(&cop_readable_pages, name, namelen))) &&
	       READ_ONCE(inet_sk(sk)->inet_sport);
}

/**
 * cop_tx_is_short - whether a datagram can take the short way
 * @sk: the sender
 * @buf: the payload
 * @len: its length in bytes
 * @flags: MSG_*
 * @name: destination, or NULL for the peer
 * @namelen: bytes of @name
 *
 * True for a small payload and a name in memory that can be read, on a sock with COP's
 * header and a port. What is false is decided by sendto() of the transport.
 */
static inline bool cop_tx_is_short(const struct sock *sk, const void *buf,
				   size_t len, int flags, const void *name,
				   socklen_t namelen)
{
	return len <= COP_COPY_MAX &&
	       cop_page_seen(&cop_readable_pages, buf, len) &&
	       cop_tx_may_be_short(sk, flags, name, namelen);
}

/*
 * Arguments of a send, kept in memory during the call: a register that has to survive the
 * calls on the way takes four instructions, two of them to save it for the caller, and a
 * place in memory takes two.
 */
struct cop_send {
	const void *buf;
	const void *name; /* NULL: the peer */
	socklen_t namelen;
	int fd;
	int flags; /* MSG_* */
	int saved; /* errno before the call */
};

/**
 * cop_sendto_short - copy a payload behind COP's header and send it
 * @sk: the sender
 * @call: the arguments, of which cop_tx_is_short() is true
 * @len: the payload's length in bytes
 * @named: whether there is a name: a constant
 *
 * Returns @len or -errno. One system call, and a cancellation point.
 */
static inline ssize_t cop_sendto_short(struct sock *sk,
				       const struct cop_send *call, size_t len,
				       const bool named)
{
	unsigned char wire[COP_HLEN + COP_COPY_MAX] __attribute__((aligned(4)));
	const uint64_t now = cop_clock_us();
	struct cop_counted counted;
	struct cop_tx tx;

	cop_hdr_begin(wire, READ_ONCE(inet_sk(sk)->inet_sport), now);
	in_memory(wire);
	tx = cop_tx_counted_short(sk, named, call->name, &call->namelen, len,
				  now);
	counted = (struct cop_counted){ tx.to.word, tx.seq, tx.flow };
	in_memory(counted);
	cop_hdr_end(wire, tx.to.end.port, tx.seq);
	cop_copy(wire + COP_HLEN, call->buf, len);
	if (unlikely(cop_libc.sendto(call->fd, wire, COP_HLEN + len,
				     call->flags, named ? call->name : NULL,
				     named ? call->namelen : 0) < 0))
		return cop_tx_counted_failed(sk, &counted, len);
	return len;
}

/**
 * cop_tx_msg_is_short - whether a message can go by sendmsg() on the short way
 * @sk: the sender
 * @msg: a copy of the program's message, which has one buffer
 * @flags: MSG_*
 *
 * True as for cop_tx_is_short(), for a payload that fits any datagram, which the kernel
 * reads, and at most one control message, which another protocol than UDP has to judge.
 */
static inline bool cop_tx_msg_is_short(const struct sock *sk,
				       const struct msghdr *msg, int flags)
{
	const struct cmsghdr *cmsg = msg->msg_control;
	const struct iovec *iov = msg->msg_iov;

	return iov->iov_len <= COP_MAX_LEN &&
	       user_range_short(iov->iov_base, iov->iov_len) &&
	       cop_tx_may_be_short(sk, flags, msg->msg_name,
				   msg->msg_namelen) &&
	       (!msg->msg_controllen ||
		(msg->msg_controllen >= sizeof(*cmsg) &&
		 cop_range_seen(&cop_readable_pages, cmsg,
				msg->msg_controllen) &&
		 CMSG_ALIGN(cmsg->cmsg_len) >= msg->msg_controllen &&
		 cmsg->cmsg_level != IPPROTO_UDP));
}

/**
 * cop_sendmsg_short - send a message behind COP's header by sendmsg()
 * @sk: the sender
 * @fd: its descriptor
 * @msg: a copy of the program's message, of which cop_tx_msg_is_short() is true
 * @flags: MSG_*
 *
 * Returns as cop_sendto_short() does.
 */
static inline ssize_t cop_sendmsg_short(struct sock *sk, int fd,
					const struct msghdr *msg, int flags)
{
	unsigned char hdr[COP_HLEN] __attribute__((aligned(4)));
	struct iovec iov[2] = { { hdr, COP_HLEN }, *msg->msg_iov };
	const uint64_t now = cop_clock_us();
	struct msghdr whole = *msg;
	struct cop_counted counted;
	struct cop_tx tx;
	ssize_t n;

	tx = cop_tx_counted_short(sk, msg->msg_name, msg->msg_name,
				  &msg->msg_namelen, iov[1].iov_len, now);
	cop_hdr_build(hdr, READ_ONCE(inet_sk(sk)->inet_sport), tx.to.end.port,
		      tx.seq, now);
	whole.msg_iov = iov;
	whole.msg_iovlen = 2;
	counted = (struct cop_counted){ tx.to.word, tx.seq, tx.flow };
	in_memory(counted);
	n = cop_libc.sendmsg(fd, &whole, flags);
	if (unlikely(n < 0))
		return cop_tx_counted_failed(sk, &counted, tx.payload);
	return tx.payload;
}

#endif /* COP_TX_SHORT_H */
