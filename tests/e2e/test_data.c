// SPDX-License-Identifier: MIT
/*
 * test_data.c - sending and receiving one datagram: COP answers each call as
 * the kernel's UDP does. progs/data.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_data, every_sending_call_delivers_its_payload)
{
	run_same("data", "send_ways");
}

Test(e2e_data, every_receiving_call_gets_the_payload)
{
	run_same("data", "receive_ways");
}

Test(e2e_data, payloads_of_all_sizes_arrive_whole)
{
	run_same("data", "sizes");
}

Test(e2e_data, a_payload_above_the_limit_is_emsgsize)
{
	run_same("data", "too_large");
}

Test(e2e_data, empty_datagrams_are_delivered)
{
	run_same("data", "empty");
}

Test(e2e_data, a_read_of_nothing_leaves_the_datagram)
{
	run_same("data", "nothing_asked");
}

Test(e2e_data, a_writev_of_nothing_sends_nothing)
{
	run_same("data", "nothing_written");
}

Test(e2e_data, a_short_buffer_cuts_the_payload)
{
	run_same("data", "short_buffers");
}

Test(e2e_data, peek_leaves_the_datagram)
{
	run_same("data", "peek");
}

Test(e2e_data, dontwait_and_timeouts_end_with_eagain)
{
	run_same("data", "do_not_wait");
}

Test(e2e_data, every_flag_means_what_it_means_to_udp)
{
	run_same("data", "other_flags");
}

Test(e2e_data, msg_more_makes_one_datagram_of_the_parts)
{
	run_same("data", "more");
}

Test(e2e_data, a_refused_part_loses_the_same_data_as_on_udp)
{
	run_same("data", "more_refused");
}

Test(e2e_data, parts_go_to_the_destination_of_the_first)
{
	run_same("data", "more_elsewhere");
}

Test(e2e_data, sendto_judges_destinations_as_udp_does)
{
	run_same("data", "destinations");
}

Test(e2e_data, sendmsg_judges_destinations_as_udp_does)
{
	run_same("data", "message_destinations");
}

Test(e2e_data, a_source_is_cut_to_the_length_asked_for)
{
	run_same("data", "sources");
}

Test(e2e_data, a_source_with_nowhere_to_go_is_an_error)
{
	run_same("data", "source_faults");
}

Test(e2e_data, an_unreadable_payload_is_not_sent)
{
	run_same("data", "bad_payloads");
}

Test(e2e_data, an_unwritable_buffer_is_an_error)
{
	run_same("data", "bad_buffers");
}

Test(e2e_data, up_to_1024_iovecs_are_taken)
{
	run_same("data", "many_iovecs");
}

Test(e2e_data, iovecs_of_impossible_lengths_are_refused)
{
	run_same("data", "odd_iovecs");
}

Test(e2e_data, a_file_offset_is_refused)
{
	run_same("data", "offsets");
}

Test(e2e_data, unknown_rwf_flags_are_refused)
{
	run_same("data", "rw_flags");
}

Test(e2e_data, fionread_and_siocinq_tell_the_payload)
{
	run_same("data", "queued");
}

Test(e2e_data, ioctls_answer_as_udp_does)
{
	run_same("data", "ioctls");
}

Test(e2e_data, fionread_counts_no_stray_behind_a_pending_error)
{
	run_same("data", "queued_behind_an_error");
}
