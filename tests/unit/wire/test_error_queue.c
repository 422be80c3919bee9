// SPDX-License-Identifier: MIT
/*
 * test_error_queue.c - wire/error_queue.c: datagrams of ours that come back with an error.
 */
#include <time.h>

#include <linux/errqueue.h> /* needs time.h */

#include "unit/raw_peer.h"

TestSuite(cop_error_queue, .init = raw_peer_init, .timeout = 20);

/* Send to a port where nobody is, and wait for the ICMP error. */
static int refused(const char *text)
{
	int udp, fd = connected(&udp);

	cr_assert(zero(int, t_set(fd, IPPROTO_IP, IP_RECVERR, 1)));
	close(udp);
	cr_assert(eq(int, t_send(fd, text), strlen(text)));
	return fd;
}

static ssize_t recv_error(int fd, struct msghdr *msg, void *buf, size_t len)
{
	static char control[512];
	static struct iovec iov;

	iov = (struct iovec){ buf, len };
	*msg = (struct msghdr){ .msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control) };
	return t_recvmsg(fd, msg, MSG_ERRQUEUE);
}

Test(cop_error_queue, the_error_queue_returns_the_payload)
{
	struct sock_extended_err *ee;
	struct msghdr msg;
	int fd = refused("payload");

	cr_assert(eq(int, recv_error(fd, &msg, room, 100), 7));
	cr_assert(zero(int, memcmp(room, "payload", 7)));
	cr_assert(eq(int, msg.msg_flags, MSG_ERRQUEUE));
	ee = (struct sock_extended_err *)CMSG_DATA(CMSG_FIRSTHDR(&msg));
	cr_assert(eq(int, ee->ee_errno, ECONNREFUSED));
}

/* On this host the kernel sends back all datagrams of one send. */
Test(cop_error_queue, of_a_batch_the_first_payload_comes_back)
{
	static const size_t rooms[] = { 100, 40, 28, 20, 8, 7, 3 };
	struct iovec iov = { "payload", 7 };
	struct mmsghdr vec[8];

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		int udp, fd = connected(&udp);
		struct msghdr msg;

		cr_assert(zero(int, t_set(fd, IPPROTO_IP, IP_RECVERR, 1)));
		close(udp);
		for (size_t k = 0; k < ARRAY_SIZE(vec); k++)
			vec[k].msg_hdr = (struct msghdr){ .msg_iov = &iov,
							  .msg_iovlen = 1 };
		cr_assert(eq(int, t_sendmmsg(fd, vec, 8, 0), 8));
		memset(room, 0, 100);
		cr_assert(eq(int, recv_error(fd, &msg, room, rooms[i]),
			     min_t(int, 7, rooms[i])));
		cr_assert(zero(int, memcmp(room, "payload",
					   min_t(size_t, 7, rooms[i]))));
		cr_assert(eq(int, !!(msg.msg_flags & MSG_TRUNC), rooms[i] < 7));
	}
}

Test(cop_error_queue, the_error_queue_truncates_to_a_short_buffer)
{
	struct msghdr msg;
	int fd = refused("payload");

	memset(room, 0, 10);
	cr_assert(eq(int, recv_error(fd, &msg, room, 3), 3));
	cr_assert(zero(int, memcmp(room, "pay\0", 4)));
	cr_assert(eq(int, msg.msg_flags, MSG_ERRQUEUE | MSG_TRUNC));
}

Test(cop_error_queue, an_empty_error_queue_is_eagain)
{
	struct msghdr msg;

	cr_assert(eq(int, recv_error(t_open_bound(), &msg, room, 3), -EAGAIN));
}
