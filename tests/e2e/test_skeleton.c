// SPDX-License-Identifier: MIT
/*
 * test_skeleton.c - sockets of a transport that is loaded go through fork, exec and
 * messages as COP's do. A process that can't load the transport never sees its headers.
 * progs/missing.c has the calls of such a process; transports/skeleton is the transport.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"

#define ROOT	COP_TEST_DIR "/.."
#define MISSING COP_BUILD_DIR "/tests/progs/missing "
#define SCRIPTS COP_TEST_DIR "/e2e/scripts/"

static struct run_result result, wanted;

/*
 * Without its own rule for ports: tests that run at the same time would all take the
 * lowest free port.
 */
static void make_skeleton(void)
{
	scratch_make();
	scratch_must("cp -r " ROOT "/transports/skeleton m && "
		     "sed -i '/\\.get_port/d' m/skeleton.c && "
		     "make -s -C m CFLAGS=-O1 INCLUDEDIR=" ROOT "/include");
}

TestSuite(e2e_skeleton, .init = make_skeleton);

static void same(const char *name, const char *what)
{
	run_same_skeleton(name, what, scratch_modules());
}

#define ALL(names)                                       \
	cr_make_param_array(char[sizeof(*names)], names, \
			    sizeof(names) / sizeof(*names))

/* ---- exec ----------------------------------------------------------------- */

ParameterizedTestParameters(e2e_skeleton, an_exec_keeps)
{
	static char what[][32] = {
		"keeps_explicit",	"keeps_ephemeral",
		"keeps_autobound",	"keeps_autobound_by_connect",
		"keeps_connected",	"keeps_unbound",
		"keeps_armed",		"keeps_disconnected",
		"keeps_last_close",	"keeps_dups",
		"keeps_numbers",	"keeps_closed",
		"keeps_one_of_two",	"keeps_queue",
		"keeps_again",		"keeps_options",
		"keeps_range",		"keeps_filter",
		"keeps_strays_out",	"keeps_strays_out_later",
		"shows_no_filter",	"failing",
		"ways_in_fork",		"ways_in_clone",
		"ways_in_vfork",	"dups_in_vfork",
		"ways_to_spawn",	"spawns_onto_stdin",
		"spawns_without",	"serves_by_stdio",
		"runs_without_library",
	};

	return ALL(what);
}

ParameterizedTest(char (*what)[32], e2e_skeleton, an_exec_keeps,
		  .init = make_skeleton)
{
	same("execs", *what);
}

/* ---- messages --------------------------------------------------------------- */

ParameterizedTestParameters(e2e_skeleton, a_message_brings)
{
	static char what[][32] = {
		"sends_two",	   "sends_states",	"sends_253",
		"sends_to_peek",   "sends_too_many",	"sends_mmsg",
		"sends_by_number", "passes_on",		"in_flight",
		"to_oneself",	   "number_of_another", "number_closed_unseen",
		"at_once",	   "sends_many",	"failing",
	};

	return ALL(what);
}

ParameterizedTest(char (*what)[32], e2e_skeleton, a_message_brings,
		  .init = make_skeleton)
{
	same("rights", *what);
}

/* ---- fork ------------------------------------------------------------------- */

ParameterizedTestParameters(e2e_skeleton, a_fork_shares)
{
	static char what[][32] = {
		"child_sets_range",    "both_speak",
		"one_queue",	       "child_closes_first",
		"parent_closes_first", "own_table",
		"child_autobinds",     "child_binds",
		"child_filters",       "vforked",
	};

	return ALL(what);
}

ParameterizedTest(char (*what)[32], e2e_skeleton, a_fork_shares,
		  .init = make_skeleton)
{
	same("forks", *what);
}

/* ---- programs that nobody recompiled ---------------------------------------- */

static void same_script(const char *script, const char *how)
{
	scratch_shell(&wanted, "/usr/bin/python3 " SCRIPTS "%s udp %s", script,
		      how);
	scratch_shell(
		&result,
		"COP_MODULES=$PWD/m LD_PRELOAD=$LIB /usr/bin/python3 " SCRIPTS
		"%s skeleton %s",
		script, how);
	cr_expect_eq(wanted.status, 0, "%s", wanted.err);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_neq(wanted.out_len, 0);
	cr_expect_str_eq(result.out, wanted.out, "%s: udp: %s skeleton: %s",
			 how, wanted.out, result.out);
	cr_expect_str_empty(result.err);
}

ParameterizedTestParameters(e2e_skeleton, programs_use_what_they_are_handed)
{
	static char how[][32] = { "dash",      "bash",	     "dash_writes",
				  "pipeline",  "redirected", "socat",
				  "inherited", "activated",  "os_ways",
				  "send_fds",  "processes" };

	return ALL(how);
}

ParameterizedTest(char (*how)[32], e2e_skeleton,
		  programs_use_what_they_are_handed, .init = make_skeleton)
{
	same_script("handing.py", *how);
}

Test(e2e_skeleton, python_starts_programs_and_keeps_its_sockets)
{
	same_script("spawning.py", "");
}

/* ---- a process without the transport ---------------------------------------- */

#define FAILS "EPROTONOSUPPORT\n"

