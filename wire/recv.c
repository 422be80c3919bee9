// SPDX-License-Identifier: MIT
/*
 * wire/recv.c - one UDP datagram in through the kernel socket, parted into header
 * and payload.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * fou_udp_recv() in net/ipv4/fou_core.c.
 */
#include <errno.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "socket/sock.h"
#include "wire/bounce.h"
#include "wire/buffer.h"
#include "wire/coded.h"
#include "wire/ends.h"
#include "wire/owner.h"
#include "wire/payload.h"
#include "wire/recv.h"

void cop_rx_measure(const struct cop_wire *wire, struct cop_rx *rx,
		    const void *head, size_t n, size_t cap)
{
	if (likely(cop_rx_measure_plain(wire, rx, head, n, cap))) {
		rx->hdr = cop_hdr_read(head);
		return;
	}
	rx->stray = cop_wire_check(wire, head, n, &rx->hdr);
	rx->len = n;
	if (rx->stray == COP_NO_STRAY)
		rx->len -= rx->hdr.len;
	rx->copied = min_t(size_t, rx->len, cap);
}

static ssize_t read_one(int fd, struct msghdr *msg, struct iovec *iov,
			size_t iovlen)
{
	msg->msg_namelen = 0;
	msg->msg_controllen = 0;
	msg->msg_flags = 0;
	return cop_libc_result(cop_libc.readv(fd, iov, iovlen));
}

static ssize_t recv_whole(int fd, struct msghdr *msg, int flags)
{
	struct mmsghdr one = { .msg_hdr = *msg };
	int n;

	if (likely(!cop_by_many(flags)))
		return cop_libc_result(cop_libc.recvmsg(fd, msg, flags));
	n = cop_libc_result(
		cop_libc.recvmmsg(fd, &one, 1, flags & ~COP_MSG_MANY, NULL));
	*msg = one.msg_hdr;
	return n < 0 ? n : (ssize_t)one.msg_len;
}

/* With MSG_TRUNC the kernel returns the whole length. */
ssize_t cop_recv_wire(int fd, struct msghdr *msg, struct iovec *iov,
		      size_t iovlen, int flags)
{
	struct msghdr whole = *msg;
	ssize_t n;

	if (cop_by_file(flags))
		return read_one(fd, msg, iov, iovlen);
	whole.msg_iov = iov;
	whole.msg_iovlen = iovlen;
	n = recv_whole(fd, &whole, flags | MSG_TRUNC);
	msg->msg_namelen = whole.msg_namelen;
	if (n < 0)
		return n;
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	return n;
}

/* @data is the whole datagram. */
static void measure_whole(struct sock *sk, struct cop_rx *rx,
			  unsigned char *data, size_t n, size_t cap, int flags,
			  const struct cop_ends *ends)
{
	if (sk_wire(sk)->decode)
		cop_coded_measure(sk, rx, data, n, cap, flags, ends);
	else
		cop_rx_measure(sk_wire(sk), rx, data, n, cap);
}

/*
 * A stray is for the program only if the descriptor is another socket by now: so else
 * the program's memory stays as it was.
 */
static bool is_for_program(struct sock *sk, int fd, const struct cop_rx *rx)
{
	return likely(rx->stray == COP_NO_STRAY) || !cop_may_own(sk, fd);
}

/* As in the kernel, control messages come behind the payload, and ahead of the name. */
static void put_control(const struct sock *sk, struct msghdr *msg,
			const struct msghdr *whole, bool for_program)
{
	msg->msg_flags = whole->msg_flags;
	if (!sk_wire(sk)->ends)
		msg->msg_controllen = whole->msg_controllen;
	else if (for_program)
		cop_ends_control(sk, whole, msg);
	else
		msg->msg_controllen = 0;
}

