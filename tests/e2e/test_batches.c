// SPDX-License-Identifier: MIT
/*
 * test_batches.c - sendmmsg of many datagrams: COP answers as the kernel's UDP does, also
 * where the kernel gets them as one send. progs/batches.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_batches, equal_datagrams_to_the_peer_arrive_one_by_one)
{
	run_same("batches", "to_the_peer");
}

Test(e2e_batches, equal_datagrams_to_a_name_arrive_one_by_one)
{
	run_same("batches", "to_a_name");
	run_same_mapped("batches", "to_a_name");
}

Test(e2e_batches, a_batch_gives_the_socket_its_port)
{
	run_same("batches", "unbound");
}

Test(e2e_batches, datagrams_of_any_length_arrive_in_order)
{
	run_same("batches", "of_any_length");
}

Test(e2e_batches, each_datagram_goes_to_its_own_destination)
{
	run_same("batches", "to_two_peers");
}

Test(e2e_batches, a_payload_that_can_not_be_read_ends_the_call)
{
	run_same("batches", "unreadable");
}

Test(e2e_batches, a_socket_that_was_shut_sends_nothing)
{
	run_same("batches", "shut");
}

Test(e2e_batches, a_socket_without_a_peer_sends_nothing)
{
	run_same("batches", "no_peer");
}

Test(e2e_batches, a_pending_error_is_the_result)
{
	run_same("batches", "pending_error");
}

/* See many_refused in docs/DIFFERENCES.md: UDP sends 1, and then fails. */
Test(e2e_batches, an_icmp_error_comes_behind_the_batch)
{
	run_says("batches", "refused",
		 "close(sock_b) = 0\n"
		 "sendmmsg(sock_a, vec, 8, 0) = 8\n"
		 "sendmmsg(sock_a, vec, 8, 0) = -1 ECONNREFUSED\n");
}

Test(e2e_batches, a_corked_socket_sends_one_datagram)
{
	run_same("batches", "corked");
}

Test(e2e_batches, each_datagram_has_a_key_for_its_time_stamp)
{
	run_same("batches", "keys");
}

Test(e2e_batches, each_datagram_has_the_options_of_ip)
{
	run_same_inet("batches", "ip_options");
	run_same_inet6("batches", "ipv6_options");
}

Test(e2e_batches, a_control_message_is_for_its_datagram_only)
{
	run_same_inet("batches", "control");
}

Test(e2e_batches, datagrams_to_everybody_arrive_one_by_one)
{
	run_same_inet("batches", "to_everybody");
}

Test(e2e_batches, a_full_send_buffer_ends_the_call_at_the_same_datagram)
{
	run_same_inet("batches", "full_buffer");
}

Test(e2e_batches, datagrams_beyond_the_mtu_are_cut_or_refused)
{
	run_same_inet("batches", "beyond_the_mtu");
}

Test(e2e_batches, a_batch_from_another_network_arrives_one_by_one)
{
	run_same_inet("batches", "from_another_network");
}
