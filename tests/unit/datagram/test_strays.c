// SPDX-License-Identifier: MIT
/*
 * test_strays.c - datagram/strays.c: what each receiving call does with a stray.
 */
#include "wire/recv.h"
#include "unit/helpers.h"

TestSuite(cop_strays, .init = t_init, .timeout = 20);

static ssize_t by_recv(int fd, void *buf, size_t len, int flags)
{
	return t_recv(fd, buf, len, flags);
}

static ssize_t by_recvfrom(int fd, void *buf, size_t len, int flags)
{
	struct sockaddr_in from;

	return t_recvfrom(fd, buf, len, flags, &from);
}

static ssize_t by_recvmsg(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov[2] = { { buf, 1 }, { (char *)buf + 1, len - 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return t_recvmsg(fd, &msg, flags);
}

static ssize_t by_1024_iovecs(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov[1024] = { { NULL, 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1024 };

	iov[1000] = (struct iovec){ buf, len };
	return t_recvmsg(fd, &msg, flags);
}

static ssize_t by_recvmmsg(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = { buf, len };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	int n = t_recvmmsg(fd, &vec, 1, flags, NULL);

	return n < 0 ? n : (ssize_t)vec.msg_len;
}

static ssize_t by_large_recv(int fd, void *buf, size_t len, int flags)
{
	static char large[9000];
	ssize_t n = t_recv(fd, large, sizeof(large), flags);

	if (n > 0)
		memcpy(buf, large, len);
	return n;
}

static ssize_t by_empty_recv(int fd, void *buf, size_t len, int flags)
{
	(void)len;
	return t_recv(fd, buf, 0, flags | MSG_TRUNC);
}

static const struct {
	const char *name;
	ssize_t (*call)(int fd, void *buf, size_t len, int flags);
} receiving[] = {
	{ "recv", by_recv },
	{ "recvfrom", by_recvfrom },
	{ "recvmsg", by_recvmsg },
	{ "recvmsg, 1024 iovecs", by_1024_iovecs },
	{ "recvmmsg", by_recvmmsg },
	{ "recv, large buffer", by_large_recv },
	{ "recv, no buffer", by_empty_recv },
};

Test(cop_strays, no_receiving_call_delivers_a_stray_and_each_is_counted)
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		for (int peek = 0; peek <= MSG_PEEK; peek += MSG_PEEK) {
			int udp = t_udp(), fd = t_open_bound();
			int flags = peek | MSG_DONTWAIT;
			char buf[64] = { 0 };

			t_udp_send_strays(udp, t_port(fd));
			cr_assert(eq(int, receiving[i].call(fd, buf, 64, flags),
				     -EAGAIN),
				  "%s", receiving[i].name);
			for (int j = 0; j < COP_STRAY_REASONS; j++)
				cr_assert(eq(u32, t_count(fd)->strays[j], 1),
					  "%s", receiving[i].name);
			cr_assert(zero(u32, t_count(fd)->rx_datagrams));
			t_close(fd);
			close(udp);
		}
}

Test(cop_strays, every_receiving_call_finds_the_datagram_behind_strays)
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		for (int peek = 0; peek <= MSG_PEEK; peek += MSG_PEEK) {
			int udp = t_udp(), fd = t_open_bound();
			char buf[64] = { 0 };

			t_udp_send_strays(udp, t_port(fd));
			t_udp_send_cop(udp, t_port(fd), 0, "payload", 7);
			cr_assert(eq(int, receiving[i].call(fd, buf, 64, peek),
				     7),
				  "%s", receiving[i].name);
			if (receiving[i].call != by_empty_recv)
				cr_assert(zero(int, memcmp(buf, "payload", 7)),
					  "%s", receiving[i].name);
			t_close(fd);
			close(udp);
		}
}

/* It must not be taken for the end after a shutdown(). */
Test(cop_strays, an_empty_udp_datagram_is_a_stray)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_udp_send(udp, t_port(fd), "", 0);
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -EAGAIN));
	t_connect(fd, LOOPBACK, t_port(udp));
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_SHORT], 1));
}

Test(cop_strays, a_socket_shut_for_reading_returns_0)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_connect(fd, LOOPBACK, t_port(udp));
	cr_assert(zero(int, shutdown(fd, SHUT_RD)));
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		cr_assert(zero(int, receiving[i].call(fd, buf, 8, 0)), "%s",
			  receiving[i].name);
}

/* ---- a descriptor that is another socket now ------------------------------ */

Test(cop_strays, a_datagram_of_another_socket_is_returned_as_it_came)
{
	static const char text[] = "no COP header";

	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		int udp = t_udp(), fd = t_open_bound(), other = t_udp();
		ssize_t n;
		char buf[64] = { 0 };

		if (receiving[i].call == by_recvmmsg)
			continue; /* it has a result for each message */
		cr_assert(eq(int, dup2(other, fd), fd));
		t_udp_send(udp, t_port(other), text, sizeof(text));
		n = receiving[i].call(fd, buf, 64, 0);
		cr_assert(eq(int, n & ~COP_RX_STALE, sizeof(text)), "%s",
			  receiving[i].name);
		cr_assert(ne(int, n &COP_RX_STALE, 0));
		if (receiving[i].call == by_recvmsg)
			cr_assert(eq(str, buf, (char *)text));
		cr_assert(zero(u32, t_count(fd)->strays[COP_STRAY_MAGIC]));
		t_close(fd);
	}
}
