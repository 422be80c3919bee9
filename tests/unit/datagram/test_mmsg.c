// SPDX-License-Identifier: MIT
/*
 * test_mmsg.c - datagram/mmsg.c: many datagrams in one call.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

#include "unit/helpers.h"

enum { MANY = 50, ROOM = 64 }; /* more than one batch holds */

static struct mmsghdr vec[1100];
static struct iovec iov[1100];
static struct sockaddr_in name[1100];
static char room[1100][ROOM];

/* @n messages with a buffer and a name each. */
static struct mmsghdr *fresh(unsigned int n)
{
	memset(vec, 0, sizeof(vec));
	for (unsigned int i = 0; i < n; i++) {
		memset(room[i], 0, ROOM);
		iov[i] = (struct iovec){ room[i], ROOM };
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
		vec[i].msg_hdr.msg_name = &name[i];
		vec[i].msg_hdr.msg_namelen = sizeof(name[i]);
	}
	return vec;
}

/* @n messages of a text each, to @snum. */
static struct mmsghdr *texts(unsigned int n, uint16_t snum)
{
	fresh(n);
	for (unsigned int i = 0; i < n; i++) {
		name[i] = t_addr(LOOPBACK, snum);
		iov[i].iov_len = snprintf(room[i], ROOM, "message %u", i);
	}
	return vec;
}

static void assert_text(unsigned int at, unsigned int number)
{
	char want[ROOM];
	int len = snprintf(want, ROOM, "message %u", number);

	cr_assert(eq(int, vec[at].msg_len, len), "message %u", at);
	cr_assert(zero(int, memcmp(room[at], want, len)), "message %u", at);
}

static void send_text(int udp, int fd, unsigned int number)
{
	char text[ROOM];
	int len = snprintf(text, ROOM, "message %u", number);

	t_udp_send_cop(udp, t_port(fd), 0, text, len);
}

TestSuite(cop_mmsg, .init = t_init, .timeout = 20);

/* ---- sendmmsg ------------------------------------------------------------- */

Test(cop_mmsg, each_message_has_a_header_of_its_own)
{
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	cr_assert(eq(int, t_sendmmsg(fd, texts(MANY, t_port(udp)), MANY, 0),
		     MANY));
	for (unsigned int i = 0; i < MANY; i++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), i));
		cr_assert(eq(int, wire.hdr.flags, i ? 0 : COP_F_FIRST));
		cr_assert(eq(int, wire.hdr.source, htons(t_port(fd))));
		cr_assert(eq(int, wire.hdr.dest, htons(t_port(udp))));
		memcpy(room[i], wire.payload, wire.len);
		assert_text(i, i);
	}
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, MANY));
}

Test(cop_mmsg, an_unbound_socket_is_autobound)
{
	int udp = t_udp(), fd = t_open();
	struct t_wire wire;

	cr_assert(eq(int, t_sendmmsg(fd, texts(2, t_port(udp)), 2, 0), 2));
	t_wire_recv(udp, &wire);
	cr_assert(ne(int, wire.hdr.source, 0));
	cr_assert(eq(int, wire.hdr.source, htons(t_port(fd))));
}

/* Message 20, in the second batch, can't be sent. */
Test(cop_mmsg, a_message_that_fails_ends_the_call_and_spends_no_number)
{
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	texts(MANY, t_port(udp));
	name[20].sin_family = AF_INET6;
	cr_assert(eq(int, t_sendmmsg(fd, vec, MANY, 0), 20));
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 20));
	cr_assert(
		eq(int, t_sendmmsg(fd, vec + 20, MANY - 20, 0), -EAFNOSUPPORT));
	cr_assert(eq(int, t_sendmmsg(fd, vec + 21, 1, 0), 1));
	for (unsigned int i = 0; i < 21; i++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), i));
	}
}

Test(cop_mmsg, a_first_message_that_fails_is_the_calls_error)
{
	int udp = t_udp(), fd = t_open_bound();

	texts(3, t_port(udp));
	vec[0].msg_hdr.msg_name = NULL;
	vec[0].msg_hdr.msg_namelen = 0;
	cr_assert(eq(int, t_sendmmsg(fd, vec, 3, 0), -EDESTADDRREQ));
}

