// SPDX-License-Identifier: MIT
/*
 * test_rights.c - COP sockets in messages (SCM_RIGHTS) arrive as what they are,
 * as the kernel's UDP sockets do. progs/rights.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_rights, sockets_arrive_and_the_last_close_frees_the_port)
{
	run_same("rights", "sends_two");
}

Test(e2e_rights, unbound_connected_and_bound_sockets_arrive_so)
{
	run_same("rights", "sends_states");
}

Test(e2e_rights, sockets_arrive_among_250_files_which_stay_files)
{
	run_same("rights", "sends_253");
}

Test(e2e_rights, each_look_at_a_message_makes_a_socket)
{
	run_same("rights", "sends_to_peek");
}

Test(e2e_rights, descriptors_beyond_the_control_buffer_are_closed)
{
	run_same("rights", "sends_too_many");
}

Test(e2e_rights, sockets_arrive_by_sendmmsg_and_recvmmsg)
{
	run_same("rights", "sends_mmsg");
}

Test(e2e_rights, more_messages_than_are_sent_in_a_call_are_marked_all_the_same)
{
	run_same("rights", "sends_more_than_are_sent");
}

Test(e2e_rights, sockets_arrive_by_the_numbers_of_the_calls)
{
	run_same("rights", "sends_by_number");
}

Test(e2e_rights, a_middle_man_passes_sockets_on)
{
	run_same("rights", "passes_on");
}

Test(e2e_rights, a_socket_on_its_way_holds_its_port)
{
	run_same("rights", "in_flight");
}

Test(e2e_rights, a_socket_sent_to_oneself_is_the_same)
{
	run_same("rights", "to_oneself");
}

Test(e2e_rights, a_received_descriptor_replaces_an_older_use_of_its_number)
{
	run_same("rights", "number_of_another");
}

Test(e2e_rights, a_received_descriptor_replaces_one_that_was_closed_unseen)
{
	run_same("rights", "number_closed_unseen");
}

Test(e2e_rights, a_socket_that_threads_receive_at_once_is_one)
{
	run_same_without_fault("rights", "at_once");
}

Test(e2e_rights, a_thousand_passes_leave_nothing)
{
	run_same("rights", "sends_many");
}

Test(e2e_rights, a_thousand_passes_to_oneself_leave_nothing)
{
	run_same("rights", "many_to_oneself");
}

Test(e2e_rights, a_message_that_is_refused_changes_nothing)
{
	run_same("rights", "failing");
}
