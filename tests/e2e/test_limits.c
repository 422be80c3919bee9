// SPDX-License-Identifier: MIT
/*
 * test_limits.c - the highest descriptors there are, and none left: COP answers
 * as the kernel's UDP does. progs/limits.c has the calls.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "runner.h"

Test(e2e_limits, the_highest_descriptor_is_a_socket_like_any_other)
{
	run_same_without_fault("limits", "highest");
}

Test(e2e_limits, descriptors_past_fd_setsize_are_sockets_like_any_other)
{
	run_same_without_fault("limits", "past_fd_setsize");
}

Test(e2e_limits, descriptors_above_a_lowered_limit_are_sockets_like_any_other)
{
	run_same_without_fault("limits", "lowered");
}

Test(e2e_limits, without_a_free_descriptor_every_call_works_that_needs_none)
{
	run_same_without_fault("limits", "none_left");
}

Test(e2e_limits, the_first_socket_may_have_the_last_descriptor)
{
	run_same_without_fault("limits", "first_and_last");
}

#define BIND "bind(fd, SA(&want), sizeof(want)) = "

Test(e2e_limits, bind_to_one_address_without_a_free_descriptor_is_enobufs)
{
	run_says("limits", "bind_without_helper",
		 BIND
		 "-1 ENOBUFS\n" BIND "-1 ENOBUFS\n"
		 "getsockname(fd, SA(&addr), &len) = 0\n"
		 "  address (16) 0.0.0.0:0\n"
		 "bind(fd, SA(&addr_a), sizeof(addr_a)) = -1 EADDRINUSE\n"
		 "bind(sock_a, SA(&want), sizeof(want)) = -1 EINVAL\n"
		 "try_bind(\"0.0.0.0\", ntohs(want.sin_port)) = 0\n" BIND "0\n"
		 "recv(fd, buf, sizeof(buf), 0) = 5\n"
		 "  buf there...................  address (16) family 0\n");
}

Test(e2e_limits, a_number_beyond_a_million_is_ours_even_with_little_memory)
{
	run_same("limits", "small_table");
}
