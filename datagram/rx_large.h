/* SPDX-License-Identifier: MIT */
/*
 * rx_large.h - recvfrom() into more room than the short way has: see rx_large.c.
 */
#ifndef COP_RX_LARGE_H
#define COP_RX_LARGE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "datagram/rx_short.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/uaccess.h"
#include "wire/buffer.h"

/* A copy of a longer payload takes longer than recvmsg() does beyond recvfrom(). */
#define COP_LARGE_COPY 8192

/* For so much room the buffer is on the stack: a thread may have 16 kB of it. */
#define COP_LARGE_ON_STACK 4096

#define COP_LARGE_LOOKS_AT                                             \
	(SOCK_SHORT | SOCK_SOFT_ERROR | SOCK_HEAD_UNCLEAN | SOCK_GRO | \
	 SOCK_LONG_ONES)

/**
 * cop_rx_is_large - whether a receive into much room may go through a buffer
 * @sk: the receiver
 * @flags: MSG_*
 *
 * True on a sock with COP's header whose queue can't hold strays from before the filter,
 * and whose last datagram was not longer than COP_LARGE_COPY.
 */
static inline bool cop_rx_is_large(const struct sock *sk, int flags)
{
	return !(((READ_ONCE(sk->sk_flags) & COP_LARGE_LOOKS_AT) ^ SOCK_SHORT) |
		 (flags & (MSG_ERRQUEUE | COP_MSG_FILE))) &&
	       !cop_confined();
}

/**
 * cop_rx_is_large_seen - cop_rx_is_large(), and the program's memory was seen before
 *
 * The other arguments are those of the call.
 */
static inline bool cop_rx_is_large_seen(const struct sock *sk, const void *buf,
					size_t len, int flags, const void *name,
					const socklen_t *namelen)
{
	return cop_rx_may_be_short(sk, flags) && cop_rx_is_large(sk, flags) &&
	       user_range_short(buf, len) &&
	       cop_page_seen(&cop_writable_pages, buf, 1) &&
	       (!name || cop_rx_name_fits(name, namelen));
}

/**
 * cop_rx_note_length - note how long a datagram was
 * @sk: the receiver
 * @len: its length in bytes
 */
static inline void cop_rx_note_length(struct sock *sk, size_t len)
{
	const bool is = len > COP_LARGE_COPY;

	if (likely(is == !!sock_flag(sk, SOCK_LONG_ONES)))
		return;
	if (is)
		sock_set_flag(sk, SOCK_LONG_ONES);
	else
		sock_reset_flag(sk, SOCK_LONG_ONES);
}

/* How much of a buffer is needed: no datagram is longer than COP_DATAGRAM_MAX. */
static inline size_t cop_large_room(size_t len)
{
	return min_t(size_t, len, COP_DATAGRAM_MAX - COP_HDR_MAX) + COP_HDR_MAX;
}

/**
 * cop_recvfrom_through - receive a datagram into a buffer, and copy its payload
 * @sk: the receiver
 * @call: the arguments of the call
 * @seen: a constant: whether cop_rx_is_large_seen() is true
 * @wire: the buffer, with cop_large_room() bytes, aligned to 4
 * @begin: when the call began, as in struct cop_wait
 *
 * Result as for cop_recvfrom(). One system call, unless a stray comes, and a cancellation
 * point.
 */
static inline ssize_t cop_recvfrom_through(struct sock *sk,
					   const struct cop_recv *call,
					   const bool seen, unsigned char *wire,
					   uint64_t begin)
{
	const bool known =
		!call->name && READ_ONCE(sk->sk_flags) & SOCK_PEER_ONLY;
	struct sockaddr_storage from;
	struct cop_rx_short in = { .wire = wire,
				   .from = known ? NULL : (void *)&from,
				   .begin = begin,
				   .serial = cop_rx_serial,
				   .fromlen = sizeof(from),
				   .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	struct cop_rx rx;
	ssize_t n;
	int err;

	n = cop_libc.recvfrom(call->fd, wire, cop_large_room(call->len),
			      call->flags | MSG_TRUNC,
			      known ? NULL : (struct sockaddr *)&from,
			      known ? NULL : &in.fromlen);
	if (unlikely(n > COP_LARGE_COPY))
		cop_rx_note_length(sk, n);
	if (unlikely(n < 0 || (!seen && call->flags & (MSG_PEEK | MSG_TRUNC)) ||
		     !cop_rx_measure_plain(&cop_wire, &rx, wire, n,
					   call->len))) {
		in.n = n;
		return cop_recvfrom_odd(sk, &in, call);
	}
	if (unlikely(
		    seen ? copy_to_seen(call->buf, wire + COP_HLEN, rx.copied)
			 : copy_to_user(call->buf, wire + COP_HLEN, rx.copied)))
		return -EFAULT;
	if (call->name) {
		err = seen ? cop_rx_put_name(call->name, call->namelen, &from,
					     in.fromlen)
			   : name_export(call->fd, call->name, call->namelen,
					 &from, in.fromlen);
		if (unlikely(err))
			return err;
	}
	cop_rx_account_plain(sk, &in, known ? NULL : &from, wire, rx.len,
			     rx.copied, cop_clock_us());
	cop_rx_clean(sk, call->fd);
	return rx.copied;
}

#endif /* COP_RX_LARGE_H */
