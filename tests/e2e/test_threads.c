// SPDX-License-Identifier: MIT
/*
 * test_threads.c - a thread that sleeps in a call, while another closes the
 * socket, shuts it down or cancels the thread, and threads with the smallest
 * stacks: COP does as the kernel's UDP, and nothing is lost. progs/threads.c has
 * the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

/* ---- close() and shutdown() -------------------------------------------- */

Test(e2e_threads, close_leaves_a_receive_asleep_with_its_port)
{
	run_same_without_fault("threads", "closed_in_receive");
}

Test(e2e_threads, close_leaves_a_wait_asleep_with_its_port)
{
	run_same_without_fault("threads", "closed_in_wait");
}

Test(e2e_threads, close_leaves_an_epoll_wait_its_duplicate)
{
	run_same_without_fault("threads", "closed_in_epoll");
}

Test(e2e_threads, close_under_a_receive_leaves_the_next_owner_alone)
{
	run_same_without_fault("threads", "next_owner_is_left_alone");
}

Test(e2e_threads, shutdown_wakes_every_call_on_an_unconnected_socket)
{
	run_same_without_fault("threads", "shut_unconnected");
}

Test(e2e_threads, shutdown_wakes_every_call_on_a_connected_socket)
{
	run_same_without_fault("threads", "shut_connected");
}

/* ---- one socket ---------------------------------------------------------- */

Test(e2e_threads, calls_that_name_one_socket_at_once_leave_it_sound)
{
	run_says("crossing", "at_once",
		 "received, 0 damaged, 0 unsound, 0 ports held\n");
}

/* ---- cancellation ------------------------------------------------------ */

Test(e2e_threads, a_receive_that_is_cancelled_loses_nothing)
{
	run_same_without_fault("threads", "cancelled_receive");
}

Test(e2e_threads, a_wait_that_is_cancelled_loses_nothing)
{
	run_same_without_fault("threads", "cancelled_wait");
}

Test(e2e_threads, a_call_that_begins_cancelled_has_done_nothing)
{
	run_same_without_fault("threads", "cancelled_in_passing");
}

Test(e2e_threads, a_send_that_is_cancelled_loses_nothing)
{
	run_same_without_fault("threads", "cancelled_send");
}

/* ---- stacks ------------------------------------------------------------ */

Test(e2e_threads, the_smallest_stack_is_enough_for_all_calls)
{
	run_same_without_fault("threads", "smallest_stack");
}

Test(e2e_threads, a_signal_finds_room_on_the_smallest_stack_in_every_batch)
{
	run_same_without_fault("threads", "smallest_stack_of_batches");
}

Test(e2e_threads, a_cancellation_finds_room_on_the_smallest_stack_in_every_send)
{
	run_same_inet("threads", "smallest_stack_of_full_sends");
}

Test(e2e_threads,
     a_signal_handler_receives_joined_datagrams_on_the_smallest_stack)
{
	run_same_without_fault("threads", "smallest_stack_of_joined");
}
