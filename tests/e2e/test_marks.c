// SPDX-License-Identifier: MIT
/*
 * test_marks.c - what a descriptor says of itself was written by another process:
 * it crashes nobody, and takes nobody's ports. progs/marks.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_marks, a_message_with_a_mark_of_any_type_crashes_nobody)
{
	run_same("marks", "types");
}

Test(e2e_marks, a_program_starts_with_a_mark_of_any_type)
{
	run_same("marks", "exec_types");
}

Test(e2e_marks, programs_start_with_random_marks_on_sockets_of_all_kinds)
{
	run_same("marks", "exec_many");
}

Test(e2e_marks, random_marks_in_messages_leave_no_port)
{
	run_same("marks", "many");
}

Test(e2e_marks, sockets_of_another_network_take_no_port_here)
{
	run_same("marks", "ports_elsewhere");
}

Test(e2e_marks, ports_that_a_peer_has_left_can_be_bound)
{
	run_same("marks", "ports_left");
}
