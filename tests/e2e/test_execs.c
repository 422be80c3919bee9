// SPDX-License-Identifier: MIT
/*
 * test_execs.c - COP sockets that another program inherits are there what they
 * were, as the kernel's UDP sockets are. progs/execs.c and scripts/handing.py have
 * the calls.
 */
#include <criterion/criterion.h>

#include <criterion/parameterized.h>

#include <dlfcn.h>

#include "runner.h"

#define PYTHON "/usr/bin/python3"
#define SCRIPT COP_TEST_DIR "/e2e/scripts/handing.py"

Test(e2e_execs, a_disconnect_keeps_an_explicit_bind)
{
	run_same("execs", "keeps_explicit");
}

Test(e2e_execs, a_disconnect_undoes_an_ephemeral_bind)
{
	run_same("execs", "keeps_ephemeral");
}

Test(e2e_execs, a_disconnect_undoes_an_autobind_by_sendto)
{
	run_same("execs", "keeps_autobound");
}

Test(e2e_execs, a_disconnect_undoes_an_autobind_by_connect)
{
	run_same("execs", "keeps_autobound_by_connect");
}

Test(e2e_execs, a_connected_socket_has_its_peer)
{
	run_same("execs", "keeps_connected");
}

Test(e2e_execs, an_unbound_socket_can_be_bound)
{
	run_same("execs", "keeps_unbound");
}

Test(e2e_execs, a_disconnected_socket_can_be_bound)
{
	run_same("execs", "keeps_disconnected");
}

Test(e2e_execs, a_socket_whose_autobind_failed_can_be_bound)
{
	run_same("execs", "keeps_armed");
}

Test(e2e_execs, the_last_close_frees_the_port)
{
	run_same("execs", "keeps_last_close");
}

Test(e2e_execs, duplicates_are_one_socket_and_two_sockets_two)
{
	run_same("execs", "keeps_dups");
}

Test(e2e_execs, sockets_of_all_numbers_are_found)
{
	run_same("execs", "keeps_numbers");
}

Test(e2e_execs, sockets_beyond_the_limit_of_descriptors_are_found)
{
	run_same("execs", "keeps_numbers_beyond");
}

Test(e2e_execs, sockets_of_all_numbers_are_found_without_proc)
{
	run_same("execs", "keeps_numbers_without_proc");
}

Test(e2e_execs, a_socket_with_close_on_exec_is_closed)
{
	run_same("execs", "keeps_closed");
}

Test(e2e_execs, a_duplicate_that_is_closed_on_exec_holds_no_port)
{
	run_same("execs", "keeps_one_of_two");
}

Test(e2e_execs, queued_datagrams_stay_queued)
{
	run_same("execs", "keeps_queue");
}

Test(e2e_execs, a_second_exec_hands_on_the_changes)
{
	run_same("execs", "keeps_again");
}

Test(e2e_execs, options_are_kept)
{
	run_same("execs", "keeps_options");
}

Test(e2e_execs, a_range_of_ports_is_kept)
{
	run_same("execs", "keeps_range");
}

Test(e2e_execs, a_filter_of_the_programs_own_is_kept)
{
	run_same("execs", "keeps_filter");
}

Test(e2e_execs, a_filter_that_the_program_did_not_set_is_not_shown)
{
	run_same("execs", "shows_no_filter");
}

Test(e2e_execs, strays_are_kept_out_as_before)
{
	run_same("execs", "keeps_strays_out");
}

Test(e2e_execs, strays_are_kept_out_from_the_first_poll_on)
{
	run_same("execs", "keeps_strays_out_later");
}

/* ---- ways to run a program ---------------------------------------------- */

Test(e2e_execs, each_exec_in_a_forked_child_hands_on)
{
	run_same("execs", "ways_in_fork");
}

Test(e2e_execs, each_exec_in_a_cloned_child_hands_on)
{
	run_same("execs", "ways_in_clone");
}

Test(e2e_execs, each_exec_in_a_vfork_child_hands_on)
{
	run_same("execs", "ways_in_vfork");
}

Test(e2e_execs, a_vfork_childs_duplicate_is_handed_on)
{
	run_same("execs", "dups_in_vfork");
}

Test(e2e_execs, posix_spawn_system_and_popen_hand_on)
{
	run_same("execs", "ways_to_spawn");
}

Test(e2e_execs, posix_spawns_duplicate_is_handed_on)
{
	run_same("execs", "spawns_onto_stdin");
}

