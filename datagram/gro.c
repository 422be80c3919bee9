// SPDX-License-Identifier: MIT
/*
 * datagram/gro.c - receives of several datagrams that the kernel has joined: UDP_GRO.
 *
 * Joined datagrams are of one sender and of one length, with their headers; the last may
 * be shorter. The kernel says in a control message how long they are. The program gets
 * their payloads without headers, and in the control message the length of a payload.
 *
 * Owns: nothing. Protected by: nothing to protect; each call has memory of its own.
 * Counterpart in the kernel: udp_cmsg_recv(), and udp_gro_receive() in
 * net/ipv4/udp_offload.c.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <string.h>

#include "datagram/gro.h"
#include "datagram/gro_option.h"
#include "datagram/joined.h"
#include "datagram/proto.h"
#include "lib/cancel.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "wire/bounce.h"
#include "wire/buffer.h"
#include "wire/encap.h"
#include "wire/ends.h"

/* ---- joined or not -------------------------------------------------------------- */

static struct cmsghdr *find_size(const struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)msg, cmsg))
		if (cmsg->cmsg_level == IPPROTO_UDP &&
		    cmsg->cmsg_type == UDP_GRO &&
		    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
			return cmsg;
	return NULL;
}

static size_t step_of(struct joined *j, const struct msghdr *whole)
{
	const struct cmsghdr *cmsg = find_size(whole);
	int size = 0;

	if (cmsg)
		memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
	if (size > 0 && (size_t)size < j->n)
		return size;
	if (cop_by_file(j->flags) || cop_gro_is_untold(j->sk, j->fd))
		return cop_joined_step(j);
	return j->n;
}

/* ---- control messages -------------------------------------------------------------- */

/* The program's own room has the kernel's messages: correct one of them. */
static void correct_control(const struct joined *j, struct msghdr *msg)
{
	const int size = j->size;
	struct cmsghdr *cmsg = find_size(msg);
	char *end = (char *)msg->msg_control + msg->msg_controllen, *next;

	if (!cmsg)
		return;
	if (j->taken > 1) {
		memcpy(CMSG_DATA(cmsg), &size, sizeof(size));
		return;
	}
	next = (char *)cmsg +
	       min_t(size_t, CMSG_SPACE(sizeof(size)), end - (char *)cmsg);
	msg->msg_controllen -= next - (char *)cmsg;
	memmove(cmsg, next, end - next);
}

/* ---- a receive ---------------------------------------------------------------------- */

void cop_gro_settle(struct joined *j, struct msghdr *whole, unsigned int behind,
		    struct cop_rx *rx)
{
	struct msghdr payload = *whole;
	enum cop_stray why = COP_NO_STRAY;

	j->step = step_of(j, whole);
	if (j->step < j->n && cop_joined_is_for_program(j, &why)) {
		cop_unjoin(j, rx);
		whole->msg_flags &= ~MSG_TRUNC;
		if (rx->copied < rx->len || j->cut)
			whole->msg_flags |= MSG_TRUNC;
		correct_control(j, whole);
		if (unlikely(j->cut))
			cop_gro_stop(j->sk, j->fd);
		return;
	}
	payload.msg_iov = (struct iovec *)j->iov + 1;
	payload.msg_iovlen -= 1 + behind;
	if (unlikely(why != COP_NO_STRAY))
		cop_encap_stray(sk_wire(j->sk), &payload, j->iov->iov_base,
				j->n, j->cap, why, rx);
	else
		cop_encap_settle(sk_wire(j->sk), &payload, j->iov->iov_base,
				 j->n, j->cap, rx);
	whole->msg_flags = payload.msg_flags;
}

/* @whole has the iovecs of all that came. Its results are for the program. */
static int recv_whole(struct joined *j, struct msghdr *whole, struct cop_rx *rx)
{
	const socklen_t room = whole->msg_namelen;
	ssize_t n = cop_recv_wire(j->fd, whole, whole->msg_iov,
				  whole->msg_iovlen, j->flags);

	if (n < 0) {
		if (n == -EAGAIN)
			cop_gro_note_empty(j->sk, j->fd);
		return n;
	}
	j->n = n;
	for (size_t i = 0; i < whole->msg_iovlen && j->got < j->n; i++)
		j->got += min_t(size_t, whole->msg_iov[i].iov_len, j->n);
	j->got = min_t(size_t, j->got, j->n);
	j->namelen = min_t(socklen_t, room, whole->msg_namelen);
	cop_gro_settle(j, whole, 2, rx);
	return 0;
}

/* A receive with control messages of the program's, in its memory or first in ours. */
static int recv_control(struct joined *j, struct msghdr *whole,
			struct msghdr *msg, struct cop_rx *rx)
{
	char control[COP_GRO_CONTROL] __attribute__((aligned(8)));
	const bool ours = cop_gro_controls_apart(msg);
	int err;

	if (ours) {
		whole->msg_control = control;
		whole->msg_controllen = sizeof(control);
	}
	err = recv_whole(j, whole, rx);
	msg->msg_namelen = whole->msg_namelen;
	if (err)
		return err;
	if (ours) {
		cop_put_control(whole, msg);
	} else {
		msg->msg_controllen = whole->msg_controllen;
		msg->msg_flags = whole->msg_flags;
	}
	return 0;
}

/*
 * Bytes of all headers but the first one, if the program has less room than a datagram
 * may need.
 */
