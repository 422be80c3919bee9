// SPDX-License-Identifier: MIT
/*
 * test_storm.c - one socket in many hands: threads that use, close and open it
 * at once, cancellation, signal handlers, small stacks. progs/storm.c has the
 * calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

static void expect_says(const char *scenario, const char *expected)
{
	run_says("storm", scenario, expected);
}

/* With libcop saying so where a socket that is closed is referred to still. */
static void expect_leaves_nothing(const char *scenario)
{
	const char *argv[] = { COP_BUILD_DIR "/tests/progs/storm", "cop",
			       scenario, NULL };
	const char *env[] = { "COP_DEBUG=1", NULL };
	static struct run_result result;

	run(&result, argv, true, env);
	if (result.status == RUN_SKIP)
		cr_skip_test("%s", result.err);
	cr_expect_eq(result.status, 0, "%s: status %d", scenario,
		     result.status);
	cr_expect_str_eq(result.out, "0 of 2000 ports are lost\n", "%s:\n%s",
			 scenario, result.out);
	run_expect_no_fault(&result);
}

/* ---- threads ------------------------------------------------------------ */

Test(e2e_storm, threads_that_poll_and_receive_lose_nothing_among_strays)
{
	expect_says("poll_and_receive", "0 lost\n");
}

#define STAYS_COP "0 of another kind, 0 of another number\n"

Test(e2e_storm, a_socket_opened_while_a_thread_receives_on_its_number_is_cop)
{
	expect_says("reopen_under_one", STAYS_COP);
}

Test(e2e_storm, a_socket_opened_while_threads_receive_on_its_number_is_cop)
{
	expect_says("reopen_under_six", STAYS_COP);
}

Test(e2e_storm, a_socket_opened_while_threads_ask_for_its_options_is_cop)
{
	expect_says("reopen_under_options", STAYS_COP);
}

Test(e2e_storm, a_socket_named_while_threads_receive_on_its_number_is_cop)
{
	expect_says("rebind_under_six", "0 of another kind\n");
}

Test(e2e_storm, a_receive_that_blocks_across_close_delivers_no_stray)
{
	expect_says("closed_while_receiving", "a stray was not delivered\n");
}

Test(e2e_storm, a_receive_that_blocks_across_close_leaves_the_next_owner_alone)
{
	expect_says(
		"reused_while_receiving",
		"the number is reused\n"
		"a stray was not delivered\n"
		"getsockopt(next, SOL_SOCKET, SO_GET_FILTER, code, &len) = 0\n"
		"  0 instructions\n"
		"recv(next, buf, sizeof(buf), MSG_DONTWAIT) = 11\n");
}

Test(e2e_storm, threads_that_send_connect_and_disconnect_leave_nothing_behind)
{
	expect_leaves_nothing("send_connect_disconnect");
}

/* ---- cancellation ------------------------------------------------------- */

Test(e2e_storm, a_cancelled_bind_is_whole)
{
	run_same("storm", "cancel_bind");
}

Test(e2e_storm, a_cancelled_socket_is_returned)
{
	run_same("storm", "cancel_socket");
}

Test(e2e_storm, a_cancelled_sendto_loses_no_port)
{
	run_same("storm", "cancel_sendto");
}

Test(e2e_storm, a_cancelled_recv_loses_no_datagram)
{
	expect_says("cancel_recv", "0 lost\n");
}

/* ---- signal handlers and small stacks ----------------------------------- */

Test(e2e_storm,
     a_handler_that_uses_a_socket_during_its_bind_leaves_nothing_behind)
{
	expect_leaves_nothing("handler_uses_what_is_bound");
}

Test(e2e_storm, a_small_stack_is_enough_for_many_iovecs)
{
	run_same("storm", "small_stack");
}

Test(e2e_storm, a_small_alternate_stack_is_enough_for_all_calls)
{
	run_same("storm", "alternate_stack");
}
