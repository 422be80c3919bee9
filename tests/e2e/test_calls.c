// SPDX-License-Identifier: MIT
/*
 * test_calls.c - calls by number and by their other names, which answer as on
 * the kernel's UDP; where COP means to differ from UDP; and the library itself.
 */
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define BUILT COP_BUILD_DIR "/tests/"

static struct run_result result;

/* ---- other ways to make a call ------------------------------------------ */

Test(e2e_calls, names_are_set_by_call_number)
{
	run_same("numbers", "names_by_number");
}

Test(e2e_calls, data_moves_by_call_number)
{
	run_same("numbers", "data_by_number");
}

Test(e2e_calls, descriptors_are_duplicated_and_closed_by_call_number)
{
	run_same("numbers", "descriptors_by_number");
}

Test(e2e_calls, waits_by_call_number_are_not_ended_by_strays)
{
	run_same("numbers", "waits_by_number");
}

Test(e2e_calls, other_call_numbers_reach_the_kernel)
{
	run_same("numbers", "other_numbers");
}

Test(e2e_calls, fortified_names_receive_the_payload)
{
	run_same("numbers", "fortified");
}

Test(e2e_calls, fortified_polls_are_not_ended_by_strays)
{
	run_same("numbers", "fortified_strays");
}

Test(e2e_calls, fortified_names_end_a_program_that_overflows)
{
	run_same("numbers", "fortified_overflow");
}

Test(e2e_calls, names_of_libcs_own_are_the_same_calls)
{
	run_same("numbers", "underscored");
}

Test(e2e_calls, socket_judges_types_and_protocols_as_udp_does)
{
	run_same("ours", "created");
}

Test(e2e_calls, socket_without_a_free_descriptor_is_emfile)
{
	run_same("ours", "too_many");
}

Test(e2e_calls, sockets_work_before_any_constructor_has_run)
{
	run_same("early", "preinit_and_on");
}

/* ---- where COP differs -------------------------------------------------- */

static void expect_says(const char *kind, const char *scenario,
			const char *expected)
{
	char args[64];

	snprintf(args, sizeof(args), "%s %s", kind, scenario);
	cr_expect_eq(run_prog(&result, "ours", args, !strcmp(kind, "cop")), 0,
		     "%s: %s", args, result.err);
	cr_expect_str_eq(result.out, expected, "%s:\n%s", args, result.out);
	cr_expect_str_empty(result.err);
}

Test(e2e_calls, the_largest_payload_is_65491_bytes)
{
	run_same("ours", "largest"); /* knows both limits */
}

#define TYPE_TEXT(type, protocol)                                       \
	"option(fd, SO_TYPE) = " type "\n"                              \
	"option(fd, SO_PROTOCOL) = " protocol "\n"                      \
	"option(fd, SO_DOMAIN) = 2\n"                                   \
	"getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len) = 0\n"   \
	"value = " protocol "\n"                                        \
	"len = 2\n"                                                     \
	"setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, sizeof(value)) = " \
	"-1 ENOPROTOOPT\n"

Test(e2e_calls, a_socket_says_that_it_is_cop)
{
	expect_says("udp", "type", TYPE_TEXT("2", "17"));
	expect_says("cop", "type", TYPE_TEXT("7", "253"));
}

Test(e2e_calls, options_that_cop_can_not_honour_are_refused)
{
	expect_says("cop", "options",
		    "SO_NO_CHECK = -1 ENOPROTOOPT\n"
		    "SO_ZEROCOPY = -1 EOPNOTSUPP\n"
		    "SO_PEEK_OFF = -1 EOPNOTSUPP\n"
		    "UDP_SEGMENT = 0\n"
		    "UDP_GRO = 0\n"
		    "UDP_ENCAP = -1 ENOPROTOOPT\n");
}

/* What a bind to a port comes to that another socket holds, by address. */
#define BINDS(any, same, other, group)                       \
	"0.0.0.0: bind_to(fd, ips[i], port) = " any "\n"     \
	"127.0.0.1: bind_to(fd, ips[i], port) = " same "\n"  \
	"127.0.0.2: bind_to(fd, ips[i], port) = " other "\n" \
	"239.1.2.3: bind_to(fd, ips[i], port) = " group "\n"
#define IN_USE	   "-1 EADDRINUSE"
#define ALL_IN_USE BINDS(IN_USE, IN_USE, IN_USE, IN_USE)
#define REUSE_RECORDED                                                       \
	"option(holder_at(\"127.0.0.1\", SO_REUSEADDR), SO_REUSEADDR) = 1\n" \
	"option(holder_at(\"127.0.0.1\", SO_REUSEPORT), SO_REUSEPORT) = 1\n"

Test(e2e_calls, a_taken_port_is_refused_whatever_the_address)
{
	expect_says("udp", "port_rule",
		    BINDS(IN_USE, IN_USE, "0", "0") ALL_IN_USE);
	expect_says("cop", "port_rule", ALL_IN_USE ALL_IN_USE);
}

Test(e2e_calls, a_taken_port_is_refused_whatever_so_reuseaddr_says)
{
	expect_says("udp", "reuse_rule",
		    BINDS("0", "0", "0", "0") BINDS("0", "0", "0", "0")
			    REUSE_RECORDED);
	expect_says("cop", "reuse_rule", ALL_IN_USE ALL_IN_USE REUSE_RECORDED);
}

#define PORT_READ "read(ready[0], &port, sizeof(port)) = 2\n"
#define DONE_SAID "write(done[1], \"\", 1) = 1\n"

