// SPDX-License-Identifier: MIT
/*
 * test_sockopt_udp.c - datagram/sockopt_udp.c: socket options of the level IPPROTO_UDP.
 */
#include <netinet/udp.h>

#include "unit/helpers.h"

TestSuite(cop_sockopt_udp, .init = t_init, .timeout = 20);

#define NO_CHECK6_TX 101
#define NO_CHECK6_RX 102

Test(cop_sockopt_udp, what_would_break_the_header_is_unknown)
{
	static const int refused[] = { UDP_ENCAP, NO_CHECK6_TX, NO_CHECK6_RX,
				       77 };
	int fd = t_open();

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cr_assert(eq(int, t_set(fd, IPPROTO_UDP, refused[i], 1),
			     -ENOPROTOOPT));
		cr_assert(eq(int, t_get(fd, IPPROTO_UDP, refused[i]),
			     -ENOPROTOOPT));
	}
}

Test(cop_sockopt_udp, what_was_set_is_returned)
{
	static const struct {
		int name, value, is;
	} c[] = { { UDP_CORK, 1, 1 },	 { UDP_CORK, 0, 0 },
		  { UDP_SEGMENT, 7, 7 }, { UDP_SEGMENT, 0, 0 },
		  { UDP_GRO, 7, 1 },	 { UDP_GRO, 0, 0 } };
	int fd = t_open();

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cr_assert(zero(int,
			       t_set(fd, IPPROTO_UDP, c[i].name, c[i].value)));
		cr_assert(eq(int, t_get(fd, IPPROTO_UDP, c[i].name), c[i].is));
		cr_assert(eq(int, t_get(fd, IPPROTO_UDPLITE, c[i].name),
			     c[i].is));
	}
}

static int answer(int fd, int optname, void *value, socklen_t *len)
{
	return t_sk(fd)->sk_prot->getsockopt(t_sk(fd), fd, IPPROTO_UDP, optname,
					     value, len);
}

Test(cop_sockopt_udp, a_short_buffer_gets_the_first_bytes)
{
	int fd = t_open();

	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_GRO, 1)));
	for (socklen_t room = 0; room < 7; room++) {
		unsigned char value[8] = "\xee\xee\xee\xee\xee\xee\xee";
		socklen_t len = room;

		cr_assert(zero(int, answer(fd, UDP_GRO, value, &len)));
		cr_assert(eq(int, len, room < 4 ? room : 4));
		cr_assert(eq(int, value[len], 0xee));
		cr_assert(eq(int, value[0], room ? 1 : 0xee));
	}
}

Test(cop_sockopt_udp, a_cork_is_noted)
{
	int fd = t_open();

	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 1)));
	cr_assert(sock_flag(t_sk(fd), SOCK_CORK_OPT));
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 0)));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_CORK_OPT)));
}
