// SPDX-License-Identifier: MIT
/*
 * wire/coded.c - datagrams whose transport encodes their payload. Such a datagram is
 * put together and taken apart in a buffer of the library's.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has a buffer of its own.
 * Counterpart in the kernel: esp_output() and esp_input() in net/ipv4/esp4.c.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/cancel.h"
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

/* @buffer is filled in and sent. */
static ssize_t send_buffer(struct sock *sk, int fd, const void *hdr,
			   const struct msghdr *msg, int flags, size_t len,
			   const struct cop_ends *ends,
			   struct cop_buffer *buffer)
{
	const struct cop_wire *wire = sk_wire(sk);
	struct iovec iov = { buffer->data, wire->hlen + len + wire->overhead };
	struct msghdr whole = *msg;
	int err;

	buffer->used = wire->plain ? 0 : iov.iov_len;
	memcpy(buffer->data, hdr, wire->hlen);
	if (cop_payload_fetch(fd, msg, buffer->data + wire->hlen, len))
		return UNREADABLE;
	err = cop_coded_encode(sk, buffer->data, buffer->data + wire->hlen, len,
			       ends);
	if (unlikely(err))
		return err;
	if (cop_by_file(flags))
		return cop_libc_result(cop_libc.writev(fd, &iov, 1));
	whole.msg_iov = &iov;
	whole.msg_iovlen = 1;
	return send_whole(fd, &whole, flags);
}

static ssize_t send_in_buffer(struct sock *sk, int fd, const void *hdr,
			      const struct msghdr *msg, int flags, size_t len,
			      const struct cop_ends *ends)
{
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer = cop_buffer_get();
	ssize_t n;

	if (!buffer)
		return -ENOBUFS;
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	n = send_buffer(sk, fd, hdr, msg, flags, len, ends, buffer);
	_pthread_cleanup_pop(&cleanup, 1);
	return n;
}

ssize_t cop_coded_send(struct sock *sk, int fd, const void *hdr,
		       const struct msghdr *msg, int flags, size_t len,
		       const struct cop_ends *ends)
{
	const struct cop_wire *wire = sk_wire(sk);
	const size_t around = wire->hlen + wire->overhead;
	ssize_t n;

	if (unlikely(len > (size_t)cop_wire_most(wire)))
		n = UNREADABLE;
	else
		n = send_in_buffer(sk, fd, hdr, msg, flags, len, ends);
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
