// SPDX-License-Identifier: MIT
/*
 * test_joined.c - datagram/joined.c: the headers of joined datagrams are taken out. A UDP
 * socket sends them as one send, and they arrive joined.
 */
#include <netinet/udp.h>

#include "unit/helpers.h"

static int udp, fd;

static void setup(void)
{
	t_init();
	udp = t_udp();
	fd = t_open_bound();
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_GRO, 1)));
}

TestSuite(cop_joined, .init = setup, .timeout = 20);

enum { MOST = 128 };

static unsigned char wire[65536], got[65536];
static size_t wire_len;

/* A datagram with a header of @hlen bytes; its payload is the letter @c, @len times. */
static void put(uint32_t seq, size_t hlen, char c, size_t len)
{
	struct cophdr hdr = { .magic = htons(COP_MAGIC),
			      .ver_hlen = COP_VERSION << 4 | hlen / 4,
			      .source = htons(t_port(udp)),
			      .dest = htons(t_port(fd)),
			      .seq = htonl(seq) };

	memset(wire + wire_len, 0xee, hlen);
	memcpy(wire + wire_len, &hdr, sizeof(hdr));
	memset(wire + wire_len + hlen, c, len);
	wire_len += hlen + len;
}

static void put_stray(size_t len)
{
	memset(wire + wire_len, 's', len);
	wire_len += len;
}

static void send_joined(int size)
{
	struct sockaddr_in to = t_name(fd);

	cr_assert(zero(int, setsockopt(udp, IPPROTO_UDP, UDP_SEGMENT, &size,
				       sizeof(size))));
	cr_assert(eq(sz,
		     sendto(udp, wire, wire_len, 0, (struct sockaddr *)&to,
			    sizeof(to)),
		     wire_len));
	wire_len = 0;
}

/* What one receive brings: its payload, the size that it tells, and its flags. */
static void assert_gets(const char *payload, int size, int flags)
{
	char control[64] __attribute__((aligned(8)));
	struct iovec iov = { got, 4096 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = t_recvmsg(fd, &msg, MSG_DONTWAIT);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int told = 0;

	cr_assert(eq(int, n, (int)strlen(payload)));
	cr_assert(zero(int, memcmp(got, payload, n)), "%.*s", (int)n, got);
	cr_assert(eq(int, msg.msg_flags, flags));
	if (cmsg)
		memcpy(&told, CMSG_DATA(cmsg), sizeof(told));
	cr_assert(eq(int, told, size));
}

static void assert_nothing_left(void)
{
	cr_assert(eq(int, t_recv(fd, got, 10, MSG_DONTWAIT), -EAGAIN));
}

static struct cop_source figures(void)
{
	struct cop_flow_report report[2];

	cr_assert(eq(u32, cop_flow_list(&cop_sk(t_sk(fd))->flows, 0, report, 2),
		     1));
	return report[0].rx;
}

static uint64_t lost(void)
{
	struct cop_source rx = figures();

	return cop_source_lost(&rx);
}

Test(cop_joined, payloads_come_one_behind_another)
{
	put(0, 16, 'a', 4);
	put(1, 16, 'b', 4);
	put(2, 16, 'c', 3);
	send_joined(20);
	assert_gets("aaaabbbbccc", 4, 0);
	assert_nothing_left();
}

Test(cop_joined, each_datagram_is_counted)
{
	for (int i = 0; i < 10; i++)
		put(i < 5 ? i : i + 3, 16, 'a', 4);
	send_joined(20);
	assert_gets("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 4, 0);
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 10));
	cr_assert(eq(u64, t_count(fd)->rx_bytes, 40));
	cr_assert(zero(u32, t_count(fd)->rx_truncated));
	cr_assert(eq(u64, figures().datagrams, 10));
	cr_assert(eq(u64, figures().bytes, 40));
	cr_assert(eq(u64, lost(), 3));
}