Test(e2e_calls, a_port_taken_by_another_process_is_refused)
{
	expect_says("udp", "process_rule",
		    PORT_READ BINDS(IN_USE, IN_USE, "0", "0")
			    BINDS(IN_USE, IN_USE, "0", "0") DONE_SAID);
	expect_says("cop", "process_rule",
		    PORT_READ ALL_IN_USE ALL_IN_USE DONE_SAID);
}

Test(e2e_calls, without_libcop_the_kernel_knows_no_such_type)
{
	cr_expect_eq(run_prog(&result, "ours", "cop type", false), 1);
	cr_expect_str_eq(result.err, "socket: Socket type not supported\n");
}

/* ---- the library -------------------------------------------------------- */

Test(e2e_calls, a_library_may_use_sockets_ahead_of_libcops_constructor)
{
	const char *so = COP_BUILD_DIR "/tests/libearly.so";
	const char *const build[] = { "cc",
				      "-shared",
				      "-fPIC",
				      "-D_GNU_SOURCE",
				      "-DEARLY_LIBRARY",
				      "-o",
				      so,
				      COP_TEST_DIR "/e2e/progs/early.c",
				      NULL };
	const char *const udp[] = { "true", "udp", "early", NULL };
	const char *const cop[] = { "true", "cop", "early", NULL };
	const char *const alone[] = { "LD_PRELOAD=" COP_BUILD_DIR
				      "/tests/libearly.so",
				      NULL };
	const char *const both[] = { "LD_PRELOAD=" COP_LIB ":" COP_BUILD_DIR
				     "/tests/libearly.so",
				     NULL };
	char *expected;

	cr_assert_eq(run(&result, build, false, NULL), 0, "%s", result.err);
	cr_expect_eq(run(&result, udp, false, alone), 0);
	cr_expect_neq(result.out_len, 0);
	expected = strdup(result.out);
	cr_expect_eq(run(&result, cop, false, both), 0, "%s", result.err);
	cr_expect_str_eq(result.out, expected);
	cr_expect_str_empty(result.err);
	free(expected);
}

/* A service that looks at the socket it is handed in its library's constructor. */
static void expect_first(const char *option)
{
	const char *so = BUILT "libfirst.so", *program = BUILT "first-built";
	const char *const udp[] = { program, "udp", "start", NULL };
	const char *const cop[] = { program, "cop", "start", NULL };
	const char *const adopted[] = { program, "adopted", "start", NULL };
	const char *const adopt[] = { "COP_ADOPT=udp", NULL };
	char *expected;

	run_build("cc", "first.c", so, "-DFIRST_LIBRARY", "-shared", "-fPIC",
		  option, NULL);
	run_build("cc", "first.c", program, "-Wl,--no-as-needed", so, NULL);
	cr_assert_eq(run(&result, udp, false, NULL), 0, "%s", result.err);
	cr_expect_not_null(strstr(result.out, "first_recv = 3"));
	expected = strdup(result.out);
	cr_expect_eq(run(&result, cop, true, NULL), 0, "%s", result.err);
	cr_expect_str_eq(result.out, expected);
	cr_expect_eq(run(&result, adopted, true, adopt), 0, "%s", result.err);
	cr_expect_str_eq(result.out, expected);
	free(expected);
}

Test(e2e_calls, a_librarys_constructor_has_the_sockets_that_were_handed_on)
{
	expect_first("-Wl,-z,lazy");
}

/* Then its constructor runs ahead of ours, and of libc's. */
Test(e2e_calls, so_has_one_that_asks_to_be_the_first_of_all)
{
	expect_first("-Wl,-z,initfirst");
}

Test(e2e_calls, a_program_without_sockets_is_left_alone)
{
	const char *const argv[] = { "true", NULL };

	cr_expect_eq(run(&result, argv, true, NULL), 0);
	cr_expect_str_empty(result.out);
	cr_expect_str_empty(result.err);
}

/* A version's own name is no symbol that anybody could be bound to. */
static bool is_version(const char *name)
{
	return !strncmp(name, "GLIBC_", strlen("GLIBC_"));
}

/* What docs/BYPASS.md lists, and the place of the figures for "cop stat". */
Test(e2e_calls, the_library_exports_names_of_libcs_and_one_of_its_own)
{
	const char *const nm[] = { "nm", "-D", "--defined-only", COP_LIB,
				   NULL };
	int of_its_own = 0, libcs = 0;

	cr_assert_eq(run(&result, nm, false, NULL), 0, "%s", result.err);
	for (char *line = strtok(result.out, "\n"); line;
	     line = strtok(NULL, "\n")) {
		char *name = strrchr(line, ' ') + 1;

		name[strcspn(name, "@")] = '\0';
		if (!strcmp(name, "libcop_export"))
			of_its_own++;
		else if (!is_version(name))
			cr_expect(dlsym(RTLD_DEFAULT, name) && ++libcs,
				  "%s is not libc's", name);
	}
	cr_expect_eq(of_its_own, 1);
	cr_expect_gt(libcs, 0);
}

Test(e2e_calls, the_library_needs_libc_alone)
{
	const char *const argv[] = { "readelf", "-d", COP_LIB, NULL };
	const char *needed;

	cr_assert_eq(run(&result, argv, false, NULL), 0, "%s", result.err);
	needed = strstr(result.out, "(NEEDED)");
	cr_assert_not_null(needed);
	cr_expect_not_null(strstr(needed, "[libc.so."));
	cr_expect_null(strstr(needed + 1, "(NEEDED)"), "%s", result.out);
}
