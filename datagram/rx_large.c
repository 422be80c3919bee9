// SPDX-License-Identifier: MIT
/*
 * datagram/rx_large.c - recvfrom() of a transport: into more room than the short way has,
 * and with a header that is not COP's.
 *
 * Many programs have room for the longest datagram, and receive short ones. The kernel
 * takes longer for recvmsg() with an iovec for the header than for recvfrom() and a copy
 * of a short payload. So the datagram comes into a buffer of the library's. Where long
 * payloads come, recvmsg() puts them in place. The interpose room has what is the same
 * for memory that was seen before.
 *
 * Owns: SOCK_LONG_ONES, a guess. Protected by: an atomic flag; each call has a buffer of
 * its own. Counterpart in the kernel: udp_recvmsg() in net/ipv4/udp.c.
 */
#include <pthread.h>

#include "datagram/rx_large.h"
#include "datagram/wait.h"
#include "lib/cancel.h"

static noinline ssize_t on_stack(struct sock *sk, const struct cop_recv *call,
				 uint64_t begin)
{
	unsigned char wire[COP_HDR_MAX + COP_LARGE_ON_STACK]
		__attribute__((aligned(4)));

	return cop_recvfrom_through(sk, call, false, wire, begin);
}

static ssize_t recv_through(struct sock *sk, const struct cop_recv *call,
			    uint64_t begin)
{
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer;
	ssize_t n;

	if (call->len <= COP_LARGE_ON_STACK)
		return on_stack(sk, call, begin);
	buffer = cop_buffer_get();
	if (unlikely(!buffer))
		return cop_recvfrom_any(sk, call->fd, call->buf, call->len,
					call->flags, call->name, call->namelen,
					begin);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	n = cop_recvfrom_through(sk, call, false, buffer->data, begin);
	_pthread_cleanup_pop(&cleanup, 1);
	return n;
}

/* Whether a datagram is no stray, which @rx then describes. */
static bool measure_any(const struct cop_wire *hdr, struct cop_rx *rx,
			const void *wire, size_t n, size_t cap)
{
	rx->stray = cop_wire_check(hdr, wire, n, &rx->hdr);
	rx->len = n - rx->hdr.len;
	rx->copied = min_t(size_t, rx->len, cap);
	return rx->stray == COP_NO_STRAY;
}

/*
 * cop_recvfrom_short() with any header, for arguments that were checked.
 * @begin: when the call began, as in struct cop_wait
 */
static ssize_t recvfrom_short(struct sock *sk, const struct cop_wire *hdr,
			      const struct cop_recv *call, uint64_t begin)
{
	unsigned char wire[COP_HDR_MAX + COP_COPY_MAX]
		__attribute__((aligned(4)));
	const bool known =
		!call->name && READ_ONCE(sk->sk_flags) & SOCK_PEER_ONLY;
	struct cop_rx rx = { .serial = cop_rx_serial,
			     .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	struct cop_rx_short in = {
		.wire = wire, .begin = begin, .serial = rx.serial, .gen = rx.gen
	};
	struct sockaddr_storage from;
	struct cop_peer peer;
	int err = 0;

	in.fromlen = sizeof(from);
	in.n = cop_libc.recvfrom(call->fd, wire, COP_HDR_MAX + call->len,
				 call->flags | MSG_TRUNC,
				 known ? NULL : (struct sockaddr *)&from,
				 known ? NULL : &in.fromlen);
	in.from = known ? NULL : &from;
	if (unlikely(in.n < 0) ||
	    unlikely(!measure_any(hdr, &rx, wire, in.n, call->len)) ||
	    unlikely(call->flags & MSG_PEEK))
		return cop_recvfrom_odd(sk, &in, call);
	if (copy_to_user(call->buf, wire + rx.hdr.len, rx.copied))
		return -EFAULT;
	rx.now = cop_clock_us();
	if (call->name)
		err = name_export(call->fd, call->name, call->namelen, &from,
				  in.fromlen);
	if (err)
		return err;
	peer = cop_rx_sender(sk, in.from, in.fromlen);
	cop_rx_account_from(sk, hdr, false, &peer, &rx, &rx.hdr);
	cop_rx_clean(sk, call->fd);
	return cop_rx_length(&rx, call->flags);
}

/* The interpose room has what the short way is meant for, unless it is a module's. */
ssize_t cop_recvfrom(struct sock *sk, int fd, void *buf, size_t len, int flags,
		     void *name, socklen_t *namelen)
{
	const struct cop_recv call = { .buf = buf,
				       .len = len,
				       .name = name,
				       .namelen = namelen,
				       .fd = fd,
				       .flags = flags };
	const struct cop_wire *hdr = sk_wire(sk);
	const uint64_t begin = cop_wait_begin(sk).begin;

	if (len > COP_COPY_MAX && likely(cop_rx_is_large(sk, flags)))
		return recv_through(sk, &call, begin);
	if (unlikely(len > COP_COPY_MAX ||
		     flags & (MSG_ERRQUEUE | COP_MSG_FILE) ||
		     sock_flag(sk, SOCK_SOFT_ERROR) ||
		     sock_flag(sk, SOCK_GRO) ||
		     is_head_unclean(READ_ONCE(sk->sk_flags)) || hdr->decode))
		return cop_recvfrom_any(sk, fd, buf, len, flags, name, namelen,
					begin);
	return recvfrom_short(sk, hdr, &call, begin);
}
