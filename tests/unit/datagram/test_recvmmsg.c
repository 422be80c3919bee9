// SPDX-License-Identifier: MIT
/*
 * test_recvmmsg.c - datagram/recvmmsg.c: batches and single messages, and when to stop.
 */
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "unit/datagram/messages.h"
#include "datagram/soft_error.h"

TestSuite(cop_recvmmsg, .init = t_init, .timeout = 20);

Test(cop_recvmmsg, every_queued_datagram_is_received)
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

Test(cop_recvmmsg, with_nothing_queued_it_is_eagain)
{
	int fd = t_open_bound();

	cr_assert(eq(int, t_recvmmsg(fd, fresh(3), 3, MSG_DONTWAIT, NULL),
		     -EAGAIN));
}

/* The socket is closed while a thread is in the call; the kernel still delivers. */
Test(cop_recvmmsg, what_came_to_a_closed_socket_is_not_for_the_program)
{
	int udp = t_udp(), fd = t_open_bound();
	struct sock *sk = t_sk(fd);

	t_udp_send_strays(udp, t_port(fd));
	t_leave(fd);
	cr_assert(eq(int, cop_recvmmsg(sk, fd, fresh(3), 3, MSG_DONTWAIT, NULL),
		     -EINTR));
}

/*
 * Another thread closes the descriptor, or replaces it, behind the first receive. The
 * next one would take another socket's datagrams, or wait for them.
 */
Test(cop_recvmmsg, a_call_ends_where_the_descriptor_leads_elsewhere)
{
	struct timeval second = { .tv_sec = 1 };
	int udp = t_udp(), fd = t_open_bound();
	struct sock *sk = t_sk(fd);

	cr_assert(zero(int, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second,
				       sizeof(second))));
	sock_set_flag(sk, SOCK_RCVTIMEO);
	send_text(udp, fd, 0);
	send_text(udp, fd, 1);
	t_leave(fd);
	cr_assert(eq(int, cop_recvmmsg(sk, fd, fresh(2), 2, 0, NULL), 1));
	cr_assert(eq(int, recv(fd, name, 1, MSG_DONTWAIT), 1));
}

Test(cop_recvmmsg, a_peek_takes_nothing)
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

Test(cop_recvmmsg, a_message_of_many_iovecs_is_received_in_its_place)
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

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 +
	       (now.tv_nsec - since->tv_nsec) / 1000000;
}

Test(cop_recvmmsg, MSG_WAITFORONE_returns_the_datagrams_that_are_queued)
{
	int udp = t_udp(), fd = t_open_bound();

	send_text(udp, fd, 0);
	send_text(udp, fd, 1);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, MSG_WAITFORONE, NULL),
		     2));
}

Test(cop_recvmmsg, MSG_WAITFORONE_waits_on_after_a_stray)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_strays(udp, t_port(fd));
	send_text(udp, fd, 7);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, MSG_WAITFORONE, NULL),
		     1));
	assert_text(0, 7);
}

/* The kernel would wait for the rest of the 40 messages. */
Test(cop_recvmmsg, MSG_WAITFORONE_does_not_wait_for_a_second_batch)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int i = 0; i < 16; i++)
		send_text(udp, fd, i);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(40), 40, MSG_WAITFORONE, NULL),
		     16));
}

/* SO_RCVTIMEO of 2 s ends it: the kernel looks at the time after a message. */
Test(cop_recvmmsg, a_timeout_ends_the_wait_after_the_next_message)
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

Test(cop_recvmmsg, the_time_left_is_written_back)
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

Test(cop_recvmmsg, an_invalid_timeout_is_einval_as_with_udp)
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

/* An error that a call has met after its first message is kept in soft_err. */
Test(cop_recvmmsg, the_next_call_returns_an_error_that_came_too_late)
{
	int fd = t_open_bound(), udp = t_udp();
	char buf[8];

	send_text(udp, fd, 0);
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	send_text(udp, fd, 1);
	close(udp);
	cop_soft_error_set(t_sk(fd), -ECONNREFUSED);
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -ECONNREFUSED));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), 8));
	cop_soft_error_set(t_sk(fd), -ECONNREFUSED);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(2), 2, MSG_DONTWAIT, NULL),
		     -ECONNREFUSED));
	cop_soft_error_set(t_sk(fd), -ECONNREFUSED);
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED));
	cr_assert(zero(int, t_get(fd, SOL_SOCKET, SO_ERROR)));
}

static void on_alarm(int sig)
{
	(void)sig;
}

Test(cop_recvmmsg, a_signal_after_some_messages_returns_them)
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
