// SPDX-License-Identifier: MIT
/*
 * test_scopes.c - names of either family on sockets of either family, and what only
 * IPv6 has: COP answers each call as the kernel's UDP does. progs/scopes.c has the
 * calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

/* ---- names that are no names ------------------------------------------------ */

Test(e2e_scopes, bind_judges_each_length_family_and_scope_as_udp_does)
{
	run_same("scopes", "names_bound");
}

Test(e2e_scopes, connect_judges_each_length_family_and_scope_as_udp_does)
{
	run_same("scopes", "names_connected");
}

Test(e2e_scopes, sendto_judges_each_length_family_and_scope_as_udp_does)
{
	run_same("scopes", "names_sent_to");
}

Test(e2e_scopes, sendmsg_judges_each_length_family_and_scope_as_udp_does)
{
	run_same("scopes", "names_in_messages");
}

Test(e2e_scopes, sendmmsg_judges_each_length_family_and_scope_as_udp_does)
{
	run_same("scopes", "names_in_many");
}

Test(e2e_scopes, a_name_that_is_taken_gives_the_socket_the_name_udp_gives)
{
	run_same("scopes", "names_taken");
}

Test(e2e_scopes, a_name_at_the_end_of_memory_is_read_as_far_as_udp_reads_it)
{
	run_same("scopes", "names_cut");
}

Test(e2e_scopes, a_name_is_written_as_far_as_its_room_goes)
{
	run_same("scopes", "room_for_names");
}

Test(e2e_scopes, a_name_is_not_written_beyond_the_memory)
{
	run_same("scopes", "room_that_ends");
}

/* ---- two families on one socket ----------------------------------------------- */

Test(e2e_scopes, v6only_is_refused_once_the_socket_has_a_port)
{
	run_same("scopes", "v6only");
}

Test(e2e_scopes, the_families_meet_on_a_socket_that_serves_both)
{
	run_same_inet6("scopes", "families_meet");
}

Test(e2e_scopes, the_form_of_an_address_changes_where_udp_changes_it)
{
	run_same("scopes", "address_form");
}

Test(e2e_scopes, a_socket_of_ipv6_becomes_one_of_ipv4)
{
	run_same_inet6("scopes", "address_form_of_mapped");
}

Test(e2e_scopes, a_filter_of_the_programs_reads_headers_of_both_families)
{
	run_same("scopes", "filters");
}

/* ---- on a link -------------------------------------------------------------- */

Test(e2e_scopes, an_address_of_a_link_needs_its_scope)
{
	run_same_inet6("scopes", "link_local");
}

Test(e2e_scopes, the_sender_of_a_datagram_has_the_scope_it_came_by)
{
	run_same_inet6("scopes", "across_the_link");
}

Test(e2e_scopes, a_group_is_joined_on_an_interface)
{
	run_same_inet6("scopes", "multicast");
}

Test(e2e_scopes, a_socket_is_bound_to_a_group)
{
	run_same_inet6("scopes", "bound_to_group");
}

Test(e2e_scopes, pktinfo_chooses_the_source_of_one_datagram_or_of_all)
{
	run_same_inet6("scopes", "pktinfo");
}

Test(e2e_scopes, a_flow_label_goes_with_a_name)
{
	run_same_inet6("scopes", "flow_labels");
}

Test(e2e_scopes, the_mtu_of_a_path_is_told_as_udp_tells_it)
{
	run_same_inet6("scopes", "path_mtu");
}

Test(e2e_scopes, a_notice_of_an_mtu_hides_no_datagram)
{
	run_same_inet6("scopes", "length_behind_a_notice");
}
