// SPDX-License-Identifier: MIT
/*
 * test_descriptors.c - duplicating and closing descriptors: COP answers each
 * call as the kernel's UDP does. progs/descriptors.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_descriptors, dup_shares_the_socket_until_the_last_close)
{
	run_same("descriptors", "dup_plain");
}

Test(e2e_descriptors, f_dupfd_shares_the_socket)
{
	run_same("descriptors", "dup_by_fcntl");
}

Test(e2e_descriptors, f_dupfd_by_fcntl64_shares_the_socket)
{
	run_same("descriptors", "dup_by_fcntl64");
}

Test(e2e_descriptors, dup2_onto_itself_changes_nothing)
{
	run_same("descriptors", "dup_onto_itself");
}

Test(e2e_descriptors, dup2_closes_the_socket_that_was_there)
{
	run_same("descriptors", "dup_over_a_socket");
}

Test(e2e_descriptors, a_file_duplicated_over_a_socket_is_a_file)
{
	run_same("descriptors", "dup_a_file_over");
}

Test(e2e_descriptors, a_socket_duplicated_over_a_file_is_a_socket)
{
	run_same("descriptors", "dup_over_a_file");
}

Test(e2e_descriptors, dup2_refuses_numbers_beyond_the_limit)
{
	run_same("descriptors", "dup_too_high");
}

Test(e2e_descriptors, duplicates_share_their_status_and_peer)
{
	run_same("descriptors", "flags_are_shared");
}

Test(e2e_descriptors, socket_takes_nonblock_and_cloexec)
{
	run_same("descriptors", "socket_flags");
}

Test(e2e_descriptors, every_call_on_a_closed_descriptor_is_ebadf)
{
	run_same("descriptors", "closed");
}

Test(e2e_descriptors, every_call_on_a_number_never_opened_is_ebadf)
{
	run_same("descriptors", "never_opened");
}

Test(e2e_descriptors, close_range_closes_the_sockets_in_it)
{
	run_same("descriptors", "close_ranges");
}

Test(e2e_descriptors, a_close_in_a_child_leaves_the_parents_socket)
{
	run_same("descriptors", "closed_by_a_child");
}

Test(e2e_descriptors, no_descriptor_and_no_thread_is_left)
{
	run_same("descriptors", "nothing_is_left");
}
