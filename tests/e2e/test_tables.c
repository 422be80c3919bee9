// SPDX-License-Identifier: MIT
/*
 * test_tables.c - threads and children that share a program's memory, and its
 * table of descriptors or not: what one closes in its own table stays open in the
 * others'. progs/tables.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_tables, a_thread_of_a_parted_thread_closes_its_own)
{
	run_same("tables", "thread_of_a_parted_thread");
}

Test(e2e_tables, a_thread_further_down_closes_its_own)
{
	run_same("tables", "grandchild_of_a_parted_thread");
}

Test(e2e_tables, the_other_threads_keep_the_table_that_the_first_leaves)
{
	run_same("tables", "first_thread_parts");
}

/* The calls of a thread that has parted are libc's, so it gets no COP socket. */
Test(e2e_tables, a_thread_of_a_parted_thread_gets_no_cop_socket)
{
	run_says("tables", "sockets_of_a_parted_threads_thread",
		 "unshare(CLONE_FILES) = 0\n"
		 "gets_a_socket() = 0 but errno is ESOCKTNOSUPPORT\n"
		 "gets_a_socket() = 0 but errno is ESOCKTNOSUPPORT\n"
		 "gets_a_socket() = 1\n"
		 "gets_a_socket() = 1\n");
}

Test(e2e_tables, a_child_with_its_own_table_closes_its_own)
{
	run_same("tables", "child_with_its_own_table");
}

Test(e2e_tables, a_child_with_the_same_table_closes_its_parents)
{
	run_same("tables", "child_with_the_same_table");
}

Test(e2e_tables, a_child_that_leaves_the_same_table_closes_its_own)
{
	run_same("tables", "child_that_leaves_the_table");
}

Test(e2e_tables, two_processes_that_are_both_pid_1_are_told_apart)
{
	run_same("tables", "pid_1");
}

Test(e2e_tables, a_child_that_is_pid_1_as_its_parent_has_sockets_of_its_own)
{
	run_same("tables", "parted_pid_1");
}

Test(e2e_tables, a_thread_that_libc_has_not_made_closes_for_all)
{
	run_same("tables", "raw_thread");
}