Test(cop_mmsg, a_message_of_many_iovecs_goes_in_its_place)
{
	static struct iovec bytes[1024];
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	texts(5, t_port(udp));
	for (int i = 0; i < 1024; i++)
		bytes[i] = (struct iovec){ room[0], 1 };
	vec[2].msg_hdr.msg_iov = bytes;
	vec[2].msg_hdr.msg_iovlen = 1024;
	cr_assert(eq(int, t_sendmmsg(fd, vec, 5, 0), 5));
	for (unsigned int i = 0; i < 5; i++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), i));
		cr_assert(eq(int, wire.len, i == 2 ? 1024 : 9));
		cr_assert(eq(int, vec[i].msg_len, i == 2 ? 1024 : 9));
	}
}

Test(cop_mmsg, no_more_than_1024_messages_are_sent)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(eq(int, t_sendmmsg(fd, texts(1100, t_port(udp)), 1100, 0),
		     1024));
}

Test(cop_mmsg, no_messages_and_no_vector_answer_as_udp_does)
{
	struct mmsghdr *const bad = (struct mmsghdr *)8;
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(eq(int, t_sendmmsg(fd, fresh(1), 0, 0),
		     sendmmsg(udp, vec, 0, 0)));
	cr_assert(eq(int, t_sendmmsg(fd, bad, 1, 0),
		     sendmmsg(udp, bad, 1, 0) < 0 ? -errno : 0));
	cr_assert(eq(int, t_recvmmsg(fd, fresh(1), 0, MSG_DONTWAIT, NULL),
		     recvmmsg(udp, vec, 0, MSG_DONTWAIT, NULL)));
	cr_assert(
		eq(int, t_recvmmsg(fd, bad, 1, MSG_DONTWAIT, NULL),
		   recvmmsg(udp, bad, 1, MSG_DONTWAIT, NULL) < 0 ? -errno : 0));
}

/* ---- recvmmsg ------------------------------------------------------------- */

Test(cop_mmsg, all_that_is_queued_is_received)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int i = 0; i < MANY; i++)
		send_text(udp, fd, i);
	cr_assert(eq(int,
		     t_recvmmsg(fd, fresh(MANY + 9), MANY + 9, MSG_DONTWAIT,
				NULL),
		     MANY));
	for (unsigned int i = 0; i < MANY; i++) {
		assert_text(i, i);
		cr_assert(eq(uint, ntohs(name[i].sin_port), t_port(udp)));
		cr_assert(eq(int, vec[i].msg_hdr.msg_namelen,
			     sizeof(struct sockaddr_in)));
		cr_assert(zero(int, vec[i].msg_hdr.msg_flags));
	}
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, MANY));
}

Test(cop_mmsg, with_nothing_queued_it_is_eagain)
{
	int fd = t_open_bound();

	cr_assert(eq(int, t_recvmmsg(fd, fresh(3), 3, MSG_DONTWAIT, NULL),
		     -EAGAIN));
}

/* A stray at the start, several in the middle and one at the end. */
Test(cop_mmsg, strays_in_a_batch_leave_no_hole)
{
	int udp = t_udp(), fd = t_open_bound();
	unsigned int strays = 0;

	for (unsigned int i = 0; i < 30; i++) {
		if (i % 7 == 0) {
			t_udp_send_strays(udp, t_port(fd));
			strays += COP_STRAY_REASONS;
		}
		send_text(udp, fd, i);
	}
	cr_assert(
		eq(int, t_recvmmsg(fd, fresh(30), 30, MSG_DONTWAIT, NULL), 30));
	for (unsigned int i = 0; i < 30; i++) {
		assert_text(i, i);
		cr_assert(eq(uint, ntohs(name[i].sin_port), t_port(udp)));
	}
	for (int i = 0; i < COP_STRAY_REASONS; i++)
		strays -= t_count(fd)->strays[i];
	cr_assert(zero(uint, strays));
}

