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
