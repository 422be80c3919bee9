// SPDX-License-Identifier: MIT
/*
 * datagram/copied.c - one datagram out, or in, of a process that has confined itself:
 * by the very system call that the program made, from one buffer to another. So
 * header and payload are copied together.
 *
 * Owns: nothing. Protected by: as in datagram/datagram.c. May call: datagram/datagram.c's
 * cop_tx_* and cop_rx_*, wire/encap.c and the kernel. Counterpart in the kernel:
 * udp_sendmsg() and udp_recvmsg().
 */
#include <errno.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/encap.h"
#include "flow/flow.h"
#include "lib/libc.h"
#include "datagram/proto.h"
#include "wire/stray.h"
#include "datagram/tx.h"

static ssize_t send_wire(int fd, const void *wire, size_t len, int flags,
			 const void *name, socklen_t namelen)
{
	if (cop_by_file(flags))
		return cop_libc_result(cop_libc.write(fd, wire, len));
	return cop_libc_result(
		cop_libc.sendto(fd, wire, len, flags, name, namelen));
}

static ssize_t send_behind(int fd, const struct cophdr *hdr, const void *buf,
			   size_t len, int flags, const void *name,
			   socklen_t namelen)
{
	unsigned char wire[COP_HLEN + len];
	ssize_t n;

	memcpy(wire, hdr, COP_HLEN);
	if (len)
		memcpy(wire + COP_HLEN, buf, len);
	n = send_wire(fd, wire, sizeof(wire), flags, name, namelen);
	return n < COP_HLEN ? n : n - COP_HLEN;
}

ssize_t cop_sendto_copied(struct sock *sk, int fd, const void *buf, size_t len,
			  int flags, const void *name, socklen_t namelen)
{
	struct cop_tx tx;
	ssize_t n;

	if (len > COP_DATAGRAM_MAX) /* for the kernel's EMSGSIZE */
		return send_wire(fd, buf, len, flags, name, namelen);
	cop_tx_begin(sk, name, namelen, len, cop_clock_us(), &tx);
	n = send_behind(fd, &tx.hdr, buf, len, flags, name, namelen);
	cop_tx_end(sk, &tx, n);
	return n;
}

/* What came, and from whom. */
struct arrived {
	struct cop_rx rx;
	struct sockaddr_storage from;
	socklen_t fromlen;
};

/* A read of a file is not told who has sent it: only one peer can have. */
static ssize_t read_wire(struct sock *sk, int fd, void *wire, size_t len,
			 struct arrived *a)
{
	struct sockaddr_in *peer = (struct sockaddr_in *)&a->from;

	a->fromlen = 0;
	if (READ_ONCE(sk->sk_state) == COP_ESTABLISHED) {
		peer->sin_family = AF_INET;
		peer->sin_port = READ_ONCE(sk->sk_dport);
		peer->sin_addr.s_addr = READ_ONCE(sk->sk_daddr);
		a->fromlen = sizeof(*peer);
	}
	return cop_libc_result(cop_libc.read(fd, wire, len));
}

static ssize_t recv_wire(struct sock *sk, int fd, void *wire, size_t len,
			 int flags, struct arrived *a)
{
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
 * Whether a stray was it, which is counted and gone. The end of a socket that was
 * shut has no sender; of a read nobody can tell, so that it ends with nothing.
 */
static bool sift(struct sock *sk, int fd, int flags, ssize_t n,
		 struct arrived *a)
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

/* Returns bytes of the datagram in @wire, or -errno. */
static ssize_t recv_sifted(struct sock *sk, int fd, void *wire, size_t cap,
			   int flags, struct arrived *a)
{
	ssize_t n;

	do {
		n = recv_wire(sk, fd, wire, COP_HLEN_MAX + cap, flags, a);
		if (n < 0)
			return n;
		cop_rx_measure(&a->rx, wire, n, cap);
	} while (sift(sk, fd, flags, n, a));
	return n;
}

ssize_t cop_recvfrom_copied(struct sock *sk, int fd, void *buf, size_t len,
			    int flags, void *name, socklen_t *namelen)
{
	const size_t cap = min_t(size_t, len, COP_DATAGRAM_MAX);
	unsigned char wire[COP_HLEN_MAX + cap] __attribute__((aligned(4)));
	struct arrived a;
	ssize_t n = recv_sifted(sk, fd, wire, cap, flags, &a);

	if (n < 0)
		return n;
	if (name) {
		memcpy(name, &a.from, min_t(socklen_t, *namelen, a.fromlen));
		*namelen = a.fromlen;
	}
	if (a.rx.stray != COP_NO_STRAY)
		return 0;
	if (a.rx.copied)
		memcpy(buf, wire + cop_hdr_len(&a.rx.hdr), a.rx.copied);
	if (!(flags & MSG_PEEK)) {
		a.rx.now = cop_clock_us();
		cop_rx_account(sk, &a.from, a.fromlen, &a.rx);
	}
	return flags & MSG_TRUNC ? a.rx.len : a.rx.copied;
}
