// SPDX-License-Identifier: MIT
/*
 * filter/filter.c - keeps strays from waking a program: a BPF filter on the kernel
 * socket drops the ones that come, and the library drops the ones that are queued.
 *
 * Owns: SOCK_FILTER*. Protected by: atomic flags, and the sock's lock. Counterpart in
 * the kernel: sk_filter() in udp_queue_rcv_one_skb().
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "wire/owner.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "filter/filter.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "filter/mark.h"
#include "datagram/proto.h"
#include "wire/stray.h"
#include "datagram/tx.h"

/* The most strays that one purge takes: new ones may come as fast as it takes them. */
#define PURGE_MAX 4096

/* The bytes of the receive buffer that the smallest datagram uses in the kernel. */
#define TRUESIZE_MIN 256

/* With COP_DEBUG the library sets no filter, so the queue may always hold strays. */
void cop_filter_init(struct sock *sk)
{
	if (unlikely(cop_env.debug))
		sock_set_flag(sk, SOCK_FILTER | SOCK_HEAD_UNCLEAN);
}

void cop_head_clean(struct sock *sk)
{
	if (likely(!cop_env.debug))
		sock_reset_flag(sk, SOCK_HEAD_UNCLEAN);
}

/*
 * A notice about the path's MTU comes ahead of the first datagram, and this look takes
 * it. The datagram is what is to be looked at.
 */
static ssize_t head_peek(const struct sock *sk, int fd, void *hdr,
			 union cop_addr *from)
{
	const int flags = MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT;
	const size_t hlen = sk_wire(sk)->hlen;
	socklen_t fromlen = sizeof(*from);
	ssize_t n = cop_libc_result(
		cop_libc.recvfrom(fd, hdr, hlen, flags, &from->sa, &fromlen));

	if (likely(n) || cop_addr_port(from) ||
	    !sock_tells_path_mtu(fd, sk->sk_family))
		return n;
	return cop_libc_result(
		cop_libc.recvfrom(fd, hdr, hlen, flags, &from->sa, &fromlen));
}

/*
 * Looks at the first datagram in the queue. A look would take a pending error from
 * the program, so poll() asks first, and then there is no look. A socket that was
 * shut down has its end behind the last datagram.
 */
static enum cop_head head_look(const struct sock *sk, int fd, struct cop_rx *rx,
			       union cop_addr *from)
{
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4)));
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLRDHUP };
	ssize_t n;

	if (cop_libc.poll(&ready, 1, 0) <= 0)
		return HEAD_EMPTY;
	if (ready.revents & (POLLERR | POLLNVAL))
		return HEAD_ERROR;
	n = head_peek(sk, fd, hdr, from);
	if (n == -ENOTSOCK)
		return HEAD_GONE;
	if (n < 0)
		return n == -EAGAIN && !(ready.revents & POLLRDHUP)
			       ? HEAD_EMPTY
			       : HEAD_ERROR;
	rx->len = n;
	rx->stray = cop_wire_check(sk_wire(sk), hdr, n, &rx->hdr);
	if (rx->stray != COP_NO_STRAY)
		return HEAD_STRAY;
	rx->len -= rx->hdr.len;
	return HEAD_COP;
}

/*
 * The sock's lock lets one thread at a time look at the first datagram and take it.
 * Without the lock another thread could take the stray in between, and this one
 * would take the COP datagram behind it.
 */
static enum cop_head head_purge(struct sock *sk, int fd, struct cop_rx *rx)
{
	union cop_addr from = { 0 };
	unsigned int most = PURGE_MAX;
	enum cop_head head;
	char none;

	while ((head = head_look(sk, fd, rx, &from)) == HEAD_STRAY && --most) {
		if (!cop_owns(sk, fd))
			return HEAD_GONE;
		cop_libc.recv(fd, &none, 0, MSG_DONTWAIT);
		cop_rx_stray(sk, fd, rx->stray, &from, sizeof(from));
	}
	if (head == HEAD_EMPTY)
		cop_head_clean(sk);
	return head;
}

enum cop_head cop_head_purge(struct sock *sk, int fd, struct cop_rx *rx)
{
	struct cop_held held;
	enum cop_head head;

	cop_lock(&cop_sk(sk)->lock, &held);
	head = head_purge(sk, fd, rx);
	cop_unlock(&cop_sk(sk)->lock, &held);
	return head;
}

/* The queue holds at most so many datagrams from before the filter. */
void cop_filter_attached(struct sock *sk)
{
	unsigned int most = READ_ONCE(sk->sk_rcvbuf) / TRUESIZE_MIN;

	WRITE_ONCE(cop_sk(sk)->unclean, most);
	sock_set_flag(sk, SOCK_FILTER | SOCK_HEAD_UNCLEAN);
}

void cop_head_taken(struct sock *sk)
{
	unsigned int left = READ_ONCE(cop_sk(sk)->unclean);

	if (!sock_flag(sk, SOCK_FILTER))
		return;
	if (left)
		WRITE_ONCE(cop_sk(sk)->unclean, left - 1);
	else
		cop_head_clean(sk);
}

/*
 * Another process may have set the filter already, or the program's own filter,
 * which drops strays as well. Then this leaves it as it is.
 */
static int filter_set(struct sock *sk, int fd)
{
	struct cop_mark_held held;
	struct cop_mark mark;
	int err = 0;

	if (!cop_mark_lock(sk, fd, &held))
		err = -EBADF;
	else if (cop_program_read(sk_wire(sk), held.fd, &mark) ||
		 mark.body == COP_BODY_ALL)
		err = cop_mark_filter_locked(sk, fd, &held, COP_BODY_COP, -1);
	cop_mark_unlock(sk, &held);
	return err;
}

static void filter_attach(struct sock *sk, int fd)
{
	if (filter_set(sk, fd))
		return;
	cop_debug(fd, "has a filter that drops strays");
	cop_filter_attached(sk);
	sock_set_flag(sk, SOCK_FILTER_NEW);
}

/*
 * A forked child that was about to exec may have marked the socket at that moment,
 * and so have put back the old program, which lets everything in.
 */
static void filter_look_again(struct sock *sk, int fd)
{
	struct cop_mark mark;

	sock_reset_flag(sk, SOCK_FILTER_NEW);
	if (cop_program_read(sk_wire(sk), fd, &mark) ||
	    mark.body != COP_BODY_ALL)
		return;
	sock_set_flag(sk, SOCK_HEAD_UNCLEAN);
	filter_attach(sk, fd);
}

static noinline bool poll_unclean(struct sock *sk, int fd)
{
	struct cop_rx rx;

	if (cop_confined() || !cop_owns(sk, fd))
		return true;
	if (!sock_flag(sk, SOCK_FILTER))
		filter_attach(sk, fd);
	else if (sock_flag(sk, SOCK_FILTER_NEW))
		filter_look_again(sk, fd);
	return cop_head_is_clean(READ_ONCE(sk->sk_flags)) ||
	       cop_head_purge(sk, fd, &rx) != HEAD_EMPTY;
}

static bool is_clean(struct sock *sk)
{
	const uint32_t flags = READ_ONCE(sk->sk_flags);

	return cop_head_is_clean(flags) && !(flags & SOCK_FILTER_NEW);
}

/* A transport may have an operation of its own. */
bool cop_poll_is_done(struct sock *sk)
{
	return READ_ONCE(sk->sk_prot)->poll == cop_poll && is_clean(sk);
}

bool cop_poll(struct sock *sk, int fd)
{
	if (unlikely(!is_clean(sk)))
		return poll_unclean(sk, fd);
	return true;
}
