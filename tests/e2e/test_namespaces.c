// SPDX-License-Identifier: MIT
/*
 * test_namespaces.c - processes with sockets in two network namespaces, where a
 * port of one is not a port of the other. progs/namespaces.c has the calls.
 */
#include <criterion/criterion.h>

#include "runner.h"

Test(e2e_namespaces, a_port_held_in_the_first_is_free_in_the_next)
{
	run_same("namespaces", "moves");
}

Test(e2e_namespaces, a_thread_that_goes_to_and_fro_finds_the_ports_of_each)
{
	run_same("namespaces", "goes_back_by_name");
}

Test(e2e_namespaces, a_thread_that_returns_by_syscall_finds_its_ports)
{
	run_same("namespaces", "goes_back_by_number");
}

Test(e2e_namespaces, a_thread_that_returns_unseen_finds_its_ports)
{
	run_same("namespaces", "goes_back_unseen");
}

Test(e2e_namespaces, a_socket_stays_in_the_namespace_of_its_creation)
{
	run_same("namespaces", "made_before");
}

Test(e2e_namespaces, in_each_a_cop_port_is_one_whatever_the_addresses)
{
	run_says("namespaces", "rule",
		 "bind_at(sock(), \"127.0.0.1\", PORT) = 0\n"
		 "bind_at(sock(), \"127.0.0.2\", PORT) = -1 EADDRINUSE\n"
		 "bind_at(sock(), \"0.0.0.0\", PORT) = -1 EADDRINUSE\n"
		 "bind_at(sock(), \"127.0.0.1\", PORT) = 0\n"
		 "bind_at(sock(), \"127.0.0.2\", PORT) = -1 EADDRINUSE\n"
		 "bind_at(sock(), \"0.0.0.0\", PORT) = -1 EADDRINUSE\n");
}

Test(e2e_namespaces, two_threads_speak_by_the_same_port_each_in_its_own)
{
	run_same("namespaces", "threads");
}

Test(e2e_namespaces, ephemeral_ports_are_of_the_range_of_the_sockets_own)
{
	run_same("namespaces", "settings");
}

Test(e2e_namespaces, each_has_all_the_ports_of_its_range)
{
	run_same("namespaces", "full");
}
