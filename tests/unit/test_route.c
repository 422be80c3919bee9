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

static const struct {
	const char *dest, *source;
} routes[] = {
	{ "::ffff:127.0.0.1", "::ffff:127.0.0.1" },
	{ "::ffff:127.1.2.3", "::ffff:127.0.0.1" },
	{ "::1", "::1" },
};

static struct cop_endpoint end_of(const char *ip)
{
	struct cop_endpoint end = { 0 };

	inet_pton(AF_INET6, ip, &end.addr);
	return end;
}

/* The second answer is the one that was kept. */
Test(cop_route, a_route_has_the_source_that_a_connected_socket_has)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(routes); i++) {
		const size_t r = i / 2;
		struct cop_endpoint dest = end_of(routes[r].dest);
		struct cop_endpoint is = end_of(routes[r].source), got;

		if (r == 2 && access("/proc/net/if_inet6", F_OK))
			continue;
		cr_assert(inet_route_source(&dest, 0, &got), "%s",
			  routes[r].dest);
		cr_assert(zero(int, memcmp(&got, &is, sizeof(is))), "%s",
			  routes[r].dest);
	}
}

static int no_route(void)
{
	struct cop_endpoint dest = end_of("::ffff:198.51.100.7"), got;

	if (!t_own_network())
		return T_SKIP;
	CHECK(!inet_route_source(&dest, 0, &got));
	return 0;
}

Test(cop_route, without_a_route_there_is_no_source)
{
	T_CHILD(no_route);
}