Test(cop_mmsg, nothing_but_strays_is_eagain)
{
	int udp = t_udp(), fd = t_open_bound();

	for (int i = 0; i < 10; i++)
		t_udp_send_strays(udp, t_port(fd));
	cr_assert(eq(int, t_recvmmsg(fd, fresh(9), 9, MSG_DONTWAIT, NULL),
		     -EAGAIN));
	cr_assert(eq(int, t_recvmmsg(fd, fresh(9), 9, MSG_DONTWAIT, NULL),
		     -EAGAIN));
}

/* What moved into an earlier message is cut to that message's room. */
Test(cop_mmsg, a_message_moved_over_a_stray_is_cut_to_its_new_room)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send(udp, t_port(fd), "stray", 5);
	send_text(udp, fd, 0);
	fresh(2);
	iov[0].iov_len = 3;
	cr_assert(eq(int, t_recvmmsg(fd, vec, 2, MSG_DONTWAIT, NULL), 1));
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 1));
	cr_assert(eq(int, vec[0].msg_len, 3));
	cr_assert(zero(int, memcmp(room[0], "mes\0", 4)));
	cr_assert(eq(int, vec[0].msg_hdr.msg_flags, MSG_TRUNC));
}

Test(cop_mmsg, a_short_buffer_truncates_its_own_message_only)
{
	int udp = t_udp(), fd = t_open_bound();

	for (int flags = 0; flags <= MSG_TRUNC; flags += MSG_TRUNC) {
		for (unsigned int i = 0; i < 3; i++)
			send_text(udp, fd, i);
		fresh(3);
		iov[1].iov_len = 4;
		cr_assert(eq(int, t_recvmmsg(fd, vec, 3, flags, NULL), 3));
		assert_text(0, 0);
		assert_text(2, 2);
		cr_assert(eq(int, vec[1].msg_len, flags ? 9 : 4));
		cr_assert(eq(int, vec[1].msg_hdr.msg_flags, MSG_TRUNC));
		cr_assert(zero(int, vec[0].msg_hdr.msg_flags));
	}
}

Test(cop_mmsg, options_are_skipped_in_a_batch)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int i = 0; i < 12; i++)
		t_udp_send_cop(udp, t_port(fd), i, "payload", 7);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(12), 12, 0, NULL), 12));
	for (unsigned int i = 0; i < 12; i++) {
		cr_assert(eq(int, vec[i].msg_len, 7));
		cr_assert(zero(int, memcmp(room[i], "payload", 7)));
	}
}

Test(cop_mmsg, empty_datagrams_are_messages)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_cop(udp, t_port(fd), 0, "", 0);
	send_text(udp, fd, 1);
	t_udp_send_cop(udp, t_port(fd), 0, "", 0);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(3), 3, 0, NULL), 3));
	cr_assert(zero(int, vec[0].msg_len));
	assert_text(1, 1);
	cr_assert(zero(int, vec[2].msg_len));
}

Test(cop_mmsg, a_peek_takes_nothing)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_strays(udp, t_port(fd));
	send_text(udp, fd, 0);
	cr_assert(eq(int,
		     t_recvmmsg(fd, fresh(2), 2, MSG_PEEK | MSG_DONTWAIT, NULL),
		     2));
	assert_text(0, 0);
	assert_text(1, 0);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(2), 2, MSG_DONTWAIT, NULL), 1));
	assert_text(0, 0);
}

Test(cop_mmsg, a_message_of_many_iovecs_is_received_in_its_place)
{
	static struct iovec bytes[1024];
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int i = 0; i < 5; i++)
		send_text(udp, fd, i);
	fresh(5);
	for (int i = 0; i < 1024; i++)
		bytes[i] = (struct iovec){ &room[2][i % ROOM], i < ROOM };
	vec[2].msg_hdr.msg_iov = bytes;
	vec[2].msg_hdr.msg_iovlen = 1024;
	cr_assert(eq(int, t_recvmmsg(fd, vec, 5, 0, NULL), 5));
	for (unsigned int i = 0; i < 5; i++)
		assert_text(i, i);
}

/* ---- waiting -------------------------------------------------------------- */

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 +
	       (now.tv_nsec - since->tv_nsec) / 1000000;
}

