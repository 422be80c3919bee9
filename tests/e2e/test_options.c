// SPDX-License-Identifier: MIT
/*
 * test_options.c - every option of SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6, by
 * number: COP answers as the kernel's UDP does. progs/options.c has the calls; what COP does
 * otherwise is in test_calls.c.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_options, socket_options_take_the_values_that_udp_takes)
{
	run_same("options", "socket_set_good");
}

Test(e2e_options, socket_options_of_odd_lengths_are_judged_as_on_udp)
{
	run_same("options", "socket_set_lengths");
}

Test(e2e_options, socket_options_at_bad_pointers_are_refused)
{
	run_same("options", "socket_set_pointers");
}

Test(e2e_options, socket_options_are_cut_to_the_length_asked_for)
{
	run_same("options", "socket_get_lengths");
}

Test(e2e_options, socket_options_are_not_written_to_bad_pointers)
{
	run_same("options", "socket_get_pointers");
}

Test(e2e_options, ipv6_options_take_the_values_that_udp_takes)
{
	run_same("options", "ipv6_set_good");
}

Test(e2e_options, ipv6_options_of_odd_lengths_are_judged_as_on_udp)
{
	run_same("options", "ipv6_set_lengths");
}

Test(e2e_options, ipv6_options_at_bad_pointers_are_refused)
{
	run_same("options", "ipv6_set_pointers");
}

Test(e2e_options, ipv6_options_are_cut_to_the_length_asked_for)
{
	run_same("options", "ipv6_get_lengths");
}

Test(e2e_options, ipv6_options_are_not_written_to_bad_pointers)
{
	run_same("options", "ipv6_get_pointers");
}

Test(e2e_options, ip_options_take_the_values_that_udp_takes)
{
	run_same("options", "ip_set_good");
}

Test(e2e_options, ip_options_of_odd_lengths_are_judged_as_on_udp)
{
	run_same("options", "ip_set_lengths");
}

Test(e2e_options, ip_options_at_bad_pointers_are_refused)
{
	run_same("options", "ip_set_pointers");
}

Test(e2e_options, ip_options_are_cut_to_the_length_asked_for)
{
	run_same("options", "ip_get_lengths");
}

Test(e2e_options, ip_options_are_not_written_to_bad_pointers)
{
	run_same("options", "ip_get_pointers");
}

Test(e2e_options, options_of_other_levels_are_refused)
{
	run_same("options", "other_levels");
}

Test(e2e_options, udp_cork_makes_one_datagram_of_the_parts)
{
	run_same("options", "corked");
}

Test(e2e_options, a_multicast_group_is_joined_heard_and_left)
{
	run_same("options", "multicast");
}

Test(e2e_options, a_socket_is_bound_to_a_device)
{
	run_same("options", "bound_to_device");
}

Test(e2e_options, a_filter_of_the_programs_own_is_obeyed)
{
	run_same("options", "own_filter");
}

Test(e2e_options, a_port_range_of_the_programs_own_is_obeyed)
{
	run_same("options", "port_range");
}

Test(e2e_options, an_adopted_socket_leaves_its_checksum_out_as_udp_does)
{
	run_same_adopted("options", "no_check");
}
