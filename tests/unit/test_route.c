// SPDX-License-Identifier: MIT
/*
 * test_route.c - cop_route.c: what the kernel's routing tables say.
 */
#include <linux/rtnetlink.h>

#include "cop_route.h"
#include "unit/helpers.h"

TestSuite(cop_route, .init = t_init, .timeout = 20);

static const struct {
	const char *ip;
	unsigned int type;
	bool is_source;
} kind[] = {
	{ "127.0.0.1", RTN_LOCAL, true },
	{ "127.1.2.3", RTN_LOCAL, true },
	{ "127.255.255.255", RTN_BROADCAST, false },
	{ "255.255.255.255", RTN_BROADCAST, false },
	{ "0.1.2.3", RTN_BROADCAST, false },
	{ "224.0.0.1", RTN_MULTICAST, false },
	{ "239.255.255.255", RTN_MULTICAST, false },
	{ NOT_LOCAL, RTN_UNICAST, true },
};

static bool is_source(__be32 addr)
{
	union cop_addr in = cop_addr_v4(addr, 0);

	return inet_addr_is_source(&in, 0);
}

Test(cop_route, each_address_has_its_kind_and_source)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		__be32 addr = inet_addr(kind[i].ip);

		cr_assert(eq(uint, inet_addr_type(addr), kind[i].type), "%s",
			  kind[i].ip);
		cr_assert(eq(int, is_source(addr), kind[i].is_source), "%s",
			  kind[i].ip);
	}
}

Test(cop_route, any_address_is_its_own_source)
{
	cr_assert(eq(uint, inet_addr_type(0), RTN_BROADCAST));
	cr_assert(is_source(0));
}

Test(cop_route, asking_leaves_no_descriptor)
{
	int before = dup(0), after;

	close(before);
	inet_addr_type(inet_addr(NOT_LOCAL));
	after = dup(0);
	cr_assert(eq(int, after, before));
}

Test(cop_route, connecting_tells_the_local_address)
{
	struct sockaddr_in to = t_addr("127.0.0.5", t_port(t_udp()));
	union cop_addr local;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	cr_assert(zero(int, ip_route_connect(fd, (struct sockaddr *)&to,
					     sizeof(to), &local)));
	cr_assert(eq(u32, local.in.sin_addr.s_addr, inet_addr("127.0.0.1")));
	cr_assert(ne(int, cop_addr_port(&local), 0));
}