Test(cop_mmsg, MSG_WAITFORONE_returns_with_what_there_is)
{
	int udp = t_udp(), fd = t_open_bound();

	send_text(udp, fd, 0);
	send_text(udp, fd, 1);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, MSG_WAITFORONE, NULL),
		     2));
}

Test(cop_mmsg, MSG_WAITFORONE_is_not_content_with_a_stray)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_strays(udp, t_port(fd));
	send_text(udp, fd, 7);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, MSG_WAITFORONE, NULL),
		     1));
	assert_text(0, 7);
}

/* More than a batch, after which nothing must be waited for. */
Test(cop_mmsg, MSG_WAITFORONE_does_not_wait_for_a_second_batch)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int i = 0; i < 16; i++)
		send_text(udp, fd, i);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, MSG_WAITFORONE, NULL),
		     16));
}

/* SO_RCVTIMEO of 2 s ends it: the kernel looks at the time after a message. */
Test(cop_mmsg, a_timeout_ends_the_wait_after_the_next_message)
{
	struct timespec timeout = { .tv_nsec = 1 };
	int udp = t_udp(), fd = t_open_bound();
	struct timespec start;

	send_text(udp, fd, 0);
	send_text(udp, fd, 1);
	clock_gettime(CLOCK_MONOTONIC, &start);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, 0, &timeout), 1));
	cr_assert(lt(long, elapsed_ms(&start), 1000));
	cr_assert(zero(long, timeout.tv_sec));
	cr_assert(zero(long, timeout.tv_nsec));
}

Test(cop_mmsg, the_time_left_is_written_back)
{
	struct timespec timeout = { .tv_sec = 100 };
	int udp = t_udp(), fd = t_open_bound();

	send_text(udp, fd, 0);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(1), 1, 0, &timeout), 1));
	cr_assert(eq(long, timeout.tv_sec, 99));
}

static const struct timespec bad_time[] = { { -1, 0 },
					    { 0, -1 },
					    { 0, 1000000000 } };

Test(cop_mmsg, a_time_that_is_none_is_einval_as_with_udp)
{
	int udp = t_udp(), fd = t_open_bound();

	send_text(udp, fd, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_time); i++) {
		struct timespec timeout = bad_time[i];

		cr_assert(eq(int, recvmmsg(udp, fresh(1), 1, 0, &timeout), -1));
		cr_assert(eq(int, errno, EINVAL));
		cr_assert(eq(int, t_recvmmsg(fd, fresh(1), 1, 0, &timeout),
			     -EINVAL));
		cr_assert(eq(int,
			     t_recvmmsg(fd, fresh(1), 1, MSG_PEEK, &timeout),
			     -EINVAL));
	}
}

/* The error comes after one datagram was received: the next call returns it. */
Test(cop_mmsg, an_error_behind_some_messages_is_the_next_calls)
{
	int fd = t_open_bound(), udp = t_udp();
	char buf[8];

	send_text(udp, fd, 0);
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	send_text(udp, fd, 1);
	close(udp);
	cop_sk(t_sk(fd))->soft_err = ECONNREFUSED;
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -ECONNREFUSED));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), 8));
	cop_sk(t_sk(fd))->soft_err = ECONNREFUSED;
	cr_assert(eq(int, t_recvmmsg(fd, fresh(2), 2, MSG_DONTWAIT, NULL),
		     -ECONNREFUSED));
	cop_sk(t_sk(fd))->soft_err = ECONNREFUSED;
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED));
	cr_assert(zero(int, t_get(fd, SOL_SOCKET, SO_ERROR)));
}

static void on_alarm(int sig)
{
	(void)sig;
}

Test(cop_mmsg, a_signal_after_some_messages_returns_them)
{
	struct itimerval soon = { .it_value = { 0, 50000 } };
	struct sigaction act = { .sa_handler = on_alarm };
	int udp = t_udp(), fd = t_open_bound();

	sigaction(SIGALRM, &act, NULL);
	send_text(udp, fd, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(3), 3, 0, NULL), 1));
	assert_text(0, 0);
}