static ssize_t recv_through(struct cop_buffer *buffer, void *args)
{
	const struct cop_recv_args *to = args;
	struct sock *sk = to->sk;
	struct msghdr *msg = to->msg;
	struct cop_rx *rx = to->rx;
	const struct cop_wire *wire = sk_wire(sk);
	struct iovec iov = { buffer->data, COP_DATAGRAM_MAX };
	struct sockaddr_storage name = { 0 };
	const socklen_t room = msg->msg_name ? msg->msg_namelen : 0;
	struct msghdr whole = *msg;
	struct cop_ends ends;
	bool for_program;
	size_t skip = 0;
	ssize_t n;

	if (msg->msg_name) {
		whole.msg_name = &name;
		whole.msg_namelen = sizeof(name);
	}
	if (wire->ends) {
		whole.msg_control = buffer->control;
		whole.msg_controllen = sizeof(buffer->control);
	}
	n = cop_recv_wire(to->fd, &whole, &iov, 1, to->flags);
	if (n < 0)
		return n;
	n = min_t(size_t, n, COP_DATAGRAM_MAX);
	buffer->used = wire->plain ? 0 : n;
	if (wire->ends) {
		cop_ends_source(whole.msg_name, whole.msg_namelen, &ends);
		cop_ends_own(sk, &ends);
		cop_ends_dest(sk, &whole, &ends.dest);
	}
	measure_whole(sk, rx, buffer->data, n, to->cap, to->flags,
		      wire->ends ? &ends : NULL);
	if (rx->stray == COP_NO_STRAY)
		skip = rx->hdr.len;
	for_program = is_for_program(sk, to->fd, rx);
	rx->fault = for_program &&
		    cop_payload_store(msg, to->cap, buffer->data + skip,
				      rx->copied);
	if (rx->fault && rx->stray == COP_NO_STRAY)
		return -EFAULT;
	msg->msg_namelen = whole.msg_namelen;
	put_control(sk, msg, &whole, for_program);
	cop_rx_msg_flags(msg, rx);
	return copy_to_user(msg->msg_name, &name,
			    min_t(socklen_t, room, whole.msg_namelen));
}

static noinline int recv_bounced(struct sock *sk, int fd, struct msghdr *msg,
				 int flags, size_t cap, struct cop_rx *rx)
{
	struct cop_recv_args to = { sk, fd, msg, flags, cap, rx };

	return cop_buffer_use(recv_through, &to);
}

/* Put the program's iovecs between cop_wire_head() and cop_wire_tail(). Returns their bytes. */
static size_t iov_wrap(const struct cop_wire *wire, struct iovec *iov,
		       const struct msghdr *msg, void *head)
{
	iov[0] = cop_wire_head(wire, head);
	iov[msg->msg_iovlen + 1] = cop_wire_tail(wire, head);
	return cop_iov_take(iov + 1, msg);
}

noinline void cop_encap_stray(const struct cop_wire *wire, struct msghdr *msg,
			      const void *head, size_t n, size_t cap,
			      enum cop_stray why, struct cop_rx *rx)
{
	rx->stray = why;
	rx->len = n;
	rx->copied = min_t(size_t, n, cap);
	rx->fault = cop_payload_put_back(
		msg->msg_iov, head, min_t(size_t, n, wire->hlen), rx->copied);
	cop_rx_msg_flags(msg, rx);
}

/* The payload moves to the front if options stand in its place. */
void cop_encap_settle(const struct cop_wire *wire, struct msghdr *msg,
		      const void *head, size_t n, size_t cap, struct cop_rx *rx)
{
	cop_rx_measure(wire, rx, head, n, cap);
	if (unlikely(rx->stray != COP_NO_STRAY))
		rx->fault = cop_payload_put_back(msg->msg_iov, head,
						 min_t(size_t, n, wire->hlen),
						 rx->copied);
	else if (unlikely(rx->hdr.len > wire->hlen))
		cop_iov_copy(msg->msg_iov, msg->msg_iov,
			     rx->hdr.len - wire->hlen, rx->copied);
	cop_rx_msg_flags(msg, rx);
}

static int recv_vectored(const struct cop_wire *wire, int fd,
			 struct msghdr *msg, int flags, size_t cap,
			 struct cop_rx *rx)
{
	struct iovec iov[msg->msg_iovlen + 2], *const asked = msg->msg_iov;
	unsigned char head[COP_HDR_MAX] __attribute__((aligned(4)));
	const size_t taken = iov_wrap(wire, iov, msg, head);
	ssize_t n = cop_recv_wire(fd, msg, iov, msg->msg_iovlen + 2, flags);

	if (n < 0)
		return n;
	msg->msg_iov = iov + 1;
	cop_encap_settle(wire, msg, head, n, min_t(size_t, cap, taken), rx);
	msg->msg_iov = asked;
	return 0;
}

flatten int cop_encap_recv(struct sock *sk, int fd, struct msghdr *msg,
			   int flags, size_t cap, struct cop_rx *rx)
{
	const struct cop_wire *wire = sk_wire(sk);

	if (unlikely(wire->decode || msg->msg_iovlen > cop_iov_limit(2)))
		return recv_bounced(sk, fd, msg, flags, cap, rx);
	return recv_vectored(wire, fd, msg, flags, cap, rx);
}
