// SPDX-License-Identifier: MIT
/*
 * test_messages.c - many messages in one call, control messages and the error
 * queue: COP answers as the kernel's UDP does. progs/messages.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_messages, sendmmsg_and_recvmmsg_move_many_datagrams)
{
	run_same("messages", "many");
}

Test(e2e_messages, recvmmsg_cuts_each_payload)
{
	run_same("messages", "many_cut");
}

Test(e2e_messages, sendmmsg_sends_at_most_1024)
{
	run_same("messages", "many_at_most");
}

Test(e2e_messages, sendmmsg_stops_at_the_message_that_is_refused)
{
	run_same("messages", "one_is_refused");
}

Test(e2e_messages, waitforone_returns_the_queued_datagrams)
{
	run_same("messages", "wait_for_one");
}

Test(e2e_messages, recvmmsg_ends_when_its_time_is_up)
{
	run_same("messages", "until_time_is_up");
}

Test(e2e_messages, the_next_call_returns_an_error_after_a_message)
{
	run_same("messages", "error_comes_late");
}

Test(e2e_messages, recvmmsg_peeks_at_the_same_message_each_time)
{
	run_same("messages", "many_peeked");
}

Test(e2e_messages, messages_of_many_iovecs_arrive_whole)
{
	run_same("messages", "many_iovecs_each");
}

Test(e2e_messages, control_messages_are_received)
{
	run_same("messages", "control_received");
}

Test(e2e_messages, timestamps_are_received)
{
	run_same("messages", "timestamps_received");
}

Test(e2e_messages, recvmmsg_receives_control_messages)
{
	run_same("messages", "control_in_many");
}

Test(e2e_messages, control_messages_are_sent)
{
	run_same("messages", "control_sent");
}

Test(e2e_messages, malformed_control_messages_are_refused)
{
	run_same("messages", "control_malformed");
}

Test(e2e_messages, the_error_queue_returns_the_payload)
{
	run_same("messages", "error_queue");
}

Test(e2e_messages, the_error_queue_of_a_connected_socket_keeps_order)
{
	run_same("messages", "error_queue_connected");
}

Test(e2e_messages, a_queued_error_hides_no_length)
{
	run_same("messages", "length_behind_an_error");
}

Test(e2e_messages, recvmmsg_reads_the_error_queue)
{
	run_same("messages", "error_queue_in_many");
}

Test(e2e_messages, a_frame_that_comes_back_has_no_header_of_ours)
{
	run_same("messages", "frames");
}

Test(e2e_messages, a_time_out_that_never_ends_does_not_end_at_once)
{
	run_same("messages", "time_without_end");
}

/* UDP cuts them; of COP a program learns by EIO that it has to. */
Test(e2e_messages, segments_arrive_one_way_or_the_other)
{
	run_same("messages", "segments");
}
