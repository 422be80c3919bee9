// SPDX-License-Identifier: MIT
/*
 * test_closing.c - many descriptors closed at once, the first three replaced, a
 * thread's descriptors parted from the others': COP does as the kernel's UDP
 * does. progs/closing.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_closing, the_last_of_500_duplicates_frees_the_port)
{
	run_same("closing", "last_of_many_dups");
}

Test(e2e_closing, a_plain_socket_duplicated_over_a_socket_is_plain)
{
	run_same("closing", "plain_over_ours");
}

Test(e2e_closing, numbers_that_were_closed_at_once_are_not_captured)
{
	run_same("closing", "closings");
}

Test(e2e_closing, closefrom_leaves_lower_descriptors_open)
{
	run_same("closing", "closefrom_keeps");
}

Test(e2e_closing, close_range_that_only_marks_or_fails_closes_nothing)
{
	run_same("closing", "cloexec_range");
}

Test(e2e_closing, a_thread_that_parts_leaves_the_others_their_sockets)
{
	run_same("closing", "parted_threads");
}

Test(e2e_closing, a_thread_that_fails_to_part_closes_for_all)
{
	run_same("closing", "failed_to_part");
}

Test(e2e_closing, a_child_of_a_parted_thread_has_sockets_of_its_own)
{
	run_same("closing", "child_of_a_parted_thread");
}

Test(e2e_closing, a_parted_thread_hands_its_own_descriptors_to_exec)
{
	run_same("closing", "exec_of_a_parted_thread");
}

#define SENT(what, n) \
	"sendto(" what ", 0, SA(&addr_b), sizeof(addr_b)) = " n "\n"

Test(e2e_closing, a_socket_of_a_thread_with_its_own_table_is_udp)
{
	run_says("closing", "life_of_a_parted_thread",
		 "unshare(CLONE_FILES) = 0\n"
		 "try_sock() = -1 ESOCKTNOSUPPORT\n"
		 "(fd = dup(sock_a)) > 0 = 1\n"
		 "of_the_kind(fd) = 0\n" SENT(
			 "fd, \"duplicate\", 9",
			 "9") "of_the_kind(sock_a) = 1\n"
			      "close(sock_a) = 0\n"
			      "of_the_kind(sock_a) = 0\n" SENT(
				      "sock_a, \"closed by others\", 16",
				      "16") "recv(sock_b, buf, 64, "
					    "MSG_DONTWAIT) = -1 EAGAIN\n"
					    "of_the_kind(try_sock()) = 1\n");
}

Test(e2e_closing, daemon_replaces_sockets_by_dev_null)
{
	run_same("closing", "daemon_replaces");
}

Test(e2e_closing, daemon_that_closes_nothing_keeps_sockets)
{
	run_same("closing", "daemon_keeps");
}

Test(e2e_closing, no_call_leaves_a_descriptor_that_is_not_the_programs)
{
	run_same("closing", "nothing_hidden");
}
