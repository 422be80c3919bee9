// SPDX-License-Identifier: MIT
/*
 * test_cuts.c - sends that are to be cut into datagrams (UDP_SEGMENT): COP answers as
 * the kernel's UDP does. progs/cuts.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_cuts, the_option_cuts_what_is_longer)
{
	run_same("cuts", "option");
}

Test(e2e_cuts, every_call_that_sends_is_cut)
{
	run_same("cuts", "calls");
}

Test(e2e_cuts, the_last_control_message_counts)
{
	run_same("cuts", "control");
}

Test(e2e_cuts, a_wrong_control_message_is_refused)
{
	run_same("cuts", "bad_control");
}

Test(e2e_cuts, pieces_and_bytes_have_the_limits_of_udp)
{
	run_same("cuts", "limits");
}

Test(e2e_cuts, a_payload_of_many_iovecs_is_cut)
{
	run_same("cuts", "many_iovecs");
}

Test(e2e_cuts, pieces_beyond_the_mtu_are_refused)
{
	run_same_inet("cuts", "beyond_the_mtu");
}

Test(e2e_cuts, a_send_that_is_refused_sends_nothing)
{
	run_same("cuts", "refused");
}

Test(e2e_cuts, the_option_is_the_childs_and_the_next_programs_too)
{
	run_same("cuts", "heirs");
}

/* See udp_options in docs/DIFFERENCES.md. */
Test(e2e_cuts, a_thread_of_the_smallest_stack_sends_as_many_pieces)
{
	run_same("cuts", "small_stack");
}

Test(e2e_cuts, a_corked_datagram_is_not_cut)
{
	run_says("cuts", "corked",
		 "cut_at(sock_a, 100) = 0\n"
		 "send(sock_a, data, 60, MSG_MORE) = -1 EIO\n"
		 "send(sock_a, data, 250, 0) = 250\n"
		 "  100 aaaaaaaa\n"
		 "  2 of these\n"
		 "  50 uuuuuuuu\n"
		 "  1 of these, then EAGAIN\n"
		 "cut_at(sock_a, 0) = 0\n"
		 "send(sock_a, data, 60, MSG_MORE) = 60\n"
		 "cut_at(sock_a, 100) = 0\n"
		 "send(sock_a, data, 250, 0) = 250\n"
		 "  310 aaaaaaaa\n"
		 "  1 of these, then EAGAIN\n");
}
