// SPDX-License-Identifier: MIT
/*
 * test_standard.c - stdin, stdout and stderr over a COP socket that was duplicated
 * there, and back. progs/standard.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_standard, stdout_prints_to_the_socket_and_comes_back)
{
	run_same("standard", "prints");
}

Test(e2e_standard, stdout_stays_line_buffered)
{
	run_same("standard", "prints_lines");
}

Test(e2e_standard, unbuffered_stdout_stays_unbuffered_on_the_socket)
{
	run_same("standard", "prints_unbuffered");
}

Test(e2e_standard, buffered_text_goes_to_the_new_descriptor)
{
	run_same("standard", "prints_ahead");
}

Test(e2e_standard, stderr_prints_to_the_socket)
{
	run_same("standard", "by_stderr");
}

Test(e2e_standard, stdin_reads_from_the_socket)
{
	run_same("standard", "reads");
}

Test(e2e_standard, dup_and_dup3_are_as_dup2)
{
	run_same("standard", "by_dup");
}

Test(e2e_standard, a_vfork_child_leaves_its_parents_streams_alone)
{
	run_same("standard", "in_a_vfork_child");
}

Test(e2e_standard, a_child_prints_to_the_socket)
{
	run_same("standard", "in_a_child");
}

Test(e2e_standard, a_stream_that_is_closed_is_not_taken_again)
{
	run_same("standard", "closed");
}

Test(e2e_standard, wide_characters_stay_libcs)
{
	run_says("standard", "wide", "wide\n1\n");
}

Test(e2e_standard, a_close_gives_libcs_own_stream_back)
{
	run_same("standard", "replaced_by_a_file");
}
