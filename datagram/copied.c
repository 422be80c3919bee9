// SPDX-License-Identifier: MIT
/*
 * datagram/copied.c - one datagram in or out of a process that has confined itself.
 *
 * Such a process may be allowed only the system calls that its program makes. So the
 * library makes the program's own call, which has one buffer, and copies header and
 * payload together.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * udp_sendmsg() and udp_recvmsg().
 */
#include <errno.h>
#include <string.h>

#include "datagram/copied.h"
#include "datagram/ends.h"
#include "datagram/gro.h"
#include "datagram/proto.h"
#include "datagram/rx.h"
#include "datagram/strays.h"
#include "flow/flow.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "wire/buffer.h"
#include "wire/coded.h"
#include "wire/ends.h"
#include "wire/hdr.h"
#include "wire/stray.h"

static ssize_t send_wire(int fd, const void *wire, size_t len, int flags,
			 const void *name, socklen_t namelen)
{
	if (cop_by_file(flags))
		return cop_libc_result(cop_libc.write(fd, wire, len));
	return cop_libc_result(
		cop_libc.sendto(fd, wire, len, flags, name, namelen));
}

static ssize_t send_behind(struct sock *sk, int fd, const struct cop_tx *tx,
			   const void *hdr, const void *buf, size_t len,
			   int flags, const void *name, socklen_t namelen)
{
	const int hlen = sk_wire(sk)->hlen;
	const int around = hlen + sk_wire(sk)->overhead;
	unsigned char wire[around + len] __attribute__((aligned(8)));
	ssize_t n;

	memcpy(wire, hdr, hlen);
	if (len)
		memcpy(wire + hlen, buf, len);
	n = sk_wire(sk)->encode ? cop_encode(sk, fd, tx, wire, wire + hlen) : 0;
	if (!n)
		n = send_wire(fd, wire, sizeof(wire), flags, name, namelen);
	return n < around ? n : n - around;
}

ssize_t cop_send_copied(struct sock *sk, int fd, const struct cop_tx *tx,
			const void *hdr, const void *buf, size_t len, int flags,
			const void *name, socklen_t namelen)
{
	if (!hdr)
		return send_wire(fd, buf, len, flags, name, namelen);
	return send_behind(sk, fd, tx, hdr, buf, len, flags, name, namelen);
}

/* read() does not return the sender. It can only be the peer, if there is one. */
static ssize_t read_wire(struct sock *sk, int fd, void *wire, size_t len,
			 struct cop_arrived *a)
{
	a->fromlen = READ_ONCE(sk->sk_state) == COP_ESTABLISHED
			     ? cop_peer_name(sk, &a->from)
			     : 0;
	return cop_libc_result(cop_libc.read(fd, wire, len));
}

static ssize_t recv_wire(struct sock *sk, int fd, void *wire, size_t len,
			 int flags, struct cop_arrived *a)
{
	a->rx.joined = false;
	a->rx.serial = cop_rx_serial;
	a->rx.gen = READ_ONCE(cop_sk(sk)->flows.gen);
	if (cop_by_file(flags))
		return read_wire(sk, fd, wire, len, a);
	a->fromlen = sizeof(a->from);
	return cop_libc_result(
		cop_libc.recvfrom(fd, wire, len, flags | MSG_TRUNC,
				  (struct sockaddr *)&a->from, &a->fromlen));
}

/*
 * If @a is a stray, count and drop it, and return true. A receive of 0 bytes without
 * a sender is the end of a socket that was shut. read() never returns a sender, so an
 * empty stray looks like the end to it.
 */
static bool drop_stray(struct sock *sk, int fd, int flags, ssize_t n,
		       struct cop_arrived *a)
{
	if (a->rx.stray == COP_NO_STRAY)
		return false;
	if (!n && (cop_by_file(flags) || !a->fromlen))
		return false;
	cop_rx_stray(sk, fd, a->rx.stray, &a->from, a->fromlen);
	if (flags & MSG_PEEK)
		cop_rx_discard(fd);
	return true;
}

static void measure_coded(struct sock *sk, unsigned char *wire, size_t n,
			  size_t cap, int flags, struct cop_arrived *a)
{
	struct cop_ends ends;

	cop_ends_source(&a->from, a->fromlen, &ends);
	cop_ends_own(sk, &ends);
	cop_coded_measure(sk, &a->rx, wire, n, cap, flags,
			  sk_wire(sk)->ends ? &ends : NULL);
}

static void measure(struct sock *sk, int fd, unsigned char *wire, size_t room,
		    size_t n, size_t cap, int flags, struct cop_arrived *a)
{
	cop_rx_measure(sk_wire(sk), &a->rx, wire, n, cap);
	if (unlikely(sock_flag(sk, SOCK_GRO)) && a->rx.stray == COP_NO_STRAY)
		cop_gro_unjoin(sk, fd, wire, room, n, cap, flags, &a->from,
			       a->fromlen, &a->rx);
}

/* @wire has room for @room bytes. */
static int recv_in(struct sock *sk, int fd, void *buf, size_t cap, int flags,
		   struct cop_arrived *a, unsigned char *wire, size_t room)
{
	ssize_t n;

	do {
		n = recv_wire(sk, fd, wire, room, flags, a);
		if (n < 0)
			return n;
		if (sk_wire(sk)->decode)
			measure_coded(sk, wire, min_t(size_t, n, room), cap,
				      flags, a);
		else
			measure(sk, fd, wire, room, n, cap, flags, a);
	} while (drop_stray(sk, fd, flags, n, a));
	if (a->rx.stray == COP_NO_STRAY && a->rx.copied)
		memcpy(buf, wire + a->rx.hdr.len, a->rx.copied);
	return 0;
}

/* The arguments of recv_coded(). */
struct recv_args {
	struct sock *sk;
	int fd;
	void *buf;
	size_t cap;
	int flags;
	struct cop_arrived *a;
};

static ssize_t recv_in_buffer(struct cop_buffer *buffer, void *args)
{
	const struct recv_args *to = args;

	buffer->used = sk_wire(to->sk)->plain ? 0 : COP_DATAGRAM_MAX;
	return recv_in(to->sk, to->fd, to->buf, to->cap, to->flags, to->a,
		       buffer->data, COP_DATAGRAM_MAX);
}

/* A stack may be smaller than a whole datagram. */
static noinline int recv_coded(struct sock *sk, int fd, void *buf, size_t cap,
			       int flags, struct cop_arrived *a)
{
	struct recv_args to = { sk, fd, buf, cap, flags, a };

	return cop_buffer_use(recv_in_buffer, &to);
}

static noinline int recv_plain(struct sock *sk, int fd, void *buf, size_t cap,
			       int flags, struct cop_arrived *a)
{
	const size_t headers =
		unlikely(sock_flag(sk, SOCK_GRO)) ? COP_GRO_JOINED_MAX : 1;
	unsigned char wire[headers * COP_HDR_MAX + cap]
		__attribute__((aligned(8)));

	return recv_in(sk, fd, buf, cap, flags, a, wire, sizeof(wire));
}

int cop_recv_copied(struct sock *sk, int fd, void *buf, size_t len, int flags,
		    struct cop_arrived *a)
{
	const size_t cap = min_t(size_t, len, COP_DATAGRAM_MAX);

	if (unlikely(sk_wire(sk)->decode))
		return recv_coded(sk, fd, buf, cap, flags, a);
	return recv_plain(sk, fd, buf, cap, flags, a);
}
