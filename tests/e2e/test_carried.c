// SPDX-License-Identifier: MIT
/*
 * test_carried.c - UDP sockets that COP_ADOPT puts on another transport than COP:
 * COP_TRANSPORT, and cop run --transport. The transport is transports/skeleton.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"
#include "skeleton.h"

#define SCRIPTS COP_TEST_DIR "/e2e/scripts/"

static struct run_result result, wanted;

TestSuite(e2e_carried, .init = make_skeleton);

#define PARAMS(names)                                    \
	cr_make_param_array(char[sizeof(*names)], names, \
			    sizeof(names) / sizeof(*names))

/* ---- as UDP ------------------------------------------------------------------- */

ParameterizedTestParameters(e2e_carried, a_program_sees_udp)
{
	static char what[][2][32] = {
		{ "ours", "type" },
		{ "ours", "port_rule" },
		{ "ours", "reuse_rule" },
		{ "adopt", "asked_for" },
		{ "adopt", "two_addresses" },
		{ "adopt", "reuse_port" },
		{ "adopt", "shared_by_processes" },
		{ "adopt", "to_all" },
		{ "adopt", "payload_choosers" },
		{ "execs", "keeps_explicit" },
		{ "execs", "keeps_connected" },
		{ "execs", "keeps_dups" },
		{ "execs", "keeps_options" },
		{ "execs", "keeps_filter" },
		{ "execs", "shows_no_filter" },
		{ "execs", "keeps_strays_out" },
		{ "execs", "ways_in_vfork" },
		{ "execs", "ways_to_spawn" },
		{ "rights", "sends_two" },
		{ "rights", "sends_states" },
		{ "rights", "passes_on" },
		{ "rights", "at_once" },
		{ "forks", "both_speak" },
		{ "forks", "child_filters" },
		{ "forks", "vforked" },
	};

	return PARAMS(what);
}

ParameterizedTest(char (*what)[2][32], e2e_carried, a_program_sees_udp,
		  .init = make_skeleton)
{
	run_same_carried((*what)[0], (*what)[1], scratch_modules());
}

ParameterizedTestParameters(e2e_carried, a_list_of_ports_decides)
{
	static char what[][2][32] = {
		{ "listed", "binds_listed" },
		{ "listed", "binds_unlisted" },
		{ "listed", "sends_to_listed" },
		{ "listed", "sends_to_unlisted" },
		{ "listed", "connects_to_listed" },
		{ "listed", "sends_messages" },
		{ "listed", "sends_in_parts" },
		{ "listed", "sends_by_all_ways" },
		{ "listed", "sends_files" },
		{ "listed", "has_streams" },
		{ "listed", "receives_first" },
		{ "listed", "all_receives_first" },
		{ "listed", "looks_first" },
		{ "listed", "all_receives_many" },
		{ "undecided", "is_udp" },
		{ "undecided", "keeps_options" },
		{ "undecided", "all_waits" },
		{ "undecided", "has_filter" },
		{ "undecided", "forks" },
		{ "undecided", "shares" },
		{ "undecided", "is_handed_on" },
		{ "undecided", "closes" },
		{ "undecided", "races" },
	};

	return PARAMS(what);
}

ParameterizedTest(char (*what)[2][32], e2e_carried, a_list_of_ports_decides,
		  .init = make_skeleton)
{
	run_same_listed_carried((*what)[0], (*what)[1], scratch_modules());
}

/* ---- programs that nobody recompiled ------------------------------------------ */

ParameterizedTestParameters(e2e_carried, programs_use_what_they_are_handed)
{
	static char how[][32] = { "bash",      "pipeline", "socat",
				  "inherited", "os_ways",  "send_fds",
				  "processes" };

	return PARAMS(how);
}

ParameterizedTest(char (*how)[32], e2e_carried,
		  programs_use_what_they_are_handed, .init = make_skeleton)
{
	const char *script = "/usr/bin/python3 " SCRIPTS "handing.py udp";

	scratch_shell(&wanted, "%s %s", script, *how);
	scratch_shell(&result,
		      "$COP run --adopt --transport skeleton --modules m "
		      "%s %s",
		      script, *how);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_neq(wanted.out_len, 0);
	cr_expect_str_eq(result.out, wanted.out, "%s: udp: %s carried: %s",
			 *how, wanted.out, result.out);
	cr_expect_str_empty(result.err);
}

/* ---- the name ------------------------------------------------------------------- */

