// SPDX-License-Identifier: MIT
/*
 * test_joins.c - receives of several datagrams that the kernel has joined (UDP_GRO): COP
 * answers as the kernel's UDP does. progs/joins.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_joins, the_option_is_as_on_udp)
{
	run_same("joins", "option");
}

Test(e2e_joins, a_send_that_was_cut_arrives_whole)
{
	run_same("joins", "lengths");
}

Test(e2e_joins, a_small_buffer_gets_the_begin_of_the_payload)
{
	run_same("joins", "rooms");
}

Test(e2e_joins, a_small_room_for_control_messages_gets_what_udp_puts_there)
{
	run_same("joins", "controls");
}

Test(e2e_joins, control_messages_that_cannot_be_written_leave_no_headers)
{
	run_same("joins", "control_faults");
}

Test(e2e_joins, every_call_that_receives_gets_payloads_only)
{
	run_same("joins", "calls");
}

Test(e2e_joins, recvmmsg_gets_joined_datagrams_and_single_ones)
{
	run_same("joins", "many");
}

Test(e2e_joins, recvmmsg_with_large_rooms_gets_the_same)
{
	run_same("joins", "many_large");
}

Test(e2e_joins, fionread_counts_the_payloads)
{
	run_same("joins", "readable");
}

Test(e2e_joins, what_was_joined_before_the_option_was_turned_off_has_no_headers)
{
	run_same("joins", "turned_off");
}

Test(e2e_joins, a_message_may_have_many_iovecs)
{
	run_same("joins", "many_iovecs");
}

/* The kernel has headers between the payloads, but writes no further than they go. */
Test(e2e_joins, an_iovec_behind_the_payloads_need_not_be_writable)
{
	run_same("joins", "bad_iovecs");
}

Test(e2e_joins, the_option_is_the_childs_and_the_next_programs_too)
{
	run_same("joins", "inherited");
}

Test(e2e_joins, a_process_gets_no_headers_after_another_turned_the_option_off)
{
	run_same("joins", "turned_off_elsewhere");
}

static const char nothing_joined[] =
	"join(sock_b, 0) = 0\n"
	"join(sock_b, 1) = 0\n"
	"getsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, &len) = 0\n"
	"  value 1, 4 bytes\n"
	"getsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, &len) = 0\n"
	"  value 0, 4 bytes\n"
	"  100, flags 0, 0 of control, name 16, the data, behind ee\n"
	"  100, flags 0, 0 of control, name 16, other bytes, behind ee\n"
	"  50, flags 0, 0 of control, name 16, other bytes, behind ee\n"
	"  -1, flags 0, 256 of control, name 16 EAGAIN\n";

/* See joined_between_processes in docs/DIFFERENCES.md. */
Test(e2e_joins, a_socket_that_another_process_has_gets_nothing_joined)
{
	run_says("joins", "turned_on_elsewhere", nothing_joined);
}

Test(e2e_joins, a_child_of_a_raw_system_call_is_another_process_too)
{
	run_says("joins", "turned_on_unwrapped", nothing_joined);
}

Test(e2e_joins, a_thread_of_the_smallest_stack_receives_as_many)
{
	run_same("joins", "small_stack");
}

/* See joined_batch in docs/DIFFERENCES.md. Empty datagrams stay single. */
Test(e2e_joins, the_datagrams_of_a_batch_are_joined)
{
	run_says("joins", "batch",
		 "sendmmsg(sock_a, vec, 8, 0) = 8\n"
		 "  700, flags 0, 24 of control, name 16, the data, behind ee\n"
		 "  level 17 type 104, 20 bytes: 100\n"
		 "  0, flags 0, 0 of control, name 16, the data, behind ee\n"
		 "  -1, flags 0, 256 of control, name 16 EAGAIN\n"
		 "sendmmsg(sock_a, vec, 8, 0) = 8\n"
		 "  8 more, then EAGAIN\n");
}
