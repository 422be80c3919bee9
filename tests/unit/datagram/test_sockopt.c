// SPDX-License-Identifier: MIT
/*
 * test_sockopt.c - datagram/sockopt.c: options, forwarded to the kernel or answered
 * in its place. A UDP socket says what the kernel answers.
 */
#include <netinet/udp.h>

#include "port/bind.h"
#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_sockopt, .init = t_init, .timeout = 20);

static int kernel_get(int fd, int level, int optname)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return getsockopt(fd, level, optname, &value, &len) ? -errno : value;
}

static int kernel_set(int fd, int level, int optname, int value)
{
	return setsockopt(fd, level, optname, &value, sizeof(value)) ? -errno
								     : 0;
}

/* ---- answered here -------------------------------------------------------- */

static const struct {
	const char *name;
	int level, optname, value;
} answer[] = {
	{ "SO_TYPE", SOL_SOCKET, SO_TYPE, SOCK_COP },
	{ "SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, IPPROTO_COP },
	{ "SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, AF_INET },
	{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 0 },
	{ "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 0 },
	{ "SO_ERROR", SOL_SOCKET, SO_ERROR, 0 },
	{ "SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, 0 },
	{ "SO_PEEK_OFF", SOL_SOCKET, SO_PEEK_OFF, -EOPNOTSUPP },
	{ "UDP_CORK", IPPROTO_UDP, UDP_CORK, 0 },
	{ "UDP_SEGMENT", IPPROTO_UDP, 103, 0 },
	{ "UDP_GRO", IPPROTO_UDP, 104, 0 },
	{ "UDP_ENCAP", IPPROTO_UDP, 100, -ENOPROTOOPT },
	{ "IP_LOCAL_PORT_RANGE", IPPROTO_IP, IP_LOCAL_PORT_RANGE, 0 },
};

Test(cop_sockopt, a_new_socket_answers_as_a_cop_socket)
{
	int fd = t_open();

	for (size_t i = 0; i < ARRAY_SIZE(answer); i++)
		cr_assert(eq(int, t_get(fd, answer[i].level, answer[i].optname),
			     answer[i].value),
			  "%s", answer[i].name);
}

Test(cop_sockopt, a_short_buffer_gets_part_of_the_answer_as_from_the_kernel)
{
	static const int optname[] = { SO_TYPE, SO_PROTOCOL, SO_REUSEADDR,
				       SO_ERROR };
	int udp = t_udp(), fd = t_open();
	struct socket *sock = t_sock(fd);

	for (size_t i = 0; i < ARRAY_SIZE(optname); i++)
		for (socklen_t len = 0; len <= 8; len++) {
			unsigned char want[8], got[8];
			socklen_t wantlen = len, gotlen = len;

			memset(want, 0xee, 8);
			memset(got, 0xee, 8);
			getsockopt(udp, SOL_SOCKET, optname[i], want, &wantlen);
			cr_assert(zero(int, sock->sk->sk_prot->getsockopt(
						    sock->sk, fd, SOL_SOCKET,
						    optname[i], got, &gotlen)));
			cr_assert(eq(int, gotlen, wantlen));
			for (socklen_t at = wantlen; at < 8; at++)
				cr_assert(eq(int, got[at], 0xee),
					  "written beyond %u", len);
		}
}

static const struct {
	const char *name;
	int optname;
} recorded[] = {
	{ "SO_REUSEADDR", SO_REUSEADDR },
	{ "SO_REUSEPORT", SO_REUSEPORT },
};

Test(cop_sockopt, reuse_is_recorded_and_not_passed_down)
{
	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++) {
		int optname = recorded[i].optname, fd = t_open();

		cr_assert(zero(int, t_set(fd, SOL_SOCKET, optname, 7)));
		cr_assert(eq(int, t_get(fd, SOL_SOCKET, optname), 1), "%s",
			  recorded[i].name);
		cr_assert(zero(int, kernel_get(fd, SOL_SOCKET, optname)), "%s",
			  recorded[i].name);
		cr_assert(zero(int, t_set(fd, SOL_SOCKET, optname, 0)));
		cr_assert(zero(int, t_get(fd, SOL_SOCKET, optname)));
	}
}

Test(cop_sockopt, reuse_has_the_kernels_errors)
{
	int udp = t_udp(), fd = t_open(), one = 1;
	struct socket *sock = t_sock(fd);

	for (size_t i = 0; i < ARRAY_SIZE(recorded); i++) {
		int optname = recorded[i].optname;

		setsockopt(udp, SOL_SOCKET, optname, &one, 3);
		cr_assert(eq(int,
			     sock->sk->sk_prot->setsockopt(sock->sk, fd,
							   SOL_SOCKET, optname,
							   &one, 3),
			     -errno));
		setsockopt(udp, SOL_SOCKET, optname, NULL, 4);
		cr_assert(eq(int,
			     sock->sk->sk_prot->setsockopt(sock->sk, fd,
							   SOL_SOCKET, optname,
							   NULL, 4),
			     -errno));
	}
}

Test(cop_sockopt, options_that_would_break_the_header_are_refused)
{
	static const struct {
		int level, optname, err;
	} c[] = {
		{ SOL_SOCKET, SO_NO_CHECK, -ENOPROTOOPT },
		{ SOL_SOCKET, SO_ZEROCOPY, -EOPNOTSUPP },
		{ SOL_SOCKET, SO_PEEK_OFF, -EOPNOTSUPP },
		{ IPPROTO_UDP, 100, -ENOPROTOOPT }, /* UDP_ENCAP */
		{ IPPROTO_UDP, 101, -ENOPROTOOPT }, /* UDP_NO_CHECK6_TX */
	};
	int fd = t_open();

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		cr_assert(eq(int, t_set(fd, c[i].level, c[i].optname, 1),
			     c[i].err),
			  "option %d", c[i].optname);
}

/* ---- forwarded ------------------------------------------------------------ */

static const struct {
	int level, optname, value;
} forwarded[] = {
	{ SOL_SOCKET, SO_BROADCAST, 1 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ SOL_SOCKET, SO_DONTROUTE, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 3 },
	{ SOL_SOCKET, SO_RCVLOWAT, 5 },
	{ SOL_SOCKET, SO_TIMESTAMP, 1 },
	{ SOL_SOCKET, SO_RCVBUF, 50000 },
	{ SOL_SOCKET, SO_SNDBUF, 50000 },
	{ SOL_SOCKET, SO_RCVBUF, -1 },
	{ SOL_SOCKET, SO_TYPE, 1 },
	{ SOL_SOCKET, SO_PROTOCOL, 1 },
	{ SOL_SOCKET, SO_ERROR, 1 },
	{ SOL_SOCKET, 9999, 1 },
	{ IPPROTO_IP, IP_TTL, 99 },
	{ IPPROTO_IP, IP_TTL, 999 },
	{ IPPROTO_IP, IP_TOS, 16 },
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ IPPROTO_IP, IP_RECVERR, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, 2 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, 77 },
	{ IPPROTO_IP, IP_MULTICAST_TTL, 5 },
	{ IPPROTO_IP, 9999, 1 },
	{ IPPROTO_IPV6, 26, 1 },
	{ IPPROTO_TCP, 1, 1 },
	{ 9999, 1, 1 },
};

Test(cop_sockopt, all_else_is_set_and_got_as_on_udp)
{
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++) {
		int level = forwarded[i].level, name = forwarded[i].optname;
		int udp = t_udp(), fd = t_open_bound();

		cr_assert(eq(int, t_set(fd, level, name, forwarded[i].value),
			     kernel_set(udp, level, name, forwarded[i].value)),
			  "set %d %d", level, name);
		if (level == SOL_SOCKET &&
		    (name == SO_TYPE || name == SO_PROTOCOL))
			continue;
		cr_assert(eq(int, t_get(fd, level, name),
			     kernel_get(udp, level, name)),
			  "get %d %d", level, name);
		close(udp);
		t_close(fd);
	}
}

Test(cop_sockopt, buffer_sizes_are_mirrored_in_the_sock)
{
	int fd = t_open();

	t_set(fd, SOL_SOCKET, SO_RCVBUF, 50000);
	t_set(fd, SOL_SOCKET, SO_SNDBUF, 60000);
	cr_assert(eq(int, t_sk(fd)->sk_rcvbuf,
		     kernel_get(fd, SOL_SOCKET, SO_RCVBUF)));
	cr_assert(eq(int, t_sk(fd)->sk_sndbuf,
		     kernel_get(fd, SOL_SOCKET, SO_SNDBUF)));
	cr_assert(eq(int, t_sk(fd)->sk_rcvbuf, 100000));
}

Test(cop_sockopt, UDP_CORK_is_the_kernels)
{
	int fd = t_open(), one = 1;
	struct socket *sock = t_sock(fd);

	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 1)));
	cr_assert(eq(int, t_get(fd, IPPROTO_UDP, UDP_CORK), 1));
	cr_assert(sock_flag(t_sk(fd), SOCK_CORK_OPT));
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 0)));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_CORK_OPT)));
	cr_assert(eq(int,
		     sock->sk->sk_prot->setsockopt(sock->sk, fd, IPPROTO_UDP,
						   UDP_CORK, &one, 1),
		     -EINVAL));
}