/* A program sends by UDP; what the kernel's UDP gets is printed. */
#define TAP                                                        \
	"import os, socket, subprocess, sys\n"                     \
	"tap = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" \
	"tap.bind((\"127.0.0.1\", 0))\n"                           \
	"os.environ[\"PORT\"] = str(tap.getsockname()[1])\n"       \
	"subprocess.run([\"sh\", \"-c\", sys.argv[1] + "           \
	"\" python3 send.py\"], check=True)\n"                     \
	"wire = tap.recv(99)\n"                                    \
	"print(wire[:2], len(wire))\n"

#define SEND                                                     \
	"import os, socket\n"                                    \
	"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" \
	"s.sendto(b\"text\", (\"127.0.0.1\", int(os.environ[\"PORT\"])))\n"

static void sends(const char *wire, const char *run)
{
	scratch_must("cat >tap.py <<'EOF'\n" TAP
		     "EOF\ncat >send.py <<'EOF'\n" SEND "EOF\n");
	scratch_shell(&result, "python3 tap.py '%s'", run);
	cr_expect_str_eq(result.out, wire, "%s: %s%s", run, result.out,
			 result.err);
}

#define ON_SKELETON "b'SK' 12\n"
#define ON_COP	    "b'\\xc0\\xb1' 20\n"

Test(e2e_carried, a_transport_is_named_by_its_module_or_its_numbers)
{
	sends(ON_SKELETON, "$COP run --adopt --transport skeleton --modules m");
	sends(ON_SKELETON, "$COP run --adopt --transport=Skeleton --modules m");
	sends(ON_SKELETON, "$COP run --adopt --transport 254/8 --modules m");
	sends(ON_SKELETON, "$COP run --adopt=udp:1-65535 --transport 254/8 "
			   "--modules m");
	sends(ON_COP, "$COP run --adopt --transport cop");
	sends(ON_COP, "$COP run --adopt --transport 253/7");
	sends(ON_COP, "COP_TRANSPORT= $COP run --adopt");
}

Test(e2e_carried, a_transport_that_is_loaded_is_named_by_its_proto_too)
{
	sends(ON_SKELETON, "$COP run --adopt --transport SKEL "
			   "--load m/net-pf-2-proto-254-type-8.so");
}

Test(e2e_carried, a_file_of_that_name_is_found)
{
	sends(ON_SKELETON, "mkdir n; cp m/net-pf-2-proto-254-type-8.so "
			   "n/skeleton.so; $COP run --adopt "
			   "--transport skeleton --modules n");
}

Test(e2e_carried, without_COP_ADOPT_the_transport_is_not_used)
{
	sends("b'te' 4\n", "COP_TRANSPORT=skeleton COP_MODULES=m "
			   "LD_PRELOAD=$LIB");
}

/* ---- a name that can't be had --------------------------------------------------- */

#define OPENS                                                           \
	" python3 -c 'import socket\n"                                  \
	"for f in socket.AF_INET, socket.AF_INET6:\n"                   \
	"  try: socket.socket(f, socket.SOCK_DGRAM); print(\"made\")\n" \
	"  except OSError as e: print(e.strerror)'"

static const struct {
	const char *name, *why;
} bad[] = {
	{ "nothing", "there is no transport of this name" },
	{ "../m/skeleton", "there is no transport of this name" },
	{ "254/9", "there is no transport of these numbers" },
	{ "17/2", "there is no transport of these numbers" },
	{ "0/8", "no transport can have these numbers" },
	{ "254/11", "no transport can have these numbers" },
	{ "99999999999999999999/8", "no transport can have these numbers" },
	{ "254/", "there is no transport of this name" },
};

Test(e2e_carried, the_library_alone_fails_the_programs_socket)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scratch_shell(&result,
			      "COP_ADOPT=udp COP_TRANSPORT=%s COP_DEBUG=1 "
			      "COP_MODULES=$PWD/m LD_PRELOAD=$LIB" OPENS,
			      bad[i].name);
		cr_expect_str_eq(result.out,
				 "Protocol not supported\n"
				 "Protocol not supported\n",
				 "%s: %s", bad[i].name, result.out);
		scratch_says_in_stderr(&result, bad[i].why);
	}
}

