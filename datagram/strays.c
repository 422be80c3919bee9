// SPDX-License-Identifier: MIT
/*
 * datagram/strays.c - a receive that has met a stray, or may meet one.
 *
 * Owns: nothing. Protected by: the sock's lock, for a queue that may hold strays
 * from before the filter. Counterpart in the kernel: the csum_copy_err path of
 * udp_recvmsg(), which drops a datagram and tries again.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "cop_table.h"
#include "datagram/gro.h"
#include "datagram/proto.h"
#include "datagram/segments.h"
#include "datagram/soft_error.h"
#include "datagram/strays.h"
#include "filter/filter.h"
#include "lib/cancel.h"
#include "lib/confine.h"
#include "lib/endpoint.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "port/bind.h"
#include "wire/encap.h"
#include "wire/owner.h"
#include "wire/stray.h"

/* An empty datagram has a sender. The end after a shutdown() has none. */
static bool is_end(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLRDHUP };
	int cancel, ready;

	if (cop_confined())
		return true;
	cancel = cancel_off();
	ready = cop_libc.poll(&end, 1, 0);
	cancel_on(cancel);
	return ready > 0 && end.revents & POLLRDHUP;
}

/*
 * After a send that was longer than the path's MTU, a socket with IPV6_RECVPATHMTU
 * receives the MTU in place of a datagram: as if from port 0 of the destination.
 */
static bool is_path_mtu(const struct sock *sk, int fd, const void *name,
			socklen_t len)
{
	struct cop_endpoint from;

	if (cop_endpoint_of(name, len, &from) && from.port)
		return false;
	return sock_tells_path_mtu(fd, sk->sk_family);
}

bool cop_rx_is_notice(const struct sock *sk, int fd, const void *name,
		      socklen_t len, const struct cop_rx *rx)
{
	if (rx->stray != COP_STRAY_SHORT || rx->len)
		return false;
	if (!name)
		len = 0;
	return (!len && is_end(fd)) || is_path_mtu(sk, fd, name, len);
}

/* The memory of the closed sock may be that of a new one, to which @fd leads. */
bool cop_rx_is_closed(struct sock *sk, int fd)
{
	struct socket *sock = READ_ONCE(sk->sk_socket);

	return !sock || sockfd_lookup(fd) != sock || cop_may_own(sk, fd);
}

void cop_rx_discard(int fd)
{
	char none;

	cop_libc.recv(fd, &none, 0, MSG_DONTWAIT);
}

static bool is_from(const union cop_addr *from, const void *name, socklen_t len)
{
	struct cop_endpoint is, was;

	return !cop_endpoint_of(name, len, &was) ||
	       (cop_endpoint_of(from, cop_addr_len(from), &is) &&
		cop_endpoint_equal(&is, &was));
}

/* Whether the stray that a look has seen, as @rx from @name, still is the first datagram. */
static bool is_first(struct sock *sk, int fd, const void *name, socklen_t len,
		     const struct cop_rx *rx)
{
	const int flags = MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT;
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	union cop_addr from = { 0 };
	socklen_t fromlen = sizeof(from);
	struct cop_hdr_info info = { 0 };
	ssize_t n = cop_libc_result(cop_libc.recvfrom(
		fd, hdr, sk_wire(sk)->hlen, flags, &from.sa, &fromlen));

	if (n < 0 && cop_is_from_icmp(n))
		cop_soft_error_set(sk, n);
	return n == (ssize_t)rx->len &&
	       cop_wire_check(sk_wire(sk), hdr, n, &info) == COP_NO_STRAY &&
	       info.seq == rx->hdr.seq && info.tstamp == rx->hdr.tstamp &&
	       is_from(&from, name, len);
}

/*
 * The header of such a stray is right, so no filter and no purge drops it. A look has
 * left it first in the queue. Another thread's receive may have taken it meanwhile: then
 * the first one may be good, and this returns false. Only between these two calls can a
 * receive, or a peek, still take the stray first: then the datagram behind it is lost.
 */
static bool drop_refused(struct sock *sk, int fd, const void *name,
			 socklen_t len, const struct cop_rx *rx)
{
	struct cop_held held;
	int cancel = cancel_off();
	bool first;

	cop_lock(&cop_sk(sk)->lock, &held);
	first = is_first(sk, fd, name, len, rx);
	if (first)
		cop_rx_discard(fd);
	cop_unlock(&cop_sk(sk)->lock, &held);
	cancel_on(cancel);
	return first;
}

/* What another thread has taken, it counts. */
static enum cop_stray_fate refused_fate(struct sock *sk, int fd, int flags,
					const void *name, socklen_t len,
					const struct cop_rx *rx)
{
	if (flags & MSG_PEEK && cop_confined())
		cop_rx_discard(fd);
	else if (flags & MSG_PEEK && !drop_refused(sk, fd, name, len, rx))
		return COP_STRAY_DROPPED;
	cop_rx_stray(sk, fd, COP_STRAY_PAYLOAD, name, len);
	return COP_STRAY_DROPPED;
}

enum cop_stray_fate cop_stray_fate(struct sock *sk, int fd, int flags,
				   const void *name, socklen_t len,
				   const struct cop_rx *rx)
{
	if (!cop_may_own(sk, fd))
		return COP_STRAY_STALE;
	if (cop_rx_is_notice(sk, fd, name, len, rx))
		return COP_STRAY_NOTICE;
	if (rx->stray == COP_STRAY_PAYLOAD)
		return refused_fate(sk, fd, flags, name, len, rx);
	if (!(flags & MSG_PEEK))
		cop_rx_stray(sk, fd, rx->stray, name, len);
	cop_head_stray(sk);
	cop_poll(sk, fd); /* drops it where MSG_PEEK has left it */
	if (cop_confined() && flags & MSG_PEEK)
		cop_rx_discard(fd);
	return COP_STRAY_DROPPED;
}

int cop_recv_unclean(struct sock *sk, int fd, struct msghdr *msg, int flags,
		     size_t cap, struct cop_rx *rx)
{
	struct cop_held held;
	int err;

	pthread_testcancel();
	cop_lock(&cop_sk(sk)->lock, &held);
	err = cop_rx_one(sk, fd, msg, flags | MSG_DONTWAIT, cap, rx);
	cop_unlock(&cop_sk(sk)->lock, &held);
	if (!err && !(flags & MSG_PEEK))
		cop_head_taken(sk);
	if (err != -EAGAIN)
		return err;
	cop_head_clean(sk);
	return cop_rx_one(sk, fd, msg, flags, cap, rx);
}

int cop_recv_watched(struct sock *sk, int fd, struct msghdr *msg, int flags,
		     size_t cap, struct cop_rx *rx)
{
	pthread_testcancel();
	cop_head_purge(sk, fd, rx);
	return cop_rx_one(sk, fd, msg, flags, cap, rx);
}
