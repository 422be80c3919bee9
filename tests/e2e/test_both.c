// SPDX-License-Identifier: MIT
/*
 * test_both.c - who gets a port where sockets of IPv4 and of IPv6 want it. progs/both.c
 * has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

/* ---- COP's rule -------------------------------------------------------------------- */

Test(e2e_both, a_port_of_this_process_is_refused_to_both_families)
{
	run_says("both", "by_number", "100 refused\n100 refused\n");
}

Test(e2e_both, an_ephemeral_port_of_this_process_is_refused_to_both_families)
{
	run_says("both", "of_port_0", "100 refused\n");
}

Test(e2e_both, a_port_that_a_send_has_bound_is_refused_to_both_families)
{
	run_says("both", "in_a_send", "30 refused\n");
}

/* docs/limits.md names this gap. The kernel has it, too. */
#define UNSEEN                               \
	"0.0.0.0 beside [::] alone: bound\n" \
	"0.0.0.0 beside [::1]: bound\n"      \
	"0.0.0.0 beside [fd00::2]: bound\n"  \
	"0.0.0.0 beside [fe80::1%lo]: bound\n"

Test(e2e_both, only_the_ipv4_wildcard_does_not_see_another_processs_port)
{
	run_says("both", "by_number_elsewhere", UNSEEN "96 refused\n");
}

Test(e2e_both, likewise_a_port_of_plain_udp)
{
	run_says("both", "by_number_of_plain_udp", UNSEEN "96 refused\n");
}

Test(e2e_both, likewise_another_processs_ephemeral_port)
{
	run_says("both", "of_port_0_elsewhere", UNSEEN "96 refused\n");
}

Test(e2e_both, likewise_a_port_that_another_processs_send_has_bound)
{
	run_says("both", "in_a_send_elsewhere",
		 "0.0.0.0 beside [::] alone: bound\n29 refused\n");
}

Test(e2e_both, adopted_sockets_follow_udps_rule)
{
	run_same_adopted_inet("both", "by_number");
	run_same_adopted_inet("both", "by_number_elsewhere");
	run_same_adopted_inet("both", "of_port_0");
	run_same_adopted_inet("both", "in_a_send_elsewhere");
}

#define NEVER_BOTH " both had it 0 times, other errors 0\n"

Test(e2e_both, of_two_processes_that_race_for_a_port_at_most_one_gets_it)
{
	run_says("both", "race",
		 "127.0.0.1 and [::1]:" NEVER_BOTH
		 "[::1] and 127.0.0.1:" NEVER_BOTH
		 "[::] and 127.0.0.1:" NEVER_BOTH
		 "[::] alone and 127.0.0.1:" NEVER_BOTH
		 "[::ffff:127.0.0.1] and 127.0.0.2:" NEVER_BOTH
		 "[::1] and [fd00::2]:" NEVER_BOTH
		 "[::ffff:0.0.0.0] and [::1]:" NEVER_BOTH
		 "[fe80::1%lo] and [::1]:" NEVER_BOTH
		 "[::] and [::]:" NEVER_BOTH);
}

/* ---- ephemeral ports --------------------------------------------------------------- */

Test(e2e_both, no_port_of_this_process_comes_out_a_second_time)
{
	run_says("both", "library_chooses", "tried all\n");
}

Test(e2e_both, no_port_comes_out_a_second_time_if_the_kernel_chooses)
{
	run_says("both", "kernel_chooses", "tried all\n");
}

Test(e2e_both, no_port_comes_out_a_second_time_in_the_programs_own_range)
{
	run_says("both", "program_chooses",
		 "bind_to(open_for(one, false), one, LOW) = 0\n"
		 "setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, "
		 "sizeof(range)) = 0\n"
		 "bind_to(fd, four, 0) = 0\n"
		 "port_of(fd) = 40001\n"
		 "setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, "
		 "sizeof(range)) = 0\n"
		 "bind_to(fd, four, 0) = -1 EADDRINUSE\n");
}

/* ---- a second network ---------------------------------------------------------------- */

/* There the kernel alone knows the ports, of this process, too. */
Test(e2e_both, in_another_network_a_port_is_one_but_for_the_ipv4_wildcard)
{
	run_says("both", "in_two_networks",
		 "bind_to(open_for(one, false), one, port) = 0\n"
		 "bind_to(open_for(one, false), one, port) = 0\n"
		 "0.0.0.0 beside [::1]: bound\n"
		 "9 refused\n"
		 "bind_to(open_for(&ends[3], false), &ends[3], 0) = 0\n"
		 "send_from(open_for(&ends[3], false), one) = 0\n");
}

/* ---- IPV6_V6ONLY, interfaces, IPV6_FREEBIND ------------------------------------------ */

Test(e2e_both, ipv6_v6only_is_set_by_a_bind_to_one_address_as_on_udp)
{
	run_same_inet("both", "bound_before");
}

Test(e2e_both, ipv6_v6only_hides_no_port_of_another_process)
{
	run_says("both", "set_between",
		 "bind_to(fd, all, port) = -1 EADDRINUSE\n"
		 "bind_to(fd, all, port) = -1 EADDRINUSE\n"
		 "bind_to(fd, one, 0) = 0\n"
		 "bind_to(fd, all, port) = -1 EADDRINUSE\n"
		 "bind_to(fd, all, port) = 0\n");
}

Test(e2e_both, a_link_local_socket_leaves_its_interface_at_a_disconnect)
{
	run_same_inet("both", "link_local");
}

Test(e2e_both, likewise_if_the_kernel_chooses_the_port)
{
	run_same_inet("both", "link_local_in_a_crowd");
}

Test(e2e_both, a_bind_that_is_refused_leaves_what_it_leaves_on_udp)
{
	run_same_inet("both", "refused");
}

Test(e2e_both, a_socket_of_ipv6_on_a_device_binds_as_on_udp)
{
	run_same_inet("both", "on_a_device");
}

Test(e2e_both, ipv6_freebind_binds_what_udp_binds)
{
	run_same_inet("both", "freely");
}
