// SPDX-License-Identifier: MIT
/*
 * test_cancel.c - calls that are no cancellation points, on UDP, on COP and where it
 * is not decided which. progs/cancel.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

TestSuite(e2e_cancel, .timeout = 60);

Test(e2e_cancel, what_is_no_cancellation_point_is_none_with_a_queue)
{
	run_same("cancel", "with_a_queue");
}

Test(e2e_cancel, what_is_no_cancellation_point_is_none_behind_a_receive)
{
	run_same("cancel", "having_received");
}

Test(e2e_cancel, what_is_no_cancellation_point_is_none_while_undecided)
{
	run_same_listed("cancel", "with_a_queue");
	run_same_listed("cancel", "having_received");
	run_same_listed("cancel", "all_with_a_queue");
}
