// SPDX-License-Identifier: MIT
/*
 * test_filter.c - filter/filter.c: what is not COP wakes nobody.
 */
#include <linux/filter.h>
#include <poll.h>
#include <sys/epoll.h>

#include "unit/helpers.h"

TestSuite(cop_filter, .init = t_init, .timeout = 20);

/* poll() as interpose/wait.c does it. */
static int polled(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	t_sock(fd)->sk->sk_prot->poll(t_sock(fd)->sk, fd);
	return poll(&p, 1, timeout);
}

static unsigned int strays(int fd)
{
	unsigned int n = 0;

	for (int i = 0; i < COP_STRAY_REASONS; i++)
		n += t_count(fd)->strays[i];
	return n;
}

Test(cop_filter, a_stray_that_comes_later_wakes_no_poll)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(zero(int, polled(fd, 0)));
	t_udp_send_strays(udp, t_port(fd));
	cr_assert(zero(int, polled(fd, 50)));
	cr_assert(eq(uint, t_drops(fd), COP_STRAY_REASONS));
	cr_assert(zero(uint, strays(fd)));
}

Test(cop_filter, a_stray_that_came_before_wakes_no_poll_and_is_counted)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_strays(udp, t_port(fd));
	cr_assert(zero(int, polled(fd, 50)));
	cr_assert(eq(uint, strays(fd), COP_STRAY_REASONS));
}

Test(cop_filter, a_cop_datagram_behind_strays_wakes_poll)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_udp_send_strays(udp, t_port(fd));
	t_udp_send_cop(udp, t_port(fd), 0, "cop", 3);
	cr_assert(eq(int, polled(fd, 1000), 1));
	cr_assert(eq(int, t_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 3));
}

/* Queued before the filter was set, behind a datagram that is read. */
Test(cop_filter, a_stray_between_two_datagrams_wakes_no_poll)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_udp_send_cop(udp, t_port(fd), 0, "one", 3);
	t_udp_send_strays(udp, t_port(fd));
	t_udp_send_cop(udp, t_port(fd), 0, "two", 3);
	t_udp_send_strays(udp, t_port(fd));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, polled(fd, 1000), 1));
		cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), 3));
	}
	cr_assert(zero(int, polled(fd, 50)));
	cr_assert(eq(uint, strays(fd), 2 * COP_STRAY_REASONS));
}

/* As epoll, whose wait does not pass through the library. */
Test(cop_filter, after_a_read_no_stray_is_left_to_wake_an_epoll)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int udp = t_udp(), fd = t_open_bound();
	int epfd = epoll_create1(0);
	char buf[8];

	t_udp_send_cop(udp, t_port(fd), 0, "one", 3);
	t_udp_send_strays(udp, t_port(fd));
	cr_assert(eq(int, polled(fd, 1000), 1));
	epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
	cr_assert(eq(int, t_recv(fd, buf, 8, 0), 3));
	cr_assert(zero(int, epoll_wait(epfd, &ev, 1, 50)));
}

Test(cop_filter, every_valid_header_passes_the_filter)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	polled(fd, 0);
	for (unsigned int options = 0; options <= 11; options++)
		for (size_t len = 0; len <= 2; len++) {
			t_udp_send_cop(udp, t_port(fd), options, "ab", len);
			cr_assert(eq(int, t_recv(fd, buf, 8, 0), len));
		}
	cr_assert(zero(uint, t_drops(fd)));
}

/* The filter and the check of cop_wire must judge alike. */
Test(cop_filter, the_filter_judges_as_the_receive_path_does)
{
	unsigned char buf[64] = { 0xc0, 0xb1 };
	struct cop_hdr_info info;
	int udp = t_udp(), fd = t_open_bound();
	unsigned int bad = 0;

	polled(fd, 0);
	for (int byte = 0; byte < 256; byte++)
		for (size_t len = 12; len <= 64; len += 4) {
			char got[64];

			buf[2] = byte;
			t_udp_send(udp, t_port(fd), buf, len);
			if (cop_wire.check(buf, len, &info) != COP_NO_STRAY)
				bad++;
			else
				cr_assert(ge(int, t_recv(fd, got, 64, 0), 0));
			cr_assert(eq(uint, t_drops(fd), bad),
				  "byte %#x, %zu bytes", byte, len);
		}
	cr_assert(zero(uint, strays(fd)));
}

Test(cop_filter, a_stray_on_the_receive_path_sets_the_filter)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_udp_send_strays(udp, t_port(fd));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -EAGAIN));
	t_udp_send_strays(udp, t_port(fd));
	cr_assert(eq(uint, t_drops(fd), COP_STRAY_REASONS));
}

Test(cop_filter, a_pending_error_is_left_to_the_program)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_connect(fd, LOOPBACK, t_port(udp));
	close(udp);
	t_send(fd, "x");
	cr_assert(eq(int, polled(fd, 1000), 1));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -ECONNREFUSED));
}

/* ---- the program's own filter --------------------------------------------- */

static int attach_accept_all(int fd)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	struct sock_fprog prog = { 1, &code };
	struct socket *sock = t_sock(fd);

	return sock->sk->sk_prot->setsockopt(sock->sk, fd, SOL_SOCKET,
					     SO_ATTACH_FILTER, &prog,
					     sizeof(prog));
}

Test(cop_filter, the_programs_filter_stays_and_strays_are_still_dropped)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	cr_assert(zero(int, attach_accept_all(fd)));
	polled(fd, 0);
	t_udp_send_strays(udp, t_port(fd));
	cr_assert(zero(int, polled(fd, 50)));
	cr_assert(eq(uint, t_drops(fd), COP_STRAY_REASONS));
	cr_assert(zero(uint, strays(fd)));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -EAGAIN));
}