/* ---- IP_LOCAL_PORT_RANGE -------------------------------------------------- */

Test(cop_sockopt, the_programs_own_port_range_is_kept)
{
	const int range = (int)(40200u << 16 | 40100);
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(t_udp()));
	int bound = t_open(), sent = t_open();

	t_set(bound, IPPROTO_IP, IP_LOCAL_PORT_RANGE, range);
	t_set(sent, IPPROTO_IP, IP_LOCAL_PORT_RANGE, range);
	cr_assert(
		eq(int, t_get(bound, IPPROTO_IP, IP_LOCAL_PORT_RANGE), range));
	cr_assert(zero(int, t_bind(bound, LOOPBACK, 0)));
	cr_assert(eq(int, t_sendto(sent, "x", 1, 0, &to), 1));
	cr_assert(all(ge(uint, t_port(bound), 40100),
		      le(uint, t_port(bound), 40200)));
	cr_assert(all(ge(uint, t_port(sent), 40100),
		      le(uint, t_port(sent), 40200)));
	cr_assert(cop_port_taken(&cop_port_table, t_port(sent)));
	cr_assert(eq(int, t_get(sent, IPPROTO_IP, IP_LOCAL_PORT_RANGE), range));
}

Test(cop_sockopt, an_invalid_port_range_is_einval_as_on_udp)
{
	int udp = t_udp(), fd = t_open();
	int range = (int)(40100u << 16 | 40200);

	cr_assert(eq(int, t_set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, range),
		     kernel_set(udp, IPPROTO_IP, IP_LOCAL_PORT_RANGE, range)));
	cr_assert(zero(int, t_get(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE)));
}

Test(cop_sockopt, our_own_use_of_the_port_range_does_not_show)
{
	int fd = t_open_bound();

	cr_assert(zero(int, t_get(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE)));
}