Test(cop_joined, a_look_counts_nothing)
{
	put(0, 16, 'a', 4);
	put(1, 16, 'b', 4);
	send_joined(20);
	cr_assert(eq(int, t_recv(fd, got, 100, MSG_PEEK), 8));
	cr_assert(zero(u32, t_count(fd)->rx_datagrams));
	assert_gets("aaaabbbb", 4, 0);
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 2));
}

Test(cop_joined, a_stray_among_them_is_dropped_and_counted)
{
	put(0, 16, 'a', 4);
	put_stray(20);
	put(1, 16, 'b', 4);
	put_stray(7);
	send_joined(20);
	assert_gets("aaaabbbb", 4, 0);
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_MAGIC], 1));
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_SHORT], 1));
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 2));
	assert_nothing_left();
}

Test(cop_joined, a_stray_may_be_the_first_one)
{
	put_stray(20);
	put(1, 16, 'b', 4);
	put(2, 16, 'c', 4);
	send_joined(20);
	assert_gets("bbbbcccc", 4, 0);
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_MAGIC], 1));
}

Test(cop_joined, what_is_left_of_strays_is_a_single_datagram)
{
	put_stray(20);
	put(1, 16, 'b', 4);
	put_stray(20);
	send_joined(20);
	assert_gets("bbbb", 0, 0);
}

Test(cop_joined, of_strays_only_nothing_is_received)
{
	for (int i = 0; i < 5; i++)
		put_stray(20);
	send_joined(20);
	assert_nothing_left();
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_MAGIC], 5));
}

Test(cop_joined, headers_with_options_are_taken_out_as_well)
{
	put(0, 24, 'a', 4);
	put(1, 24, 'b', 4);
	put(2, 24, 'c', 1);
	send_joined(28);
	assert_gets("aaaabbbbc", 4, 0);
}

Test(cop_joined, the_last_payload_may_be_shorter_by_options)
{
	put(0, 16, 'a', 8);
	put(1, 20, 'b', 4);
	send_joined(24);
	assert_gets("aaaaaaaabbbb", 8, 0);
}

/* The control message can't tell two lengths. The program sees that bytes are lost. */
Test(cop_joined, behind_a_shorter_payload_the_receive_is_cut)
{
	put(0, 16, 'a', 8);
	put(1, 20, 'b', 4);
	put(2, 16, 'c', 8);
	send_joined(24);
	assert_gets("aaaaaaaabbbb", 8, MSG_TRUNC);
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 3));
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 1));
	cr_assert(zero(u64, lost()));
	assert_nothing_left();
}

Test(cop_joined, after_that_datagrams_come_singly)
{
	int joined = t_get(fd, IPPROTO_UDP, UDP_GRO);

	for (int round = 0; round < 2; round++) {
		put(3 * round, 20, 'b', 4);
		put(3 * round + 1, 16, 'c', 8);
		put(3 * round + 2, 16, 'd', 8);
		send_joined(24);
		assert_gets("bbbb", 0, round ? 0 : MSG_TRUNC);
	}
	assert_gets("cccccccc", 0, 0);
	assert_gets("dddddddd", 0, 0);
	assert_nothing_left();
	cr_assert(eq(int, t_get(fd, IPPROTO_UDP, UDP_GRO), joined));
}

Test(cop_joined, an_empty_payload_is_not_shown_behind_another)
{
	put(0, 16, 'a', 8);
	put(1, 16, 'b', 8);
	put(2, 16, 'c', 0);
	send_joined(24);
	assert_gets("aaaaaaaabbbbbbbb", 8, MSG_TRUNC);
}

Test(cop_joined, of_empty_payloads_one_is_shown)
{
	for (int i = 0; i < 4; i++)
		put(i, 16, 'a', 0);
	send_joined(16);
	assert_gets("", 0, MSG_TRUNC);
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 4));
}