static const char without[] =
	"getsockname: done\nport yes\nbind: " FAILS "connect: " FAILS
	"send: " FAILS "sendto: " FAILS "sendmsg: " FAILS "sendmmsg: " FAILS
	"write: " FAILS "writev: " FAILS "recv: " FAILS "recv: " FAILS
	"recvfrom: " FAILS "recvmsg: " FAILS "recvmmsg: " FAILS "read: " FAILS
	"readv: " FAILS "getsockopt: " FAILS "setsockopt: " FAILS
	"getsockopt: done\ntype 8\ngetsockopt: done\nprotocol 254\n"
	"ioctl: " FAILS "ioctl: done\npoll: 1\ndup: done\nrecv: " FAILS
	"close: done\nclose: done\nrecv: EBADF\n";

static void refused(const char *line)
{
	for (int i = 0; i < 2; i++) {
		scratch_shell(&result,
			      "M=" COP_BUILD_DIR "/tests/progs%s/missing; "
			      "export LD_PRELOAD=$LIB COP_DEBUG=1 "
			      "COP_MODULES=$PWD/m; %s",
			      i ? "6" : "", line);
		cr_expect_str_eq(result.out, without, "%s%s", result.out,
				 result.err);
		cr_expect_not_null(
			strstr(result.err,
			       "its calls fail with EPROTONOSUPPORT: it is a "
			       "socket of type 8, protocol 254, which no "
			       "module "
			       "has"),
			"%s", result.err);
	}
}

Test(e2e_skeleton, without_its_module_each_call_on_an_inherited_socket_fails)
{
	refused("$M make env COP_MODULES=/nowhere $M calls 9");
}

Test(e2e_skeleton, without_its_module_each_call_on_a_received_socket_fails)
{
	refused("$M give env COP_MODULES=/nowhere $M given 9");
}

static void says(const char *out, const char *line)
{
	scratch_shell(&result,
		      "M=" MISSING "; export LD_PRELOAD=$LIB COP_DEBUG=1 "
		      "COP_MODULES=$PWD/m; %s",
		      line);
	cr_expect_str_eq(result.out, out, "%s: %s%s", line, result.out,
			 result.err);
}

#define PYTHON_RECEIVES                                            \
	"python3 -c 'import socket; s = socket.socket(fileno=9); " \
	"print(s.recv(99), s.type, s.proto)'"

Test(e2e_skeleton, a_process_without_the_module_hands_a_socket_on_unchanged)
{
	says("b'queued' 8 254\n",
	     "$M make env COP_MODULES=/nowhere python3 -c 'import os\n"
	     "os.set_inheritable(9, True)\n"
	     "os.environ[\"COP_MODULES\"] = \"'$PWD/m'\"\n"
	     "os.execvp(\"python3\", [\"python3\", \"-c\", \"import socket; "
	     "s = socket.socket(fileno=9); "
	     "print(s.recv(99), s.type, s.proto)\"])'");
}

Test(e2e_skeleton, a_module_with_a_file_for_one_family_serves_the_other)
{
	says("b'queued' 8 254\n",
	     "rm m/net-pf-10*; python3 -c 'import os, socket\n"
	     "socket.socket(socket.AF_INET, 8, 254)\n"
	     "s = socket.socket(socket.AF_INET6, 8, 254)\n"
	     "s.bind((\"::1\", 0))\n"
	     "s.sendto(b\"queued\", s.getsockname())\n"
	     "os.dup2(s.fileno(), 9)\n"
	     "os.execvp(\"python3\", [\"python3\", \"-c\", \"import socket; "
	     "s = socket.socket(fileno=9); "
	     "print(s.recv(99), s.type, s.proto)\"])'");
}

/* The mark of a socket that has a filter does not fit another header. */
Test(e2e_skeleton, a_module_with_another_header_does_not_get_the_socket)
{
	scratch_must("cp -r m n && sed -i s/0x534b/0x534c/ n/skeleton.c && "
		     "make -s -B -C n CFLAGS=-O1 INCLUDEDIR=" ROOT "/include");
	says(without, "COP_DEBUG=0 $M make env COP_DEBUG=1 COP_MODULES=$PWD/n "
		      "$M calls 9");
	scratch_says_in_stderr(&result, "which has another header here");
}

/* ---- where no module is loaded ---------------------------------------------- */

Test(e2e_skeleton, a_child_that_loads_nothing_can_not_use_what_it_receives)
{
	says("received\n", "$M fork");
	says("EPROTONOSUPPORT\n", "$M forked");
	scratch_says_in_stderr(
		&result,
		"no module is loaded for type 8, protocol 254: this is a "
		"forked child of a process with threads");
	says("EPROTONOSUPPORT\n", "$M torn");
	says("EPROTONOSUPPORT\n", "$M vforked");
	scratch_says_in_stderr(
		&result,
		"no module is loaded for type 8, protocol 254: this is a "
		"child of vfork()");
}

Test(e2e_skeleton, with_COP_LOAD_each_child_uses_what_it_receives)
{
	says("received\n",
	     "export COP_LOAD=$PWD/m/net-pf-2-proto-254-type-8.so; "
	     "$M forked");
	says("received\n",
	     "export COP_LOAD=$PWD/m/net-pf-2-proto-254-type-8.so; "
	     "$M torn");
}

Test(e2e_skeleton, a_child_that_loads_nothing_says_why_socket_fails)
{
	says("child 0, parent 1\n", COP_BUILD_DIR "/tests/progs/modules vfork");
	scratch_says_in_stderr(&result, "this is a child of vfork()");
	says("child 0, parent 1\n",
	     COP_BUILD_DIR "/tests/progs/modules forked");
	scratch_says_in_stderr(
		&result, "this is a forked child of a process with threads");
}
