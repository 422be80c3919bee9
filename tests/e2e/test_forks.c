// SPDX-License-Identifier: MIT
/*
 * test_forks.c - children by fork, by clone, which no library need see, and by
 * vfork: COP sockets are theirs and their parents' as the kernel's UDP sockets
 * are. progs/forks.c has the calls.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "runner.h"

#define PYTHON "/usr/bin/python3"
#define SCRIPT COP_TEST_DIR "/e2e/scripts/spawning.py"

Test(e2e_forks, a_parent_sees_the_range_of_ports_that_its_child_has_set)
{
	run_same("forks", "child_sets_range");
}

Test(e2e_forks, parent_and_child_both_send_and_receive)
{
	run_same("forks", "both_speak");
}

Test(e2e_forks, parent_and_child_share_one_queue)
{
	run_same("forks", "one_queue");
}

Test(e2e_forks, a_port_is_held_until_the_parent_has_closed_too)
{
	run_same("forks", "child_closes_first");
}

Test(e2e_forks, a_port_is_held_until_the_child_has_closed_too)
{
	run_same("forks", "parent_closes_first");
}

Test(e2e_forks, a_child_opens_and_closes_sockets_of_its_own)
{
	run_same("forks", "own_table");
}

Test(e2e_forks, a_child_autobinds_as_its_parent_does)
{
	run_same("forks", "child_autobinds");
}

Test(e2e_forks, a_socket_that_a_child_has_bound_stays_cop_in_the_parent)
{
	run_same("forks", "child_binds");
}

Test(e2e_forks, the_parent_does_not_expect_a_port_from_an_unseen_childs_bind)
{
	run_says("forks", "child_binds_unseen",
		 "bind(fd, SA(&addr), sizeof(addr)) = 0\n"
		 "bind(shared, SA(&addr), sizeof(addr)) = 0\n"
		 "clone by an instruction, status 0\n"
		 "of_the_kind(shared) = 1\n"
		 "sendto(udp, \"stray\", 5, 0, SA(&addr), sizeof(addr)) = 5\n"
		 "recv(shared, buf, 64, MSG_DONTWAIT) = 5\n"
		 "of_the_kind(shared) = 0\n");
}

Test(e2e_forks, a_filter_that_a_child_sets_is_its_parents_too)
{
	run_same("forks", "child_filters");
}

Test(e2e_forks, nothing_a_vfork_child_closes_is_closed_in_its_parent)
{
	run_same("forks", "vforked");
}

/* Of its ports; and a child that hangs is ended by a signal. */
Test(e2e_forks, a_child_forked_during_binds_and_closes_lacks_nothing)
{
	run_says("forks", "storm", "200 children, 0 ports lost\n");
}

/*
 * Without libcop about one child in 200 does: the kernel copies the descriptors first,
 * and the memory later.
 */
Test(e2e_forks, no_child_takes_an_old_socket_for_a_new_one_of_its_number)
{
	const char *const none = "close: 0 children have another socket\n"
				 "dup2: 0 children have another socket\n";

	run_says("forks", "number_reused", none);
	run_adopted_says("forks", "number_reused", none);
}

Test(e2e_forks, python_starts_programs_and_keeps_its_sockets)
{
	const char *const udp[] = { PYTHON, SCRIPT, "udp", NULL };
	const char *const cop[] = { PYTHON, SCRIPT, "cop", NULL };
	static struct run_result on_udp, on_cop;

	run(&on_udp, udp, false, NULL);
	run(&on_cop, cop, true, NULL);
	cr_expect_eq(on_udp.status, 0, "%s", on_udp.err);
	cr_expect_eq(on_cop.status, 0, "%s", on_cop.err);
	cr_expect_neq(on_udp.out_len, 0);
	cr_expect_str_eq(on_cop.out, on_udp.out);
	cr_expect_str_empty(on_cop.err);
}
