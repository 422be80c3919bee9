// SPDX-License-Identifier: MIT
/*
 * test_helper.c - the helper socket of a bind to one address, and whatever else the
 * library opens for a moment, is gone when the call ends. progs/helper.c has the
 * calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

TestSuite(helper, .timeout = 120);

Test(helper, a_child_that_another_thread_forks_during_a_bind_has_no_helper)
{
	run_same("helper", "forked");
}

Test(helper, a_thread_that_unshares_during_a_bind_has_no_helper)
{
	run_same("helper", "unshared");
}

Test(helper, a_jump_out_of_a_bind_leaves_no_helper)
{
	run_same("helper", "jumped");
}

Test(helper, a_child_that_a_handler_forks_during_a_bind_has_no_helper)
{
	run_same("helper", "forked_in_handler");
}