static size_t headers_behind(const struct sock *sk, size_t cap)
{
	return cap < COP_DATAGRAM_MAX ? COP_GRO_JOINED_MAX * sk_wire(sk)->hlen
				      : 1;
}

/*
 * The headers lie between the payloads. So behind the program's memory there is room
 * for as many bytes as headers can have, @behind, and the payloads fill the program's
 * memory once the headers are out. @iov has room for three more than the program's.
 */
static int recv_here(const struct cop_recv_args *to, struct iovec *iov,
		     void *behind, size_t room)
{
	const struct cop_wire *wire = sk_wire(to->sk);
	const size_t iovs = to->msg->msg_iovlen;
	unsigned char head[COP_HDR_MAX] __attribute__((aligned(4)));
	struct msghdr whole = *to->msg;
	struct joined j = { .sk = to->sk,
			    .fd = to->fd,
			    .flags = to->flags,
			    .iov = iov,
			    .name = to->msg->msg_name };

	iov[0] = cop_wire_head(wire, head);
	j.cap = min_t(size_t, to->cap, cop_iov_take(iov + 1, to->msg));
	iov[iovs + 1] = cop_wire_tail(wire, head);
	iov[iovs + 2] = (struct iovec){ behind, room };
	whole.msg_iov = iov;
	whole.msg_iovlen = iovs + 3;
	return recv_control(&j, &whole, to->msg, to->rx);
}

/* A receive of more iovecs is not made on the stack. */
#define FEW_IOVS 8

_Static_assert((COP_IOV_ON_STACK + 3) * sizeof(struct iovec) <=
		       COP_BUFFER_ARRAYS,
	       "a buffer has room for the iovecs");

static noinline int recv_on_stack(const struct cop_recv_args *to)
{
	unsigned char behind[headers_behind(to->sk, to->cap)];
	struct iovec iov[to->msg->msg_iovlen + 3];

	return recv_here(to, iov, behind, sizeof(behind));
}

/* The smallest stack of a thread has no room for the headers beside a signal. */
static noinline int recv_beside(const struct cop_recv_args *to)
{
	struct cop_buffer *buffer = cop_buffer_get();
	struct _pthread_cleanup_buffer cleanup;
	int err;

	if (unlikely(!buffer))
		return recv_on_stack(to);
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	err = recv_here(to, (struct iovec *)buffer->arrays, buffer->data,
			headers_behind(to->sk, to->cap));
	_pthread_cleanup_pop(&cleanup, 1);
	return err;
}

/*
 * The buffer has room for all headers, so there is one byte behind. The kernel writes no
 * control message of a receive that fails with EFAULT.
 */
static ssize_t recv_through(struct cop_buffer *buffer, void *args)
{
	const struct cop_recv_args *to = args;
	struct iovec iov = { buffer->data, COP_DATAGRAM_MAX };
	struct msghdr *msg = to->msg, one = *msg;
	struct cop_recv_args here = *to;
	struct cop_rx *rx = to->rx;
	unsigned char behind[1];
	int err;

	one.msg_iov = &iov;
	one.msg_iovlen = 1;
	one.msg_control = buffer->control;
	one.msg_controllen = sizeof(buffer->control);
	here.msg = &one;
	here.cap = min_t(size_t, to->cap, COP_DATAGRAM_MAX);
	err = recv_here(&here, (struct iovec *)buffer->arrays, behind,
			sizeof(behind));
	msg->msg_namelen = one.msg_namelen;
	if (err)
		return err;
	rx->fault = cop_payload_store(msg, to->cap, buffer->data, rx->copied);
	if (rx->fault && rx->stray == COP_NO_STRAY)
		return -EFAULT;
	cop_put_control(&one, msg);
	return 0;
}

/*
 * Whether payloads have to go through a buffer: there are too many iovecs for the stack,
 * or some of them can't be written. The payloads may fit in the others, but the kernel
 * would write into all of them, since it also has the headers between the payloads.
 */
static noinline bool needs_buffer(const struct msghdr *msg, size_t cap)
{
	return msg->msg_iovlen > cop_iov_limit(3) ||
	       !cop_gro_can_write(msg, cap);
}

int cop_gro_recv(struct sock *sk, int fd, struct msghdr *msg, int flags,
		 size_t cap, struct cop_rx *rx)
{
	struct cop_recv_args to = { sk, fd, msg, flags, cap, rx };

	if (unlikely(msg->msg_iovlen > 1) && needs_buffer(msg, cap))
		return cop_buffer_use(recv_through, &to);
	if (likely(cap >= COP_DATAGRAM_MAX && msg->msg_iovlen <= FEW_IOVS))
		return recv_on_stack(&to);
	return recv_beside(&to);
}

void cop_gro_unjoin(struct sock *sk, int fd, void *wire, size_t room, size_t n,
		    size_t cap, int flags, const void *from, socklen_t fromlen,
		    struct cop_rx *rx)
{
	const size_t hlen = sk_wire(sk)->hlen;
	const struct iovec iov[] = { { wire, hlen },
				     { (char *)wire + hlen, room - hlen } };
	struct joined j = { .sk = sk,
			    .fd = fd,
			    .flags = flags,
			    .iov = iov,
			    .n = n,
			    .got = min_t(size_t, n, room),
			    .cap = cap,
			    .name = from,
			    .namelen = fromlen };

	j.step = cop_joined_step(&j);
	if (j.step < n)
		cop_unjoin(&j, rx);
}