Test(e2e_execs, posix_spawn_closes_and_replaces_in_the_child_alone)
{
	run_same("execs", "spawns_without");
}

Test(e2e_execs, stdio_serves_on_a_socket_as_stdin_and_stdout)
{
	run_same("execs", "serves_by_stdio");
}

Test(e2e_execs, a_program_without_the_library_has_a_udp_socket)
{
	run_same("execs", "runs_without_library");
}

Test(e2e_execs, an_exec_that_fails_leaves_sockets_as_they_were)
{
	run_same("execs", "failing");
}

Test(e2e_execs, a_first_poll_beside_an_exec_takes_nothing_away)
{
	run_says("execs", "polled_meanwhile",
		 "0 were plain, 0 woken by strays\n");
}

Test(e2e_execs, a_first_poll_beside_a_mark_keeps_strays_out)
{
	run_says("execs", "polled_while_marked", "0 woken by strays\n");
}

Test(e2e_execs, a_first_epoll_beside_a_mark_keeps_strays_out)
{
	run_says("execs", "in_epoll_while_marked", "0 woken by strays\n");
}

/* ---- AF_INET6 sockets ---------------------------------------------------- */

/* Dual-stack, v6-only, connected, IPv4-mapped and link-local ones. */
Test(e2e_execs, an_inet6_socket_of_each_kind_goes_through_an_exec)
{
	run_same_inet("handed6", "execs");
}

Test(e2e_execs, an_inet6_socket_of_each_kind_goes_through_posix_spawn)
{
	run_same_inet("handed6", "spawns");
}

Test(e2e_execs, an_inet6_socket_of_each_kind_goes_in_a_message)
{
	run_same_inet("handed6", "messages");
}

/* ---- programs that nobody recompiled ------------------------------------ */

ParameterizedTestParameters(e2e_execs, programs_use_what_they_are_handed)
{
	static char how[][16] = { "dash",      "bash",	     "dash_writes",
				  "pipeline",  "redirected", "socat",
				  "inherited", "activated",  "os_ways",
				  "send_fds",  "processes" };

	return cr_make_param_array(char[16], how, sizeof(how) / sizeof(*how));
}

ParameterizedTest(char (*how)[16], e2e_execs, programs_use_what_they_are_handed)
{
	const char *const udp[] = { PYTHON, SCRIPT, "udp", *how, NULL };
	const char *const cop[] = { PYTHON, SCRIPT, "cop", *how, NULL };
	static struct run_result on_udp, on_cop;

	run(&on_udp, udp, false, NULL);
	run(&on_cop, cop, true, NULL);
	cr_expect_eq(on_udp.status, 0, "%s: %s", *how, on_udp.err);
	cr_expect_eq(on_cop.status, 0, "%s: %s", *how, on_cop.err);
	cr_expect_neq(on_udp.out_len, 0);
	cr_expect_str_eq(on_cop.out, on_udp.out, "%s on udp: %s  on cop: %s",
			 *how, on_udp.out, on_cop.out);
	cr_expect_str_empty(on_cop.err);
}

/* ---- versions of a name ---------------------------------------------------- */

Test(e2e_execs, posix_spawn_has_the_version_that_the_program_was_linked_with)
{
	run_same("spawns", "of_a_script");
}

#define VERSIONS COP_TEST_DIR "/../scripts/versions"

static struct run_result result;

/* The libc that runs this very program. */
static const char *libc_path(void)
{
	void *symbol = dlsym(RTLD_NEXT, "gnu_get_libc_version");
	Dl_info info;

	cr_assert(symbol && dladdr(symbol, &info));
	return info.dli_fname;
}

static int compare_versions(const char *library)
{
	const char *const argv[] = { VERSIONS, library, libc_path(), NULL };

	return run(&result, argv, false, NULL);
}

Test(e2e_execs, each_meaning_of_a_name_that_libc_has_is_known)
{
	cr_expect_eq(compare_versions(COP_LIB), 0, "libc has also:\n%s%s",
		     result.out, result.err);
}

Test(e2e_execs, a_meaning_of_a_name_that_is_not_known_is_found)
{
	const char *file = COP_BUILD_DIR "/tests/libunversioned.so";

	run_build("cc", "spawns.c", file, "-shared", "-fPIC", "-DUNVERSIONED",
		  NULL);
	cr_expect_eq(compare_versions(file), 1);
	cr_expect_str_eq(result.out, "posix_spawn@GLIBC_2.15\n"
				     "posix_spawn@GLIBC_2.2.5\n");
}
