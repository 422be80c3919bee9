// SPDX-License-Identifier: MIT
/*
 * test_signals.c - handlers that interrupt a call, that use sockets themselves,
 * and that jump out of it. progs/signals.c has the calls.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "runner.h"

/* ---- EINTR, SA_RESTART, SO_RCVTIMEO ------------------------------------ */

Test(e2e_signals, a_signal_interrupts_each_receive_as_on_udp)
{
	run_same_without_fault("signals", "interrupted");
}

Test(e2e_signals, sa_restart_restarts_each_receive_as_on_udp)
{
	run_same_without_fault("signals", "restarted");
}

Test(e2e_signals, a_signal_interrupts_each_receive_with_a_timeout)
{
	run_same_without_fault("signals", "interrupted_timeout");
}

Test(e2e_signals, sa_restart_restarts_no_receive_with_a_timeout)
{
	run_same_without_fault("signals", "restarted_timeout");
}

Test(e2e_signals, a_signal_interrupts_each_wait_as_on_udp)
{
	run_same_without_fault("signals", "interrupted_wait");
}

Test(e2e_signals, sa_restart_restarts_what_waits_it_restarts_on_udp)
{
	run_same_without_fault("signals", "restarted_wait");
}

Test(e2e_signals, each_receive_times_out_as_on_udp)
{
	run_same_without_fault("signals", "timed_out");
}

/* ---- handlers that use sockets ----------------------------------------- */

#define BOTH_CAME_ON                       \
	"the program: 0 faults, came on\n" \
	"the handler: 0 faults, came on\n" \
	"0 datagrams lost\n"               \
	"try_bind(&a) = 0\n"               \
	"try_bind(&b) = 0\n"

static struct run_result result;

static void run_signals(const char *scenario, const char *env0,
			const char *env1)
{
	const char *const argv[] = { COP_BUILD_DIR "/tests/progs/signals",
				     "cop", scenario, NULL };
	const char *const env[] = { env0, env1, NULL };
	struct run_child child;

	cr_assert_eq(run_start(&child, &result, argv, true, env), 0);
	run_finish(&child, 40000);
	cr_expect_not(result.timed_out, "%s: no end", scenario);
	cr_expect_eq(result.status, 0, "%s: status %d", scenario,
		     result.status);
	run_expect_no_fault(&result);
}

Test(e2e_signals, a_handler_at_10_khz_uses_sockets_for_10_seconds)
{
	run_signals("ten_seconds", "COP_DEBUG=1", NULL);
	cr_expect_str_eq(result.out, BOTH_CAME_ON, "%s", result.out);
}

Test(e2e_signals, a_handler_at_10_khz_uses_sockets_beside_a_thread)
{
	run_signals("beside_a_thread", "COP_DEBUG=1", NULL);
	cr_expect_str_eq(result.out, BOTH_CAME_ON, "%s", result.out);
}

/* Figures that a handler has changed amid a change of the program's. */
Test(e2e_signals, cop_stats_counts_right_under_a_handler_at_10_khz)
{
	unsigned int sent, received, faults;
	char figures[32];

	run_signals("counted", "COP_DEBUG=1", "COP_STATS=stderr");
	cr_assert_eq(sscanf(result.out, "%u sent, %u received, %u faults\n",
			    &sent, &received, &faults),
		     3);
	cr_expect_eq(sent, received);
	cr_expect_eq(faults, 0);
	snprintf(figures, sizeof(figures), " tx=%u ", sent);
	cr_expect_not_null(strstr(result.err, figures), "%s%s", result.out,
			   result.err);
	snprintf(figures, sizeof(figures), " rx=%u ", received);
	cr_expect_not_null(strstr(result.err, figures), "%s%s", result.out,
			   result.err);
}

Test(e2e_signals, no_port_has_two_owners_during_a_bind_or_close)
{
	run_says("signals", "one_port",
		 "had twice: 0 times\n"
		 "try_bind(&addr_a) = 0\n");
}

/* ---- handlers that jump out -------------------------------------------- */

Test(e2e_signals, a_handler_on_its_stack_sends_and_jumps_out_of_a_fault)
{
	run_same_without_fault("signals", "jump_from_fault");
}

Test(e2e_signals, a_handler_that_jumps_out_of_a_receive_loses_nothing)
{
	run_same_without_fault("signals", "jump_from_receive");
}

Test(e2e_signals,
     a_handler_that_jumps_out_of_any_call_leaves_the_port_to_be_closed)
{
	run_same("jumping", "anywhere");
}

Test(e2e_signals, a_thread_that_jumped_out_of_a_receive_can_be_cancelled)
{
	run_same_without_fault("signals", "jump_then_cancel");
}
