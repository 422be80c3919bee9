// SPDX-License-Identifier: MIT
/*
 * test_waits.c - poll, select, epoll and calls that block: COP answers as the
 * kernel's UDP does, and as if there were no strays. progs/waits.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_waits, poll_tells_the_events_that_udp_tells)
{
	run_same("waits", "poll_events");
}

Test(e2e_waits, poll_tells_a_refused_send)
{
	run_same("waits", "poll_error");
}

Test(e2e_waits, poll_takes_several_and_foreign_descriptors)
{
	run_same("waits", "poll_several");
}

Test(e2e_waits, select_and_pselect_return_the_ready_descriptors)
{
	run_same("waits", "selected");
}

Test(e2e_waits, level_triggered_epoll_repeats_itself)
{
	run_same("waits", "epoll_level");
}

Test(e2e_waits, edge_triggered_epoll_tells_each_arrival_once)
{
	run_same("waits", "epoll_edge");
}

Test(e2e_waits, one_shot_epoll_tells_once)
{
	run_same("waits", "epoll_once");
}

Test(e2e_waits, every_blocking_receive_is_woken)
{
	run_same("waits", "blocked");
}

Test(e2e_waits, a_receive_in_another_thread_is_woken)
{
	run_same("waits", "blocked_thread");
}

Test(e2e_waits, a_signal_interrupts_a_blocking_receive)
{
	run_same("waits", "interrupted");
}

Test(e2e_waits, a_receive_times_out_strays_or_not)
{
	run_same("waits", "timed_out");
}

Test(e2e_waits, a_stray_wakes_no_poll)
{
	run_same("waits", "stray_before_poll");
}

Test(e2e_waits, a_stray_wakes_no_select)
{
	run_same("waits", "stray_before_select");
}

Test(e2e_waits, a_stray_wakes_no_level_triggered_epoll)
{
	run_same("waits", "stray_before_epoll_level");
}

Test(e2e_waits, a_stray_wakes_no_edge_triggered_epoll)
{
	run_same("waits", "stray_before_epoll_edge");
}

Test(e2e_waits, a_stray_wakes_no_blocking_receive)
{
	run_same("waits", "stray_wakes_no_receive");
}

Test(e2e_waits, strays_among_datagrams_are_passed_over_by_every_call)
{
	run_same("waits", "strays_between");
}

/* ---- waiting, and then a receive that blocks --------------------------- */

Test(e2e_waits, no_stray_wakes_a_wait_for_a_receive_that_blocks)
{
	run_same("waits", "wait_then_block");
}

Test(e2e_waits, no_stray_wakes_an_epoll_wait_for_a_receive_that_blocks)
{
	run_same("waits", "epoll_wait_then_block");
}

/* io_uring takes the epoll_ctl() past the library. */
Test(e2e_waits, no_stray_wakes_an_epoll_set_that_io_uring_has_filled)
{
	run_same("waits", "ring_then_block");
}

Test(e2e_waits, no_stray_is_received_after_epoll_through_io_uring)
{
	run_same("waits", "ring_without_blocking");
}
