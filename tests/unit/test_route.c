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
	const char *source;
} kind[] = {
	{ "127.0.0.1", RTN_LOCAL, "127.0.0.1" },
	{ "127.1.2.3", RTN_LOCAL, "127.1.2.3" },
	{ "127.255.255.255", RTN_BROADCAST, "0.0.0.0" },
	{ "255.255.255.255", RTN_BROADCAST, "0.0.0.0" },
	{ "0.1.2.3", RTN_BROADCAST, "0.0.0.0" },
	{ "224.0.0.1", RTN_MULTICAST, "0.0.0.0" },
	{ "239.255.255.255", RTN_MULTICAST, "0.0.0.0" },
	{ NOT_LOCAL, RTN_UNICAST, NOT_LOCAL },
};

Test(cop_route, each_address_has_its_kind_and_source)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++) {
		__be32 addr = inet_addr(kind[i].ip);

		cr_assert(eq(uint, inet_addr_type(addr), kind[i].type), "%s",
			  kind[i].ip);
		cr_assert(eq(u32, inet_source_addr(addr, 0),
			     inet_addr(kind[i].source)),
			  "%s", kind[i].ip);
	}
}

Test(cop_route, any_address_is_its_own_source)
{
	cr_assert(eq(uint, inet_addr_type(0), RTN_BROADCAST));
	cr_assert(zero(u32, inet_source_addr(0, 0)));
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
	struct sockaddr_in local;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	cr_assert(zero(int, ip_route_connect(fd, (struct sockaddr *)&to,
					     sizeof(to), &local)));
	cr_assert(eq(u32, local.sin_addr.s_addr, inet_addr("127.0.0.1")));
	cr_assert(ne(int, local.sin_port, 0));
}
