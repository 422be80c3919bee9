// SPDX-License-Identifier: MIT
/*
 * wire/error_queue.c - datagrams that come back in the kernel socket's error queue.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * ip_recv_error() in net/ipv4/ip_sockglue.c.
 */
#include <errno.h>
#include <string.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "socket/sock.h"
#include "wire/bounce.h"
#include "wire/ends.h"
#include "wire/error_queue.h"
#include "wire/frame.h"
#include "wire/hdr.h"
#include "wire/payload.h"

/*
 * If the kernel returned a frame with a header in it, take the header out. The
 * frame's first bytes are in @hdr, and the rest is in the iovecs. So the bytes behind
 * the header are in their place already, and only those ahead of it move.
 */
static bool put_frame(const struct cop_wire *wire, const struct iovec *iov,
		      size_t iovlen, const void *hdr, size_t n)
{
	unsigned char head[COP_FRAME_HEAD];
	size_t len = min_t(size_t, n, sizeof(head)), before;

	memcpy(head, hdr, wire->hlen);
	if (len > wire->hlen)
		cop_iov_gather(head + wire->hlen, iov, iovlen,
			       len - wire->hlen);
	before = cop_frame_strip(wire, head, len, n);
	if (before)
		cop_iov_scatter(iov, iovlen, head,
				min_t(size_t, before, n - wire->hlen));
	return before;
}

/*
 * How many bytes of the program's memory put_frame() needs to find a header in a frame.
 */
static size_t head_room(const struct cop_wire *wire, size_t cap)
{
	return min_t(size_t, cap, COP_FRAME_HEAD - wire->hlen);
}

/*
 * The receive has met a fault behind the head. What the kernel wrote ahead of it stays with
 * the program, which must not find a header in a frame.
 */
static noinline void put_part(const struct cop_wire *wire,
			      const struct iovec *iov, size_t iovlen,
			      const void *hdr, size_t cap)
{
	const size_t room = head_room(wire, cap);

	if (cop_iov_writable(iov, room))
		put_frame(wire, iov, iovlen, hdr, wire->hlen + room);
}

/*
 * The kernel quotes what was sent, which is encoded. So the program gets all but the
 * payload; MSG_TRUNC says whether there was one.
 */
static ssize_t recv_error_only(const struct sock *sk, int fd,
			       struct msghdr *msg, int flags)
{
	const struct cop_wire *wire = sk_wire(sk);
	unsigned char head[COP_HDR_MAX + COP_OVERHEAD_MAX];
	unsigned char control[COP_CONTROL_MAX] __attribute__((aligned(8)));
	struct iovec iov = { head, wire->hlen + wire->overhead };
	struct msghdr whole = *msg;
	ssize_t n;

	whole.msg_iov = &iov;
	whole.msg_iovlen = 1;
	if (wire->ends) {
		whole.msg_control = control;
		whole.msg_controllen = sizeof(control);
	}
	n = cop_libc_result(cop_libc.recvmsg(fd, &whole, flags));
	msg->msg_namelen = whole.msg_namelen;
	if (n < 0)
		return n;
	if (wire->ends) {
		cop_ends_control(sk, &whole, msg);
		return 0;
	}
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	return 0;
}

#define QUOTE_MAX 1280 /* an ICMP error has no more bytes */
#define TELLING	  4    /* so many bytes of a header tell that it is one */

/*
 * Where the header of the next datagram begins that was one send with the first, or
 * @len. All of the header follows from that of the first.
 */
static size_t next_header(const struct cop_wire *wire,
			  const struct cop_hdr_info *first,
			  const unsigned char *data, size_t len)
{
	unsigned char next[COP_HDR_MAX] __attribute__((aligned(4)));

	wire->build(next, first->source, first->dest, first->seq + 1ull,
		    first->tstamp);
	for (size_t at = 0; at + TELLING <= len; at++)
		if (!memcmp(data + at, next,
			    min_t(size_t, wire->hlen, len - at)))
			return at;
	return len;
}

/*
 * An error on the sender's host brings back all datagrams of one send. The program gets
 * the first one. @len bytes are in @iov, and @spill more in @tail. Returns how many
 * of those in the iovecs are the first datagram's payload.
 */
static size_t first_payload(const struct cop_wire *wire, struct msghdr *msg,
			    const struct iovec *iov,
			    const struct cop_hdr_info *first, size_t len,
			    const void *tail, size_t spill)
{
	unsigned char data[QUOTE_MAX + COP_HDR_MAX];
	size_t end;

	if (!wire->segments || len > QUOTE_MAX)
		return len;
	if (len)
		cop_iov_gather(data, iov, msg->msg_iovlen, len);
	memcpy(data + len, tail, spill);
	end = next_header(wire, first, data, len + spill);
	if (end < len + spill && end <= len)
		msg->msg_flags &= ~MSG_TRUNC;
	return min_t(size_t, end, len);
}

