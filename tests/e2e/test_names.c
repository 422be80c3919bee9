// SPDX-License-Identifier: MIT
/*
 * test_names.c - binding, connecting and naming sockets: COP answers each call
 * as the kernel's UDP does. progs/names.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_names, bind_refuses_wrong_lengths)
{
	run_same("names", "bind_lengths");
}

Test(e2e_names, bind_refuses_bad_pointers)
{
	run_same("names", "bind_pointers");
}

Test(e2e_names, bind_refuses_other_families)
{
	run_same("names", "bind_families");
}

Test(e2e_names, bind_reports_the_fault_that_the_kernel_finds_first)
{
	run_same("names", "bind_fault_pairs");
}

Test(e2e_names, bind_is_refused_once_bound)
{
	run_same("names", "bind_again");
}

Test(e2e_names, bind_to_a_taken_port_is_refused_until_it_is_closed)
{
	run_same("names", "bind_taken");
}

Test(e2e_names, bind_to_any_kind_of_address_gives_the_name_udp_gives)
{
	run_same("names", "bind_kinds");
}

Test(e2e_names, bind_to_a_foreign_address_needs_freebind)
{
	run_same("names", "bind_freely");
}

Test(e2e_names, connect_refuses_wrong_lengths)
{
	run_same("names", "connect_lengths");
}

Test(e2e_names, connect_refuses_bad_pointers)
{
	run_same("names", "connect_pointers");
}

Test(e2e_names, connect_refuses_other_families)
{
	run_same("names", "connect_families");
}

Test(e2e_names, connect_that_fails_leaves_the_port_as_udp_does)
{
	run_same("names", "connect_failed_unbound");
}

Test(e2e_names, connect_and_reconnect_set_both_names)
{
	run_same("names", "connect_names");
}

Test(e2e_names, disconnect_undoes_an_autobind_but_no_explicit_bind)
{
	run_same("names", "disconnect_ways");
}

Test(e2e_names, disconnect_gives_the_port_to_the_next)
{
	run_same("names", "disconnect_frees_port");
}

Test(e2e_names, disconnect_of_an_unbound_socket_does_nothing)
{
	run_same("names", "disconnect_unbound");
}

Test(e2e_names, bind_works_again_after_disconnect)
{
	run_same("names", "bind_after_disconnect");
}

Test(e2e_names, broadcast_needs_so_broadcast)
{
	run_same("names", "broadcast");
}

Test(e2e_names, broadcast_reaches_a_socket_bound_to_any)
{
	run_same("names", "broadcast_is_heard");
}

Test(e2e_names, an_address_without_a_route_is_unreachable)
{
	run_same("names", "unreachable");
}

Test(e2e_names, a_dead_peer_refuses_the_connected_socket)
{
	run_same("names", "refused");
}

Test(e2e_names, a_connected_socket_hears_only_its_peer)
{
	run_same("names", "only_peer_is_heard");
}

Test(e2e_names, names_are_cut_to_the_length_asked_for)
{
	run_same("names", "name_lengths");
}

Test(e2e_names, names_are_not_written_to_bad_pointers)
{
	run_same("names", "name_pointers");
}

Test(e2e_names, shutdown_ends_receives_and_refuses_sends)
{
	run_same("names", "shutdown_ways");
}

Test(e2e_names, listen_accept_and_socketpair_are_not_supported)
{
	run_same("names", "no_stream_calls");
}
