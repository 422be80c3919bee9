// SPDX-License-Identifier: MIT
/*
 * test_tx.c - datagram/tx.c: numbers, headers, corked datagrams.
 */
#include <netinet/udp.h>
#include <time.h>

#include "unit/raw_peer.h"

TestSuite(cop_tx, .init = raw_peer_init, .timeout = 20);

static uint32_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

Test(cop_tx, the_timestamp_is_microseconds_of_the_monotonic_clock)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);
	uint32_t before = now_us(), after;

	t_send(fd, "x");
	after = now_us();
	t_wire_recv(udp, &wire);
	cr_assert(le(u32, ntohl(wire.hdr.tstamp) - before, after - before));
}

Test(cop_tx, sequence_numbers_count_up_and_only_the_first_says_so)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	for (uint32_t seq = 0; seq < 100; seq++) {
		t_send(fd, "x");
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
		cr_assert(eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
	}
}

Test(cop_tx, the_sequence_number_wraps_without_a_new_flow)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	cop_sk(t_sk(fd))->peer.datagrams = UINT32_MAX;
	t_send(fd, "x");
	t_wire_recv(udp, &wire);
	cr_assert(eq(u32, ntohl(wire.hdr.seq), UINT32_MAX));
	t_send(fd, "x");
	t_wire_recv(udp, &wire);
	cr_assert(zero(u32, wire.hdr.seq));
	cr_assert(zero(int, wire.hdr.flags));
}

Test(cop_tx, a_payload_of_65492_bytes_is_emsgsize_however_it_is_split)
{
	struct iovec iov[1024];
	int udp, fd = connected(&udp);

	for (size_t i = 0; i < ARRAY_SIZE(iovecs); i++) {
		struct msghdr msg =
			vectored(iov, iovecs[i], data, COP_MAX_LEN + 1);

		cr_assert(eq(int, t_sendmsg(fd, &msg, 0), -EMSGSIZE),
			  "%zu iovecs", iovecs[i]);
	}
	cr_assert(eq(u32, t_count(fd)->tx_errors, ARRAY_SIZE(iovecs)));
	cr_assert(zero(u64, cop_sk(t_sk(fd))->peer.datagrams),
		  "no number was spent");
}

Test(cop_tx, a_send_without_a_destination_is_edestaddrreq)
{
	int fd = t_open();

	cr_assert(eq(int, t_send(fd, "x"), -EDESTADDRREQ));
	cr_assert(eq(u32, t_count(fd)->tx_errors, 1));
}

Test(cop_tx, a_send_autobinds_and_its_header_says_so)
{
	int udp = t_udp(), fd = t_open();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	struct t_wire wire;

	cr_assert(eq(int, t_sendto(fd, "x", 1, 0, &to), 1));
	t_wire_recv(udp, &wire);
	cr_assert(ne(int, t_sk(fd)->sk_num, 0));
	cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)));
	cr_assert(eq(int, wire.hdr.source, htons(t_port(fd))));
	cr_assert(eq(int, t_sk(fd)->sk_refcnt, 2));
	cr_assert(zero(int, t_sk(fd)->sk_userlocks));
}

static const struct {
	const char *name;
	sa_family_t family;
	socklen_t len;
	bool connected;
} send_to[] = {
	{ "short", AF_INET, 15, false },
	{ "family only", AF_INET, 2, false },
	{ "another family", AF_INET6, 16, false },
	{ "AF_UNSPEC", AF_UNSPEC, 16, false },
	{ "port 0", AF_INET, 16, false },
	{ "short, connected", AF_INET, 15, true },
	{ "another family, connected", AF_INET6, 16, true },
	{ "AF_UNSPEC, connected", AF_UNSPEC, 16, true },
};

Test(cop_tx, an_invalid_destination_fails_as_with_udp)
{
	int peer = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(send_to); i++) {
		struct sockaddr_in to = t_addr(LOOPBACK, t_port(peer));
		struct iovec iov = { "x", 1 };
		struct msghdr msg = { .msg_name = &to,
				      .msg_namelen = send_to[i].len,
				      .msg_iov = &iov,
				      .msg_iovlen = 1 };
		int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
		    fd = t_open();
		ssize_t want;

		if (send_to[i].connected) {
			t_connect(udp, LOOPBACK, t_port(peer));
			t_connect(fd, LOOPBACK, t_port(peer));
		}
		to.sin_family = send_to[i].family;
		if (!strcmp(send_to[i].name, "port 0"))
			to.sin_port = 0;
		want = sendmsg(udp, &msg, 0) < 0 ? -errno : 1;
		cr_assert(eq(int, t_sendmsg(fd, &msg, 0), want), "%s",
			  send_to[i].name);
	}
}