/* From the error queue the kernel returns the bytes it copied, MSG_TRUNC or not. */
static ssize_t recv_error(const struct cop_wire *wire, int fd,
			  struct msghdr *msg, int flags, size_t cap)
{
	unsigned char hdr[COP_HDR_MAX] __attribute__((aligned(4))) = { 0 };
	unsigned char tail[COP_HDR_MAX];
	struct iovec iov[COP_IOV_ON_STACK + 2] = { { hdr, wire->hlen } };
	size_t spill = 0;
	struct msghdr whole = *msg;
	struct cop_hdr_info info;
	ssize_t n;

	cap = min_t(size_t, cap, cop_iov_take(iov + 1, msg));
	iov[msg->msg_iovlen + 1] = (struct iovec){ tail, wire->hlen };
	whole.msg_iov = iov;
	whole.msg_iovlen += 2;
	n = cop_libc_result(cop_libc.recvmsg(fd, &whole, flags));
	msg->msg_namelen =
		whole.msg_namelen; /* even if that is no place for it */
	if (unlikely(n == -EFAULT))
		put_part(wire, iov + 1, msg->msg_iovlen, hdr, cap);
	if (n < 0)
		return n;
	msg->msg_controllen = whole.msg_controllen;
	msg->msg_flags = whole.msg_flags;
	if (n < wire->hlen)
		return 0; /* the router sent back less than a header */
	if ((size_t)n > wire->hlen + cap) {
		spill = n - wire->hlen - cap;
		n -= spill;
		msg->msg_flags |= MSG_TRUNC;
	}
	if (wire->check(hdr, n, &info) == COP_NO_STRAY)
		return first_payload(wire, msg, iov + 1, &info, n - wire->hlen,
				     tail, spill);
	if (put_frame(wire, iov + 1, msg->msg_iovlen, hdr, n))
		return n - wire->hlen;
	if ((size_t)n > cap)
		msg->msg_flags |= MSG_TRUNC;
	n = min_t(size_t, n, cap);
	return cop_payload_put_back(iov + 1, hdr, wire->hlen, n) ?: n;
}

/*
 * The order is the kernel's: behind a fault in the data the program's control messages and
 * name are as they were.
 */
static ssize_t error_unbounce(struct msghdr *msg, const struct msghdr *whole,
			      size_t cap, size_t n)
{
	const socklen_t room = msg->msg_name ? msg->msg_namelen : 0;

	if (cop_iov_scatter(msg->msg_iov, msg->msg_iovlen,
			    whole->msg_iov->iov_base, min_t(size_t, n, cap)))
		return -EFAULT;
	cop_put_control(whole, msg);
	msg->msg_namelen = whole->msg_namelen;
	if (n > cap)
		msg->msg_flags |= MSG_TRUNC;
	if (copy_to_user(msg->msg_name, whole->msg_name,
			 min_t(socklen_t, room, whole->msg_namelen)))
		return -EFAULT;
	return min_t(size_t, n, cap);
}

/*
 * Receives to memory of the library's: for more iovecs than fit on the stack, and if the head
 * of a frame does not fit in what the program's memory has ahead of a fault. The kernel would
 * leave a part of the head there, and nobody could tell it from a payload.
 */
static noinline ssize_t recv_error_bounced(const struct cop_wire *wire, int fd,
					   struct msghdr *msg, int flags,
					   size_t cap)
{
	unsigned char control[COP_CONTROL_MAX] __attribute__((aligned(8)));
	struct iovec iov = { cop_bounce_map(), COP_DATAGRAM_MAX };
	struct sockaddr_storage name = { 0 };
	struct msghdr whole = { .msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control) };
	ssize_t n;

	if (!iov.iov_base)
		return -ENOBUFS;
	if (msg->msg_name) {
		whole.msg_name = &name;
		whole.msg_namelen = sizeof(name);
	}
	n = recv_error(wire, fd, &whole, flags, iov.iov_len);
	if (n >= 0)
		n = error_unbounce(msg, &whole, cap, n);
	cop_bounce_unmap(iov.iov_base);
	return n;
}

static bool wants_bounce(const struct cop_wire *wire, const struct msghdr *msg,
			 size_t cap)
{
	return msg->msg_iovlen > COP_IOV_ON_STACK ||
	       !cop_iov_writable_many(msg->msg_iov, msg->msg_iovlen,
				      head_room(wire, cap));
}

/* It never waits, so a thread need not be cancelled in it. */
ssize_t cop_encap_recv_error(struct sock *sk, int fd, struct msghdr *msg,
			     int flags, size_t cap)
{
	const struct cop_wire *wire = sk_wire(sk);
	int cancel = cancel_off();
	ssize_t n;

	if (wire->decode)
		n = recv_error_only(sk, fd, msg, flags);
	else if (wants_bounce(wire, msg, cap))
		n = recv_error_bounced(wire, fd, msg, flags, cap);
	else
		n = recv_error(wire, fd, msg, flags, cap);
	cancel_on(cancel);
	return n;
}
