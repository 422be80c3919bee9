// SPDX-License-Identifier: MIT
/*
 * test_recv.c - wire/recv.c: COP datagrams in, from a raw UDP socket.
 */
#include "lib/libc.h"
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

/* ---- another thread changes the iovecs --------------------------------------- */

enum { MANY = 70 }; /* too many for the stack */

/* The program's iovecs, and behind them one that no receive may use. */
static struct iovec own[MANY + 1];
static unsigned char behind[4096];
static ssize_t (*libc_recvmsg)(int fd, struct msghdr *msg, int flags);

/* During the receive the program's iovecs become empty. */
static ssize_t emptying_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = libc_recvmsg(fd, msg, flags);

	for (int i = 0; i < MANY; i++)
		own[i].iov_len = 0;
	return n;
}

static struct msghdr message_of(size_t n)
{
	struct msghdr msg = { .msg_iov = own + MANY - n, .msg_iovlen = n };

	memset(room, 0, 1000);
	for (size_t i = 0; i < MANY; i++)
		own[i] = (struct iovec){ room + 10 * i, 10 };
	own[MANY] = (struct iovec){ behind, sizeof(behind) };
	return msg;
}

static void set_up_emptying(void)
{
	raw_peer_init();
	libc_recvmsg = cop_libc.recvmsg;
	cop_libc.recvmsg = emptying_recvmsg;
}

static void assert_nothing_behind(void)
{
	for (size_t i = 0; i < sizeof(behind); i++)
		cr_assert(zero(int, behind[i]));
}

TestSuite(cop_recv_changed, .init = set_up_emptying, .timeout = 20);

Test(cop_recv_changed, a_stray_stays_within_the_iovecs_of_the_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t n = 1; n <= 7; n++) {
		struct msghdr msg = message_of(n);

		t_udp_send(udp, t_port(fd), data, 900);
		cr_assert(eq(int, t_recvmsg(fd, &msg, MSG_DONTWAIT), -EAGAIN));
		assert_nothing_behind();
	}
}

Test(cop_recv_changed, a_payload_behind_options_is_where_the_receive_began)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t n = 1; n <= 7; n++) {
		struct msghdr msg = message_of(n);

		t_udp_send_cop(udp, t_port(fd), 5, data, 900);
		cr_assert(eq(int, t_recvmsg(fd, &msg, 0), 10 * n));
		cr_assert(zero(int,
			       memcmp(room + 10 * (MANY - n), data, 10 * n)));
		assert_nothing_behind();
	}
}

Test(cop_recv_changed, a_payload_by_way_of_a_buffer_is_efault)
{
	int udp = t_udp(), fd = t_open_bound();
	struct msghdr msg = message_of(MANY);

	t_udp_send_cop(udp, t_port(fd), 0, data, 900);
	cr_assert(eq(int, t_recvmsg(fd, &msg, 0), -EFAULT));
	assert_nothing_behind();
}

/* The iovecs were longer when the room in them was summed up. */
Test(cop_recv_changed, iovecs_that_were_longer_before_count_as_they_are)
{
	int udp = t_udp(), fd = t_open_bound();
	struct msghdr msg = message_of(3);
	struct cop_rx rx = { 0 };

	t_udp_send(udp, t_port(fd), data, 900);
	cr_assert(zero(int, cop_encap_recv(t_sk(fd), fd, &msg, 0, 800, &rx)));
	cr_assert(eq(sz, rx.copied, 30));
	cr_assert(zero(int, memcmp(room + 670, data, 30)));
	assert_nothing_behind();
}