Test(cop_tx, each_destination_of_one_socket_is_a_flow)
{
	int udp[3] = { t_udp(), t_udp(), t_udp() }, fd = t_open_bound();
	struct t_wire wire;

	for (uint32_t seq = 0; seq < 4; seq++)
		for (int i = 0; i < 3; i++) {
			struct sockaddr_in to =
				t_addr(LOOPBACK, t_port(udp[i]));

			t_sendto(fd, "x", 1, 0, &to);
			t_wire_recv(udp[i], &wire);
			cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
			cr_assert(
				eq(int, wire.hdr.dest, htons(t_port(udp[i]))));
			cr_assert(
				eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
		}
}

Test(cop_tx, a_connected_socket_may_send_to_another_and_to_its_peer)
{
	int peer = t_udp(), other = t_udp(), fd = t_open_bound();
	struct sockaddr_in to_peer = t_addr(LOOPBACK, t_port(peer));
	struct sockaddr_in to_other = t_addr(LOOPBACK, t_port(other));
	struct t_wire wire;

	t_connect(fd, LOOPBACK, t_port(peer));
	t_send(fd, "x");
	t_sendto(fd, "x", 1, 0, &to_other);
	t_sendto(fd, "x", 1, 0, &to_peer);
	t_wire_recv(other, &wire);
	cr_assert(zero(u32, wire.hdr.seq));
	t_wire_recv(peer, &wire);
	t_wire_recv(peer, &wire);
	cr_assert(eq(u32, ntohl(wire.hdr.seq), 1));
}

Test(cop_tx, a_datagram_that_was_not_sent_spends_no_number)
{
	static char big[COP_MAX_LEN + 1];
	int udp = t_udp(), fd = t_open_bound();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	struct t_wire wire;

	t_sendto(fd, big, sizeof(big), 0, &to);
	t_sendto(fd, "x", 1, 0, &to);
	t_wire_recv(udp, &wire);
	cr_assert(zero(u32, wire.hdr.seq));
	cr_assert(eq(int, wire.hdr.flags, COP_F_FIRST));
	cr_assert(eq(u32, t_count(fd)->tx_errors, 1));
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 1));
}

Test(cop_tx, a_control_message_for_udp_is_refused_as_udp_would)
{
	static const struct {
		int type;
		size_t len;
		uint16_t size;
		int ret;
	} c[] = { { UDP_SEGMENT, 2, 1000, 100 },
		  { UDP_SEGMENT, 2, 0, 100 },
		  { UDP_SEGMENT, 4, 1000, -EINVAL },
		  { UDP_SEGMENT, 1, 1000, -EINVAL },
		  { UDP_CORK, 2, 1, -EINVAL },
		  { 999, 2, 1, -EINVAL } };
	union {
		char room[64];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { data, 100 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(2) };
	struct mmsghdr vec = { 0 };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int udp, fd = connected(&udp);

	cmsg->cmsg_level = IPPROTO_UDP;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cmsg->cmsg_type = c[i].type;
		cmsg->cmsg_len = CMSG_LEN(c[i].len);
		memcpy(CMSG_DATA(cmsg), &c[i].size, sizeof(c[i].size));
		vec.msg_hdr = msg;
		cr_assert(eq(int, t_sendmsg(fd, &msg, 0), c[i].ret), "%zu", i);
		cr_assert(eq(int, t_sendmmsg(fd, &vec, 1, 0),
			     c[i].ret < 0 ? c[i].ret : 1),
			  "%zu", i);
	}
}

/* ---- corked --------------------------------------------------------------- */

static ssize_t send_part(int fd, const char *text, int flags)
{
	return t_sendto(fd, text, strlen(text), flags, NULL);
}

Test(cop_tx, parts_with_MSG_MORE_are_one_datagram_with_one_header)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	for (uint32_t seq = 0; seq < 2; seq++) {
		cr_assert(eq(int, send_part(fd, "one ", MSG_MORE), 4));
		cr_assert(eq(int, send_part(fd, "two ", MSG_MORE), 4));
		cr_assert(eq(int, send_part(fd, "three", 0), 5));
		t_wire_recv(udp, &wire);
		cr_assert(eq(int, wire.len, 13));
		cr_assert(zero(int, memcmp(wire.payload, "one two three", 13)));
		cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
	}
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 2));
	cr_assert(eq(u64, t_count(fd)->tx_bytes, 26));
}

Test(cop_tx, parts_while_UDP_CORK_is_set_are_one_datagram)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 1)));
	send_part(fd, "one ", 0);
	send_part(fd, "two", 0);
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 0)));
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 7));
	cr_assert(zero(int, memcmp(wire.payload, "one two", 7)));
	send_part(fd, "next", 0);
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 4), "it has a header of its own");
	cr_assert(eq(u32, ntohl(wire.hdr.seq), 1));
}

Test(cop_tx, a_batch_while_UDP_CORK_is_set_is_one_datagram)
{
	struct iovec iov[2] = { { "one ", 4 }, { "two", 3 } };
	struct mmsghdr vec[2] = { 0 };
	struct t_wire wire;
	int udp, fd = connected(&udp);

	for (int i = 0; i < 2; i++) {
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	t_set(fd, IPPROTO_UDP, UDP_CORK, 1);
	cr_assert(eq(int, t_sendmmsg(fd, vec, 2, 0), 2));
	t_set(fd, IPPROTO_UDP, UDP_CORK, 0);
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 7));
	cr_assert(zero(int, memcmp(wire.payload, "one two", 7)));
}

/* The kernel drops the corked datagram, so the next one needs a header again. */
Test(cop_tx, after_a_part_too_large_the_next_datagram_has_a_header)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	send_part(fd, "one", MSG_MORE);
	cr_assert(eq(int, t_sendto(fd, data, COP_MAX_LEN, 0, NULL), -EMSGSIZE));
	send_part(fd, "next", 0);
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 4));
	cr_assert(zero(int, memcmp(wire.payload, "next", 4)));
}
