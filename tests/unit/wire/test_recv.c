// SPDX-License-Identifier: MIT
/*
 * test_recv.c - wire/recv.c: COP datagrams in, from a raw UDP socket.
 */
#include "unit/raw_peer.h"

TestSuite(cop_recv, .init = raw_peer_init, .timeout = 20);

/* With options and without, as recv() and as recvmsg() asks for them. */
static void receive_all_splits(unsigned int options)
{
	struct iovec iov[1024];
	int udp = t_udp();
	int fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(iovecs); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			size_t len = lengths[j] -
				     (lengths[j] == COP_MAX_LEN) * options * 4;
			struct msghdr msg = vectored(iov, iovecs[i], room, len);

			t_udp_send_cop(udp, t_port(fd), options, data, len);
			memset(room, 0, len + 1);
			cr_assert(eq(int, t_recvmsg(fd, &msg, 0), len),
				  "%zu iovecs, %u options", iovecs[i], options);
			cr_assert(zero(int, memcmp(room, data, len)),
				  "%zu iovecs, %zu bytes, %u options",
				  iovecs[i], len, options);
			cr_assert(zero(int, room[len]));
			cr_assert(zero(int, msg.msg_flags));
		}
}

Test(cop_recv, payloads_of_every_length_and_split_are_received_whole)
{
	receive_all_splits(0);
}

Test(cop_recv, options_are_skipped_whatever_the_split)
{
	receive_all_splits(1);
	receive_all_splits(4);
	receive_all_splits(11);
}

static const size_t caps[] = { 0, 1, 15, 16, 17, 99, 100, 101, 3000 };

Test(cop_recv, recvmsg_says_MSG_TRUNC_only_where_payload_was_lost)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int options = 0; options <= 11; options += 11)
		for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
			struct iovec iov = { room, caps[i] };
			struct msghdr msg = { .msg_iov = &iov,
					      .msg_iovlen = 1 };
			size_t want = caps[i] < 100 ? caps[i] : 100;

			t_udp_send_cop(udp, t_port(fd), options, data, 100);
			memset(room, 0, sizeof(room));
			cr_assert(eq(int, t_recvmsg(fd, &msg, 0), want));
			cr_assert(zero(int, memcmp(room, data, want)));
			cr_assert(zero(int, room[caps[i]]), "beyond the end");
			cr_assert(eq(int, msg.msg_flags,
				     caps[i] < 100 ? MSG_TRUNC : 0),
				  "%zu bytes, %u options", caps[i], options);
		}
}

Test(cop_recv, an_empty_datagram_is_received_as_such)
{
	int udp, fd = connected(&udp);
	struct sockaddr_in from;
	struct msghdr msg = { 0 };

	t_udp_send_cop(udp, t_port(fd), 0, data, 0);
	t_udp_send_cop(udp, t_port(fd), 5, data, 0);
	cr_assert(zero(int, t_recvfrom(fd, room, 10, 0, &from)));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(udp)));
	cr_assert(zero(int, t_recvmsg(fd, &msg, 0)));
	cr_assert(zero(int, msg.msg_flags));
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 2));
}
