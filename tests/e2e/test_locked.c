// SPDX-License-Identifier: MIT
/*
 * test_locked.c - programs whose memory is locked or limited. progs/locked.c has
 * the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(locked, little_memory_is_locked_for_sockets)
{
	run_same("locked", "everything_is_locked");
}

Test(locked, sockets_work_if_no_more_memory_may_be_locked)
{
	run_same("locked", "no_more_may_be_locked");
}

Test(locked, sockets_work_if_no_more_memory_may_be_mapped)
{
	run_same("locked", "no_more_may_be_mapped");
}
