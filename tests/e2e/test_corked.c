// SPDX-License-Identifier: MIT
/*
 * test_corked.c - datagrams that are sent in parts, of which one is refused, on UDP
 * and on COP. progs/corked.c has the parts.
 */
#include <criterion/criterion.h>

#include "runner.h"

TestSuite(e2e_corked, .timeout = 60);

Test(e2e_corked, a_refused_part_ends_the_datagram_where_the_kernel_ends_it)
{
	run_same("corked", "after_parts");
}

Test(e2e_corked, other_datagrams_under_way_are_no_part_that_was_begun)
{
	run_same("corked", "while_others_are_under_way");
}

Test(e2e_corked, a_fragment_for_which_there_is_no_room_ends_the_datagram)
{
	run_same("corked", "in_fragments");
}

Test(e2e_corked, by_the_option_it_is_the_same)
{
	run_same("corked", "by_the_option");
}

Test(e2e_corked, a_shutdown_in_between_has_the_kernels_error)
{
	run_same("corked", "shut_meanwhile");
}

Test(e2e_corked, a_connect_in_between_leaves_the_datagram_begun)
{
	run_same("corked", "connected_elsewhere");
}
