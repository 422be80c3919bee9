// SPDX-License-Identifier: MIT
/*
 * datagram/rx_plain.c - one datagram in whose transport only reads the payload.
 *
 * A checksum may cover more than fits in the program's buffer, so the whole datagram
 * goes through a buffer of the library's.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has a buffer of its own.
 * Counterpart in the kernel: udp_lib_checksum_complete().
 */
#include <errno.h>
#include <pthread.h>

#include "datagram/rx.h"
#include "datagram/rx_plain.h"
#include "datagram/rx_short.h"
#include "datagram/wait.h"
#include "filter/filter.h"
#include "lib/cancel.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/pktinfo.h"
#include "wire/buffer.h"
#include "wire/coded.h"
#include "wire/ends.h"

/* What came. */
struct plain {
	struct cop_buffer *buffer;
	struct sockaddr_storage from;
	socklen_t fromlen;
	struct cop_ends ends;
};

/* The program wants no control messages, so there is room for the library's only. */
static ssize_t recv_with_dest(struct sock *sk, int fd, int flags,
			      struct plain *in)
{
	struct iovec iov = { in->buffer->data, COP_DATAGRAM_MAX };
	struct msghdr msg = { .msg_name = &in->from,
			      .msg_namelen = sizeof(in->from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = in->buffer->control,
			      .msg_controllen = sizeof(in->buffer->control) };
	ssize_t n =
		cop_libc_result(cop_libc.recvmsg(fd, &msg, flags | MSG_TRUNC));
	struct cmsghdr *cmsg;

	if (unlikely(n < 0))
		return n;
	in->fromlen = msg.msg_namelen;
	cop_ends_source(&in->from, in->fromlen, &in->ends);
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cop_pktinfo_dest(cmsg, READ_ONCE(sk->sk_family),
				     &in->ends.dest))
			break;
	return n;
}

/*
 * Whether all that comes was sent to the sock's own address. Once it is connected, the
 * queue may still have datagrams from before, to other addresses; also once it is bound
 * anew, after a disconnect.
 */
static bool knows_dest(struct sock *sk, struct plain *in)
{
	cop_ends_own(sk, &in->ends);
	return in->ends.dest.family != AF_UNSPEC &&
	       ((READ_ONCE(sk->sk_userlocks) & SOCK_BINDADDR_LOCK &&
		 !sock_flag(sk, SOCK_UNBOUND)) ||
		sock_flag(sk, SOCK_PEER_ONLY));
}

static ssize_t recv_whole(struct sock *sk, int fd, int flags, struct plain *in)
{
	ssize_t n;

	if (sk_wire(sk)->ends && unlikely(!knows_dest(sk, in)))
		return recv_with_dest(sk, fd, flags, in);
	in->fromlen = sizeof(in->from);
	n = cop_libc_result(cop_libc.recvfrom(
		fd, in->buffer->data, COP_DATAGRAM_MAX, flags | MSG_TRUNC,
		(struct sockaddr *)&in->from, &in->fromlen));
	if (likely(n >= 0))
		cop_ends_source(&in->from, in->fromlen, &in->ends);
	return n;
}

static bool is_short(struct sock *sk, int flags)
{
	return !(flags & (MSG_ERRQUEUE | COP_MSG_FILE)) && !cop_confined() &&
	       !sock_flag(sk, SOCK_SOFT_ERROR) && !cop_head_unclean(sk);
}

static void put_buffer(void *arg)
{
	struct plain *in = arg;

	cop_buffer_put(in->buffer);
}

ssize_t cop_recvfrom_plain(struct sock *sk, int fd, void *buf, size_t len,
			   int flags, void *name, socklen_t *namelen)
{
	const uint64_t begin = cop_wait_begin(sk).begin;
	struct cop_rx rx = { .serial = cop_rx_serial,
			     .gen = READ_ONCE(cop_sk(sk)->flows.gen) };
	struct _pthread_cleanup_buffer cleanup;
	struct plain in = { .buffer = is_short(sk, flags) ? cop_buffer_get()
							  : NULL };
	ssize_t n;

	if (unlikely(!in.buffer))
		return cop_recvfrom_any(sk, fd, buf, len, flags, name, namelen,
					begin);
	_pthread_cleanup_push(&cleanup, put_buffer, &in);
	n = recv_whole(sk, fd, flags, &in);
	if (likely(n >= 0)) {
		cop_coded_measure(sk, &rx, in.buffer->data,
				  min_t(size_t, n, COP_DATAGRAM_MAX), len,
				  flags, sk_wire(sk)->ends ? &in.ends : NULL);
		n = cop_recvfrom_rest(
			sk,
			&(struct cop_rx_short){ .wire = in.buffer->data,
						.from = &in.from,
						.fromlen = in.fromlen,
						.begin = begin },
			&rx,
			&(struct cop_recv){ .buf = buf,
					    .len = len,
					    .name = name,
					    .namelen = namelen,
					    .fd = fd,
					    .flags = flags });
	}
	_pthread_cleanup_pop(&cleanup, 1);
	return n;
}
