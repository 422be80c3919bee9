// SPDX-License-Identifier: MIT
/*
 * test_off.c - hosts on which IPv6 is switched off, and hosts with
 * net.ipv6.bindv6only. progs/off.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_off, ipv4_works_as_ever_where_ipv6_is_disabled)
{
	run_same_inet("off", "disabled");
	run_says("off", "disabled_rule", "9 of 9 refused\n");
}

Test(e2e_off, ipv4_works_as_ever_where_the_kernel_has_no_ipv6)
{
	run_same_inet("off", "no_family");
	run_says("off", "no_family_rule", "9 of 9 refused\n");
}

Test(e2e_off, ipv4_works_as_ever_with_bindv6only)
{
	run_same_inet("off", "alone");
	run_says("off", "alone_rule", "9 of 9 refused\n");
}

Test(e2e_off, bindv6only_is_followed_in_a_second)
{
	run_same_inet("off", "alone_later");
	run_says("off", "alone_later_rule", "9 of 9 refused\n");
}

Test(e2e_off, a_socket_of_ipv6_fails_as_on_udp_where_ipv6_is_disabled)
{
	run_same_inet("off", "disabled_ipv6");
}

Test(e2e_off, a_socket_of_ipv6_fails_as_on_udp_where_the_kernel_has_no_ipv6)
{
	run_same_inet("off", "no_family_ipv6");
}

Test(e2e_off, a_socket_of_ipv6_is_of_ipv6_only_with_bindv6only)
{
	run_same_inet("off", "alone_ipv6");
}

#define MEETS                                    \
	"bind_at(fd, \"127.0.0.1\", PORT) = 0\n" \
	"[::] in another process: EADDRINUSE\n"

Test(e2e_off, bindv6only_hides_no_port_of_another_process)
{
	run_says("off", "alone_meets", MEETS);
	run_says("off", "alone_later_meets", MEETS);
}