/* There is no room for the headers of the others, but they have come as well. */
Test(cop_joined, datagrams_beyond_a_small_buffer_are_counted)
{
	for (int i = 0; i < 60; i++)
		put(i, 16, 'a', 1000);
	send_joined(1016);
	cr_assert(eq(int, t_recv(fd, got, 10, MSG_TRUNC), 60000));
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 60));
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 60));
	cr_assert(eq(u64, t_count(fd)->rx_bytes, 10));
	put(60, 16, 'a', 4);
	send_joined(100);
	assert_gets("aaaa", 0, 0);
	cr_assert(zero(u64, lost()));
}

Test(cop_joined, most_datagrams_of_one_byte_fill_a_buffer)
{
	char all[MOST + 1] = { 0 };

	memset(all, 'a', MOST);
	for (int i = 0; i < MOST; i++)
		put(i, 16, 'a', 1);
	send_joined(17);
	assert_gets(all, 1, 0);
}

/* ---- where the kernel does not tell --------------------------------------------- */

static void stop_telling(void)
{
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_GRO, 0)));
}

Test(cop_joined, headers_tell_where_they_are)
{
	for (int size = 16; size < 200; size += 23) {
		cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_GRO, 1)));
		for (int i = 0; i < 4; i++)
			put(i * 2, 16, 'a', i < 3 ? size - 16 : size / 2 - 8);
		send_joined(size);
		stop_telling();
		cr_assert(eq(int, t_recv(fd, got, 4096, MSG_DONTWAIT),
			     size == 16 ? 0 : 3 * (size - 16) + size / 2 - 8));
		for (int i = 0; size > 16 && i < 3 * (size - 16); i++)
			cr_assert(eq(int, got[i], 'a'));
		assert_nothing_left();
	}
}

Test(cop_joined, bytes_that_only_resemble_a_header_are_payload)
{
	struct cophdr inner = { .magic = htons(COP_MAGIC),
				.ver_hlen = COP_VERSION << 4 | 4,
				.source = htons(t_port(udp)),
				.dest = htons(t_port(fd)),
				.seq = htonl(7) };

	put(0, 16, 'a', 40);
	put(1, 16, 'a', 40);
	send_joined(56);
	stop_telling();
	put(7, 16, 'a', 40);
	memcpy(wire + 30, &inner, sizeof(inner));
	send_joined(1000);
	cr_assert(eq(int, t_recv(fd, got, 4096, MSG_DONTWAIT), 80));
	cr_assert(eq(int, t_recv(fd, got, 4096, MSG_DONTWAIT), 40));
	cr_assert(zero(int, memcmp(got + 14, &inner, sizeof(inner))));
}

/* What looks like the next header lies among the options of the first one. */
Test(cop_joined, a_datagram_is_no_shorter_than_its_header)
{
	struct cophdr inner = { .magic = htons(COP_MAGIC),
				.ver_hlen = COP_VERSION << 4 | 4,
				.source = htons(t_port(udp)),
				.dest = htons(t_port(fd)),
				.seq = htonl(1) };

	stop_telling();
	put(0, 60, 'a', 10);
	memcpy(wire + 36, &inner, sizeof(inner));
	send_joined(1000);
	cr_assert(eq(int, t_recv(fd, got, 4096, MSG_DONTWAIT), 10));
	cr_assert(eq(int, got[0], 'a'));
}

Test(cop_joined, once_the_queue_was_empty_no_header_is_looked_for)
{
	put(0, 16, 'a', 4);
	put(1, 16, 'a', 4);
	send_joined(20);
	stop_telling();
	cr_assert(eq(int, t_recv(fd, got, 100, MSG_DONTWAIT), 8));
	cr_assert(sock_flag(t_sk(fd), SOCK_GRO));
	assert_nothing_left();
	cr_assert(not(sock_flag(t_sk(fd), SOCK_GRO | SOCK_GRO_UNTOLD)));
}
