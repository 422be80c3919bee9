// SPDX-License-Identifier: MIT
/*
 * test_rx.c - datagram/rx.c: one datagram in, and what is counted.
 */
#include "unit/raw_peer.h"

TestSuite(cop_rx, .init = raw_peer_init, .timeout = 20);

Test(cop_rx, options_are_skipped_by_a_plain_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int options = 0; options <= 11; options++)
		for (size_t len = 0; len <= 4096; len += 1024) {
			t_udp_send_cop(udp, t_port(fd), options, data, len);
			cr_assert(eq(int, t_recv(fd, room, sizeof(room), 0),
				     len));
			cr_assert(zero(int, memcmp(room, data, len)));
		}
}

static const size_t caps[] = { 0, 1, 15, 16, 17, 99, 100, 101, 3000 };

Test(cop_rx, a_short_buffer_gets_the_beginning_and_MSG_TRUNC_the_length)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		size_t cap = caps[i], want = cap < 100 ? cap : 100;

		t_udp_send_cop(udp, t_port(fd), 0, data, 100);
		t_udp_send_cop(udp, t_port(fd), 3, data, 100);
		memset(room, 0, 200);
		cr_assert(eq(int, t_recv(fd, room, cap, 0), want));
		cr_assert(zero(int, memcmp(room, data, want)));
		cr_assert(zero(int, room[want]));
		cr_assert(eq(int, t_recv(fd, room, cap, MSG_TRUNC), 100));
	}
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 2 * 6));
}

Test(cop_rx, a_peek_leaves_the_datagram_for_the_next_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_cop(udp, t_port(fd), 2, data, 100);
	cr_assert(eq(int, t_recv(fd, room, 10, MSG_PEEK), 10));
	cr_assert(eq(int, t_recv(fd, room, 10, MSG_PEEK | MSG_TRUNC), 100));
	cr_assert(eq(int, t_recv(fd, room, 200, MSG_PEEK), 100));
	cr_assert(zero(u32, t_count(fd)->rx_datagrams));
	cr_assert(eq(int, t_recv(fd, room, 200, 0), 100));
	cr_assert(zero(int, memcmp(room, data, 100)));
	cr_assert(eq(int, t_recv(fd, room, 200, MSG_DONTWAIT), -EAGAIN));
}

Test(cop_rx, two_cop_sockets_exchange_and_count_datagrams)
{
	int a = t_open_bound(), b = t_open_bound();
	struct sockaddr_in from, to = t_addr(LOOPBACK, t_port(b));
	char buf[16];

	cr_assert(eq(int, t_sendto(a, "question", 8, 0, &to), 8));
	cr_assert(eq(int, t_recvfrom(b, buf, 16, 0, &from), 8));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(a)));
	cr_assert(eq(int, t_sendto(b, "answer", 6, 0, &from), 6));
	cr_assert(eq(int, t_recv(a, buf, 16, 0), 6));
	cr_assert(eq(u64, t_count(a)->tx_bytes, 8));
	cr_assert(eq(u64, t_count(a)->rx_bytes, 6));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 1));
	cr_assert(eq(u32, t_count(b)->tx_datagrams, 1));
	cr_assert(zero(u32, t_count(a)->port_mismatch));
	cr_assert(zero(u32, t_count(b)->port_mismatch));
}

/* As a NAT would do it. */
Test(cop_rx, a_source_port_that_differs_is_counted_and_delivered)
{
	int udp = t_udp(), fd = t_open_bound();
	struct sockaddr_in from;
	struct cophdr hdr;
	char buf[8];

	cop_wire.build(&hdr, htons(t_port(udp) ^ 1), htons(t_port(fd)), 0, 0);
	t_udp_send(udp, t_port(fd), &hdr, sizeof(hdr));
	cr_assert(zero(int, t_recvfrom(fd, buf, 8, 0, &from)));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(udp)));
	cr_assert(eq(u32, t_count(fd)->port_mismatch, 1));
}

Test(cop_rx, names_and_lengths_come_back_as_udp_gives_them)
{
	static const socklen_t len[] = { 0, 2, 8, 16, 20, 128 };
	int sender = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		int udp = t_udp(), fd = t_open_bound();
		unsigned char want[128] = { 0 }, got[128] = { 0 };
		struct msghdr msg = { .msg_name = want, .msg_namelen = len[i] };

		t_udp_send(sender, t_port(udp), "", 0);
		t_udp_send_cop(sender, t_port(fd), 0, "", 0);
		cr_assert(zero(int, recvmsg(udp, &msg, 0)));
		cr_assert(eq(int, msg.msg_namelen, sizeof(struct sockaddr_in)));
		msg = (struct msghdr){ .msg_name = got, .msg_namelen = len[i] };
		cr_assert(zero(int, t_recvmsg(fd, &msg, 0)));
		cr_assert(eq(int, msg.msg_namelen, sizeof(struct sockaddr_in)));
		cr_assert(zero(int, memcmp(got, want, sizeof(got))), "%d",
			  (int)len[i]);
		close(udp);
		t_close(fd);
	}
}
