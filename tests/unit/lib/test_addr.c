// SPDX-License-Identifier: MIT
/*
 * test_addr.c - lib/addr.c: addresses of both families.
 */
#include <sys/mman.h>

#include "lib/addr.h"
#include "unit/addresses.h"
#include "unit/helpers.h"

static void expect_text(union cop_addr addr, const char *expected)
{
	char text[COP_ADDR_TEXT];

	cr_expect(eq(str, cop_addr_print(text, sizeof(text), &addr),
		     (char *)expected));
}

Test(cop_addr, an_address_is_written_as_ss_writes_it)
{
	expect_text(v4("127.0.0.1", 80), "127.0.0.1:80");
	expect_text(v4("0.0.0.0", 0), "0.0.0.0:0");
	expect_text(v4("255.255.255.255", 65535), "255.255.255.255:65535");
	expect_text(v6("::1", 80, 0), "[::1]:80");
	expect_text(v6("fe80::1", 80, 2), "[fe80::1%2]:80");
	expect_text(v6("::ffff:10.0.0.1", 65535, 0), "[::ffff:10.0.0.1]:65535");
	expect_text(v6("1111:2222:3333:4444:5555:6666:7777:8888", 65535,
		       UINT32_MAX),
		    "[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:"
		    "65535");
	expect_text(cop_addr_any(AF_UNSPEC), "*");
	expect_text(cop_addr_any(AF_UNIX), "*");
}

Test(cop_addr, two_addresses_are_equal_if_family_address_port_and_scope_are)
{
	union cop_addr a = v4("10.0.0.1", 5), b = v4("10.0.0.1", 5);
	union cop_addr c = v6("fe80::1", 5, 1), d = v6("fe80::1", 5, 1);

	cr_expect(cop_addr_equal(&a, &b));
	cr_expect(cop_addr_equal(&c, &d));
	cr_expect(not(cop_addr_equal(&a, &c)));
	b = v4("10.0.0.1", 6);
	cr_expect(not(cop_addr_equal(&a, &b)));
	b = v4("10.0.0.2", 5);
	cr_expect(not(cop_addr_equal(&a, &b)));
	d = v6("fe80::1", 5, 2);
	cr_expect(not(cop_addr_equal(&c, &d)));
	d = v6("fe80::2", 5, 1);
	cr_expect(not(cop_addr_equal(&c, &d)));
	d = v6("fe80::1", 6, 1);
	cr_expect(not(cop_addr_equal(&c, &d)));
	a = b = cop_addr_any(AF_UNSPEC);
	cr_expect(cop_addr_equal(&a, &b));
}

Test(cop_addr, only_a_familys_wildcard_is_any)
{
	union cop_addr addr = cop_addr_any(AF_INET);

	cr_expect(cop_addr_is_any(&addr));
	cop_addr_set_port(&addr, htons(7));
	cr_expect(cop_addr_is_any(&addr));
	addr = cop_addr_any(AF_INET6);
	cr_expect(cop_addr_is_any(&addr));
	addr = v4("127.0.0.1", 0);
	cr_expect(not(cop_addr_is_any(&addr)));
	addr = v6("::1", 0, 0);
	cr_expect(not(cop_addr_is_any(&addr)));
	addr = v6("::ffff:0.0.0.0", 0, 0);
	cr_expect(not(cop_addr_is_any(&addr)));
	addr = cop_addr_any(AF_UNSPEC);
	cr_expect(not(cop_addr_is_any(&addr)));
}

Test(cop_addr, a_port_is_set_and_told_in_both_families_and_in_no_other)
{
	union cop_addr addr = cop_addr_any(AF_INET);

	cop_addr_set_port(&addr, htons(513));
	cr_expect(eq(uint, ntohs(cop_addr_port(&addr)), 513));
	cr_expect(eq(uint, ntohs(addr.in.sin_port), 513));
	addr = cop_addr_any(AF_INET6);
	cop_addr_set_port(&addr, htons(514));
	cr_expect(eq(uint, ntohs(cop_addr_port(&addr)), 514));
	cr_expect(eq(uint, ntohs(addr.in6.sin6_port), 514));
	addr = cop_addr_any(AF_UNIX);
	cop_addr_set_port(&addr, htons(515));
	cr_expect(zero(uint, cop_addr_port(&addr)));
}

Test(cop_addr, a_length_is_the_familys)
{
	union cop_addr addr = cop_addr_any(AF_INET);

	cr_expect(eq(uint, cop_addr_len(&addr), sizeof(struct sockaddr_in)));
	addr = cop_addr_any(AF_INET6);
	cr_expect(eq(uint, cop_addr_len(&addr), sizeof(struct sockaddr_in6)));
	addr = cop_addr_any(AF_UNSPEC);
	cr_expect(zero(uint, cop_addr_len(&addr)));
}

Test(cop_addr, a_name_has_a_shortest_length_and_the_length_of_an_answer)
{
	cr_expect(eq(uint, cop_addr_min_len(AF_INET), 16));
	cr_expect(eq(uint, cop_addr_min_len(AF_INET6), 24));
	cr_expect(eq(uint, cop_addr_size(AF_INET), 16));
	cr_expect(eq(uint, cop_addr_size(AF_INET6), 28));
}

Test(cop_addr, a_connect_leads_to_just_this_address_in_ipv4_only)
{
	union cop_addr addr = v4("127.0.0.1", 5), any = v4("0.0.0.0", 5);
	union cop_addr lo = v6("::1", 5, 0);

	cr_expect(cop_addr_is_exact(&addr, AF_INET));
	cr_expect(not(cop_addr_is_exact(&any, AF_INET)));
	cr_expect(not(cop_addr_is_exact(&addr, AF_INET6)));
	cr_expect(not(cop_addr_is_exact(&lo, AF_INET6)));
}

Test(cop_addr, each_family_has_a_loopback_address)
{
	expect_text(cop_addr_loopback(AF_INET, htons(7)), "127.0.0.1:7");
	expect_text(cop_addr_loopback(AF_INET6, htons(7)), "[::1]:7");
}

Test(cop_addr, only_a_link_local_address_has_a_scope)
{
	union cop_addr addr = v6("fe80::1", 80, 2), none = v6("fe80::1", 80, 0);
	union cop_addr other[] = {
		v6("::1", 80, 2),	 v6("2001:db8::1", 80, 2),
		v6("ff0e::1", 80, 2),	 v4("127.0.0.1", 80),
		cop_addr_any(AF_UNSPEC), none
	};
	union cop_addr group = v6("ff02::1", 80, 2), own = v6("ff01::1", 80, 2);

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		cr_expect(not(cop_addr_has_scope(&other[i])), "%zu", i);
	cr_expect(cop_addr_has_scope(&group));
	cr_expect(cop_addr_has_scope(&own));
	cr_expect(cop_addr_has_scope(&addr));
	cop_addr_drop_scope(&addr);
	cr_expect(cop_addr_equal(&addr, &none));
	cop_addr_drop_scope(&other[3]);
	cr_expect(
		eq(uint, other[3].in.sin_addr.s_addr, htonl(INADDR_LOOPBACK)));
}

Test(cop_addr, one_wildcard_is_that_of_both_families)
{
	union cop_addr both = v6("::", 80, 0), four = v4("0.0.0.0", 80),
		       mapped = v6("::ffff:0.0.0.0", 80, 0);

	cr_expect(cop_addr_is_both(&both));
	cr_expect(not(cop_addr_is_both(&four)));
	cr_expect(not(cop_addr_is_both(&mapped)));
}
