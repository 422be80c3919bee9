// SPDX-License-Identifier: MIT
/*
 * test_copied.c - datagram/copied.c: datagrams of a process behind a seccomp filter.
 */
#include "lib/confine.h"
#include "socket/confine.h"
#include "wire/hdr.h"
#include "unit/helpers.h"

TestSuite(cop_copied, .init = t_init, .timeout = 20);

static unsigned int strays(int fd)
{
	unsigned int n = 0;

	for (int i = 0; i < COP_STRAY_REASONS; i++)
		n += t_count(fd)->strays[i];
	return n;
}

static char data[COP_DATAGRAM_MAX + 1];

/* Lengths around the limit of what other processes copy. */
static void exchange(int flags)
{
	static const size_t length[] = { 0, 1, 2048, 2049, COP_MAX_LEN };
	int fd = t_open_bound(), peer = t_open_bound();
	static char got[sizeof(data)];

	memset(data, 'd', sizeof(data));
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	cr_assert(zero(int, t_connect(peer, LOOPBACK, t_port(fd))));
	cop_confine_begin();
	for (size_t i = 0; i < ARRAY_SIZE(length); i++) {
		size_t len = length[i];

		cr_assert(eq(long, t_sendto(fd, data, len, flags, NULL), len));
		memset(got, 0, sizeof(got));
		cr_assert(eq(long,
			     t_recvfrom(peer, got, sizeof(got), flags, NULL),
			     len));
		cr_assert(zero(int, memcmp(got, data, len)));
		cr_assert(zero(int, got[len]));
	}
	cr_assert(eq(long, t_sendto(fd, data, COP_MAX_LEN + 1, flags, NULL),
		     -EMSGSIZE));
	cr_assert(eq(long, t_sendto(fd, data, sizeof(data), flags, NULL),
		     -EMSGSIZE));
	cr_assert(eq(uint, t_count(peer)->rx_datagrams, ARRAY_SIZE(length)));
	cr_assert(eq(uint, t_count(fd)->tx_errors, 1));
}

Test(cop_copied, datagrams_go_by_sendto_and_recvfrom)
{
	exchange(0);
}

Test(cop_copied, datagrams_go_by_write_and_read)
{
	exchange(COP_MSG_FILE);
}

Test(cop_copied, a_datagram_that_is_too_long_is_cut)
{
	int fd = t_open_bound(), udp = t_udp();
	struct sockaddr_in from;
	char got[8] = "......";

	cop_confine_begin();
	t_udp_send_cop(udp, t_port(fd), 0, "payload", 7);
	cr_assert(eq(long, t_recvfrom(fd, got, 3, COP_MSG_FILE, &from), 3));
	cr_assert(zero(int, memcmp(got, "pay...", 6)));
	t_udp_send_cop(udp, t_port(fd), 0, data, 3000);
	cr_assert(eq(long, t_recvfrom(fd, data, 2500, MSG_TRUNC, &from), 3000));
	cr_assert(eq(int, from.sin_port, t_name(udp).sin_port));
	cr_assert(eq(uint, t_count(fd)->rx_truncated, 2));
}

Test(cop_copied, each_way_to_receive_drops_strays)
{
	static const int flags[] = { 0, COP_MSG_FILE, MSG_PEEK };
	int fd, udp = t_udp();
	char got[4096];

	cop_confine_begin();
	fd = t_open_bound(); /* without a filter */
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		t_udp_send_strays(udp, t_port(fd));
		t_udp_send_cop(udp, t_port(fd), 0, "meant", 5);
		cr_assert(eq(long,
			     t_recvfrom(fd, got, sizeof(got), flags[i], NULL),
			     5),
			  "%zu", i);
		cr_assert(eq(uint, strays(fd), (i + 1) * COP_STRAY_REASONS));
	}
	cr_assert(eq(long, t_recv(fd, got, sizeof(got), MSG_DONTWAIT), 5));
	cr_assert(
		eq(long, t_recv(fd, got, sizeof(got), MSG_DONTWAIT), -EAGAIN));
}

Test(cop_copied, a_socket_that_was_shut_ends)
{
	int fd = t_open_bound(), udp = t_udp();
	char got[4096];

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	cop_confine_begin();
	shutdown(fd, SHUT_RD);
	cr_assert(zero(long, t_recv(fd, got, sizeof(got), 0)));
	cr_assert(zero(long, t_recv(fd, got, sizeof(got), COP_MSG_FILE)));
	cr_assert(zero(long, t_recv(fd, got, 16, 0)));
}
