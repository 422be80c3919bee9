// SPDX-License-Identifier: MIT
/*
 * test_rx_odd.c - datagram/rx_odd.c: datagrams of a batch that are not plain.
 *
 * Each test receives twice: a first batch makes the library see the pages of the program,
 * so that the second one's messages are packed.
 */
#include "unit/datagram/messages.h"

TestSuite(cop_rx_odd, .init = t_init, .timeout = 20);

static void see_pages(int udp, int fd)
{
	for (unsigned int i = 0; i < 3; i++)
		send_text(udp, fd, i);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(3), 3, 0, NULL), 3));
	fresh(32);
}

Test(cop_rx_odd, options_of_any_length_are_skipped_and_a_full_buffer_stays_full)
{
	int udp = t_udp(), fd = t_open_bound();

	see_pages(udp, fd);
	for (unsigned int i = 0; i <= 11; i++)
		t_udp_send_cop(udp, t_port(fd), i, "0123456789", 10);
	for (unsigned int i = 0; i <= 11; i++)
		iov[i].iov_len = i % 2 ? 10 : 9;
	cr_assert(eq(int, t_recvmmsg(fd, vec, 12, 0, NULL), 12));
	for (unsigned int i = 0; i <= 11; i++) {
		int len = i % 2 ? 10 : 9;

		cr_assert(eq(int, vec[i].msg_len, len));
		cr_assert(zero(int, memcmp(room[i], "0123456789", len)));
		cr_assert(zero(chr, room[i][len]));
		cr_assert(eq(int, vec[i].msg_hdr.msg_flags,
			     i % 2 ? 0 : MSG_TRUNC));
	}
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 6));
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 15));
}

/* Stray, datagram, stray, long datagram, datagram with options. */
Test(cop_rx_odd, datagrams_behind_strays_are_whole_and_in_order)
{
	char text[ROOM];
	int udp = t_udp(), fd = t_open_bound();

	see_pages(udp, fd);
	memset(text, 'x', sizeof(text));
	t_udp_send(udp, t_port(fd), "stray", 5);
	send_text(udp, fd, 0);
	t_udp_send(udp, t_port(fd), "another stray, which is long", 28);
	t_udp_send_cop(udp, t_port(fd), 0, text, sizeof(text));
	t_udp_send_cop(udp, t_port(fd), 4, "message 2", 9);
	cr_assert(eq(int, t_recvmmsg(fd, vec, 5, MSG_DONTWAIT, NULL), 3));
	assert_text(0, 0);
	cr_assert(eq(int, vec[1].msg_len, ROOM));
	cr_assert(zero(int, memcmp(room[1], text, ROOM)));
	assert_text(2, 2);
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 6));
}

/* What the program has behind a shorter datagram is its own. */
Test(cop_rx_odd, the_buffer_behind_a_datagram_stays_as_it_was)
{
	int udp = t_udp(), fd = t_open_bound();

	see_pages(udp, fd);
	for (unsigned int i = 0; i < 4; i++) {
		memset(room[i], 'x', ROOM);
		t_udp_send_cop(udp, t_port(fd), i % 2, "four", 4);
	}
	cr_assert(eq(int, t_recvmmsg(fd, vec, 4, 0, NULL), 4));
	for (unsigned int i = 0; i < 4; i++) {
		cr_assert(zero(int, memcmp(room[i], "four", 4)));
		for (int k = 4 + (i % 2 ? 4 : 0); k < ROOM; k++)
			cr_assert(eq(chr, room[i][k], 'x'));
	}
}

Test(cop_rx_odd, a_connected_socket_counts_datagrams_with_options_for_its_peer)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	see_pages(udp, fd);
	for (unsigned int i = 0; i < 6; i++) {
		vec[i].msg_hdr.msg_name = NULL;
		t_udp_send_cop(udp, t_port(fd), i % 3, "seven..", 7);
	}
	cr_assert(eq(int, t_recvmmsg(fd, vec, 6, 0, NULL), 6));
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 9));
	cr_assert(zero(u32, t_count(fd)->port_mismatch));
}
