// SPDX-License-Identifier: MIT
/*
 * test_confine.c - programs that confine themselves with seccomp: on a COP socket
 * they make the system calls that they make on UDP, and no others.
 * progs/confine.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_confine, a_filter_that_kills_is_never_met)
{
	run_same("confine", "kills");
}

Test(e2e_confine, a_filter_set_by_syscall_is_seen)
{
	run_same("confine", "kills_by_syscall");
}

Test(e2e_confine, a_filter_that_fails_is_never_met)
{
	run_same("confine", "fails");
}

/* The library finds out by the error of its own first option. */
Test(e2e_confine, a_filter_that_nobody_saw_is_noticed)
{
	run_same("confine", "fails_unseen");
}

Test(e2e_confine, a_filter_that_was_there_first_is_seen)
{
	run_same("confine", "starts_confined");
}

/* Each allows the one call that it makes, by number. */
Test(e2e_confine, read_and_write_stay_what_they_are)
{
	run_same("confine", "by_file");
}

Test(e2e_confine, readv_and_writev_stay_what_they_are)
{
	run_same("confine", "by_vector");
}

Test(e2e_confine, sendto_and_recvfrom_stay_what_they_are)
{
	run_same("confine", "by_buffer");
}

Test(e2e_confine, sendmsg_and_recvmsg_stay_what_they_are)
{
	run_same("confine", "by_message");
}

Test(e2e_confine, sendmmsg_and_recvmmsg_stay_what_they_are)
{
	run_same("confine", "by_many");
}

Test(e2e_confine, calls_that_move_nothing_stay_what_they_are)
{
	run_same("confine", "by_others");
}

Test(e2e_confine, strays_are_sifted_by_the_receive)
{
	run_same("confine", "sifts");
}

Test(e2e_confine, calls_on_a_socket_of_ipv6_stay_what_they_are)
{
	run_same("confine", "by_daemon_of_ipv6");
}

Test(e2e_confine, the_strict_mode_is_never_met)
{
	run_same("confine", "strict");
}

/* Each of these programs is one that the kernel does not end on UDP. */
Test(e2e_confine, the_cycle_counter_is_not_read_where_that_is_a_sigsegv)
{
	run_same("confine", "without_counter");
}
