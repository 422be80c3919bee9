// SPDX-License-Identifier: MIT
/*
 * wire/coded.c - datagrams whose transport encodes their payload. Such a datagram is
 * put together and taken apart in a buffer of the library's.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has a buffer of its own.
 * Counterpart in the kernel: esp_output() and esp_input() in net/ipv4/esp4.c.
 */
#include <errno.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "socket/sock.h"
#include "wire/buffer.h"
#include "wire/coded.h"
#include "wire/payload.h"
#include "wire/send.h"

/* ---- out ------------------------------------------------------------------- */

/* The payload can't be read: nothing was sent. No errno has this value. */
#define UNREADABLE (-4095)

static ssize_t send_whole(int fd, const struct msghdr *msg, int flags)
{
	struct mmsghdr one = { .msg_hdr = *msg };
	int n;

	if (likely(!cop_by_many(flags)))
		return cop_libc_result(cop_libc.sendmsg(fd, msg, flags));
	n = cop_libc_result(
		cop_libc.sendmmsg(fd, &one, 1, flags & ~COP_MSG_MANY));
	return n < 0 ? n : (ssize_t)one.msg_len;
}

/* The arguments of cop_coded_send(). */
struct send_args {
	struct sock *sk;
	int fd;
	const void *hdr;
	const struct msghdr *msg;
	int flags;
	size_t len;
	const struct cop_ends *ends;
};

/* @buffer is filled in and sent. */
static ssize_t send_buffer(struct cop_buffer *buffer, void *args)
{
	const struct send_args *a = args;
	const struct cop_wire *wire = sk_wire(a->sk);
	unsigned char *payload = buffer->data + wire->hlen;
	struct iovec iov = { buffer->data,
			     wire->hlen + a->len + wire->overhead };
	struct msghdr whole = *a->msg;
	int err;

	buffer->used = wire->plain ? 0 : iov.iov_len;
	memcpy(buffer->data, a->hdr, wire->hlen);
	if (cop_payload_fetch(a->fd, a->msg, payload, a->len))
		return UNREADABLE;
	err = cop_coded_encode(a->sk, buffer->data, payload, a->len, a->ends);
	if (unlikely(err))
		return err;
	if (cop_by_file(a->flags))
		return cop_libc_result(cop_libc.writev(a->fd, &iov, 1));
	whole.msg_iov = &iov;
	whole.msg_iovlen = 1;
	return send_whole(a->fd, &whole, a->flags);
}

ssize_t cop_coded_send(struct sock *sk, int fd, const void *hdr,
		       const struct msghdr *msg, int flags, size_t len,
		       const struct cop_ends *ends)
{
	const struct cop_wire *wire = sk_wire(sk);
	const size_t around = wire->hlen + wire->overhead;
	struct send_args args = { sk, fd, hdr, msg, flags, len, ends };
	ssize_t n;

	if (unlikely(len > (size_t)cop_wire_most(wire)))
		n = UNREADABLE;
	else
		n = cop_buffer_use(send_buffer, &args);
	if (unlikely(n == UNREADABLE))
		return cop_encap_refuse(wire, fd, hdr, msg, flags, len);
	return n < (ssize_t)around ? n : n - (ssize_t)around;
}

/* ---- in -------------------------------------------------------------------- */

static bool is_genuine(struct sock *sk, const struct cop_rx *rx,
		       unsigned char *data, int flags,
		       const struct cop_ends *ends)
{
	return !sk_wire(sk)->decode(sk, data, data + rx->hdr.len, rx->len,
				    flags & MSG_PEEK, ends);
}

void cop_coded_measure(struct sock *sk, struct cop_rx *rx, unsigned char *data,
		       size_t n, size_t cap, int flags,
		       const struct cop_ends *ends)
{
	const struct cop_wire *wire = sk_wire(sk);

	rx->stray = cop_wire_check(wire, data, n, &rx->hdr);
	rx->len = n;
	if (rx->stray == COP_NO_STRAY) {
		rx->len = n - rx->hdr.len - wire->overhead;
		if (!is_genuine(sk, rx, data, flags, ends)) {
			rx->stray = COP_STRAY_PAYLOAD;
			rx->len = n;
		}
	}
	rx->copied = min_t(size_t, rx->len, cap);
}