Test(e2e_carried, without_COP_DEBUG_nothing_is_said)
{
	scratch_says(&result,
		     "Protocol not supported\nProtocol not supported\n",
		     "COP_ADOPT=udp:1-65535 COP_TRANSPORT=nothing "
		     "LD_PRELOAD=$LIB" OPENS);
	cr_expect_str_empty(result.err);
}

Test(e2e_carried, cop_run_refuses_and_says_why)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[256];

		scratch_shell(&result,
			      "$COP run --adopt --transport %s --modules m "
			      "touch ran",
			      bad[i].name);
		snprintf(line, sizeof(line), "cop: run: %s: %s\n", bad[i].name,
			 bad[i].why);
		cr_expect_eq(result.status, 126, "%d", result.status);
		cr_expect_str_eq(result.err, line);
		cr_expect_str_empty(result.out);
	}
	scratch_says(&result, "", "ls ran 2>/dev/null");
}

Test(e2e_carried, cop_run_says_what_is_wrong_with_the_module)
{
	scratch_must("truncate -s 9000 m/net-pf-2-proto-254-type-8.so");
	scratch_shell(&result, "$COP run --adopt --transport 254/8 --modules m "
			       "touch ran");
	cr_expect_eq(result.status, 126);
	scratch_says_in_stderr(&result, "it is cut off");
}

/* The table has no room for its sockets, and the transport may encrypt. */
Test(e2e_carried, a_thread_with_descriptors_of_its_own_gets_no_plain_udp)
{
	scratch_shell(&result, "$COP run --adopt --transport 254/8 --modules m "
			       "/usr/bin/python3 -c '"
			       "import ctypes, errno, socket, threading\n"
			       "def parted():\n"
			       "  ctypes.CDLL(None).unshare(0x400)\n"
			       "  try: socket.socket(socket.AF_INET, "
			       "socket.SOCK_DGRAM)\n"
			       "  except OSError as e: "
			       "print(errno.errorcode[e.errno])\n"
			       "  else: print(\"plain\")\n"
			       "t = threading.Thread(target=parted)\n"
			       "t.start(); t.join()'");
	cr_expect_str_eq(result.out, "ESOCKTNOSUPPORT\n", "%s", result.err);
}

Test(e2e_carried, cop_run_wants_adopt_with_transport)
{
	scratch_shell(&result, "$COP run --transport skeleton true");
	cr_expect_eq(result.status, 125);
	cr_expect_str_eq(result.err, "cop: run: --transport needs --adopt\n");
}

/* ---- another process ------------------------------------------------------------- */

#define HANDS                                                             \
	"python3 -c 'import os, socket, sys\n"                            \
	"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"          \
	"s.bind((\"127.0.0.1\", 0))\n"                                    \
	"s.sendto(b\"queued\", s.getsockname())\n"                        \
	"os.dup2(s.fileno(), 9)\n"                                        \
	"os.execvp(\"env\", [\"env\", *sys.argv[1:], \"python3\", "       \
	"\"-c\", \"\"\"\n"                                                \
	"import os, socket\n"                                             \
	"s = socket.socket(fileno=9)\n"                                   \
	"try: print(s.recv(99), s.type, os.environ.get(\\\"LATER\\\"))\n" \
	"except OSError as e: print(e.strerror)\n"                        \
	"\"\"\"])' "

#define CARRIED                                                    \
	"COP_ADOPT=udp COP_TRANSPORT=skeleton COP_MODULES=$PWD/m " \
	"LD_PRELOAD=$LIB COP_DEBUG=1 "

Test(e2e_carried, the_mark_and_not_the_environment_says_what_carries_a_socket)
{
	scratch_says(&result, "b'queued' 2 1\n", CARRIED HANDS "LATER=1");
	scratch_says(&result, "b'queued' 2 1\n",
		     CARRIED HANDS "LATER=1 COP_TRANSPORT=cop");
	scratch_says(&result, "b'queued' 2 1\n",
		     CARRIED HANDS "-u COP_TRANSPORT LATER=1");
	scratch_says(&result, "b'queued' 2 1\n",
		     CARRIED HANDS "-u COP_TRANSPORT -u COP_ADOPT LATER=1");
}

Test(e2e_carried, without_the_carriers_module_calls_on_the_socket_fail)
{
	scratch_says(&result, "Protocol not supported\n",
		     CARRIED HANDS "COP_MODULES=/nowhere COP_TRANSPORT=cop");
	scratch_says_in_stderr(
		&result,
		"it is a socket of type 8, protocol 254, which no module "
		"has");
}
