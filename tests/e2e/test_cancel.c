// SPDX-License-Identifier: MIT
/*
 * test_cancel.c - calls that are no cancellation points, on UDP, on COP and where it
 * is not decided which. progs/cancel.c has the calls.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runner.h"

TestSuite(e2e_cancel, .timeout = 60);

Test(e2e_cancel, with_a_queue_no_other_call_is_a_cancellation_point)
{
	run_same("cancel", "with_a_queue");
}

Test(e2e_cancel, after_a_receive_no_other_call_is_a_cancellation_point)
{
	run_same("cancel", "having_received");
}

/* Nor does a line on stderr make it one. */
Test(e2e_cancel, with_cop_debug_no_other_call_is_a_cancellation_point)
{
	static const char *const argv[] = { COP_BUILD_DIR "/tests/progs/cancel",
					    "cop", "with_a_queue", NULL };
	static const char *const env[] = { "COP_DEBUG=2", NULL };
	static struct run_result udp, cop;

	run_prog(&udp, "cancel", "udp with_a_queue", false);
	run(&cop, argv, true, env);
	cr_assert_not_null(strstr(cop.err, "is a new COP socket"));
	cr_assert_str_eq(cop.out, udp.out);
}

Test(e2e_cancel, while_undecided_no_other_call_is_a_cancellation_point)
{
	run_same_listed("cancel", "with_a_queue");
	run_same_listed("cancel", "having_received");
	run_same_listed("cancel", "all_with_a_queue");
}
