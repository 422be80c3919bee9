// SPDX-License-Identifier: MIT
/*
 * test_sealed.c - transports/sealed under programs: what crosses the wire, what becomes
 * of a socket over fork, exec and messages, and what happens without a key. What a
 * datagram must be like is tested in tests/unit/sealed.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "as_udp.h"
#include "scratch.h"

#define ROOT	COP_TEST_DIR "/../"
#define SEALED	"$COP run --modules " COP_MODULE_DIR " --key $PWD/key "
#define AS_COP	"COP_TEST_TYPE=9 COP_TEST_PROTOCOL=253 " SEALED
#define ADOPTED SEALED "--adopt --transport sealed "
#define PYTHON	"timeout 60 /usr/bin/python3 -c '"

static struct run_result result;

static void make_key(void)
{
	scratch_make();
	scratch_must("$COP key new key");
}

TestSuite(sealed, .init = make_key, .timeout = 240);

static void expect_out(const char *out)
{
	cr_expect_str_eq(result.out, out, "%s%s", result.out, result.err);
}

/* ---- as on UDP ------------------------------------------------------------- */

/* Left out: scenarios about the longest datagram, and those that send to themselves. */
static void same(const char *prog, const char *const *scenarios)
{
	same_with(AS_COP, prog, scenarios);
}

Test(sealed, calls_that_send_and_receive_are_as_on_udp)
{
	static const char *const data[] = { "send_ways",
					    "receive_ways",
					    "too_large",
					    "empty",
					    "nothing_asked",
					    "short_buffers",
					    "peek",
					    "do_not_wait",
					    "other_flags",
					    "destinations",
					    "sources",
					    "message_destinations",
					    "offsets",
					    "rw_flags",
					    "queued",
					    "ioctls",
					    NULL };
	static const char *const messages[] = { "control_in_many",
						"many",
						"many_cut",
						"many_peeked",
						"timestamps_received",
						"control_sent",
						NULL };

	same("data", data);
	same("messages", messages);
}

Test(sealed, faults_waits_and_signals_are_as_on_udp)
{
	static const char *const faults[] = { "bad_names",     "too_long",
					      "refused_send",  "probes",
					      "pending_error", NULL };
	static const char *const signals[] = { "interrupted",
					       "jump_from_receive", "restarted",
					       "timed_out", NULL };
	static const char *const waits[] = { "blocked", "epoll_edge",
					     "poll_error", "poll_events",
					     NULL };

	same("faults", faults);
	same("signals", signals);
	same("waits", waits);
}

Test(sealed, threads_and_children_are_as_on_udp)
{
	static const char *const threads[] = {
		"cancelled_receive", "cancelled_send",	 "closed_in_receive",
		"shut_connected",    "shut_unconnected", NULL
	};
	static const char *const forks[] = { "both_speak", "child_binds",
					     "one_queue", "vforked", NULL };
	static const char *const storm[] = { "alternate_stack", "cancel_sendto",
					     NULL };

	same("threads", threads);
	same("forks", forks);
	same("storm", storm);
}

/* A system call more than the program's own would end them. */
Test(sealed, confined_processes_are_as_on_udp)
{
	static const char *const scenarios[] = { "by_buffer", "by_file",
						 "by_many",   "by_message",
						 "by_vector", "by_others",
						 "kills",     NULL };

	for (int i = 0; scenarios[i]; i++)
		same_in(AS_COP, PROG("progs"), "confine", scenarios[i]);
}

Test(sealed, sockets_that_come_and_go_at_random_lose_nothing)
{
	scratch_shell(&result,
		      "COP_TEST_TYPE=9 COP_TEST_PROTOCOL=253 " SEALED PROG(
			      "progs") "churn cop threads 3");
	expect_out("0 ports lost, 0 descriptors left, 0 of all datagrams "
		   "damaged, memory kept\n");
}

/* Each socket sends to itself, too, and refuses that: see docs/sealed.md. */
Test(sealed, no_datagram_comes_as_it_was_sent_while_threads_name_a_socket)
{
	scratch_shell(&result,
		      "COP_TEST_TYPE=9 COP_TEST_PROTOCOL=253 " SEALED PROG(
			      "progs") "crossing cop at_once");
	expect_out("received, 0 damaged, 0 unsound, 0 ports held\n");
}

/* ---- on the wire ------------------------------------------------------------ */

/* A receiver of the kernel's, which says of each datagram what is in it. */
#define WIRE                                                                 \
	"cat >wire.py <<END\n"                                               \
	"import socket, sys\n"                                               \
	"f, a = (socket.AF_INET6, \"::1\") if sys.argv[1] == \"6\" "         \
	"else (socket.AF_INET, \"127.0.0.1\")\n"                             \
	"s = socket.socket(f, socket.SOCK_DGRAM)\n"                          \
	"s.bind((a, 0)); s.settimeout(50)\n"                                 \
	"open(\"port\", \"w\").write(str(s.getsockname()[1]))\n"             \
	"salts = []\n"                                                       \
	"while True:\n"                                                      \
	"  d = s.recv(70000)\n"                                              \
	"  if d == b\"end\": break\n"                                        \
	"  if d[24:40] not in salts: salts.append(d[24:40])\n"               \
	"  print(d[:3].hex(), len(d) - 64, salts.index(d[24:40]),\n"         \
	"        int.from_bytes(d[40:48], \"big\"),\n"                       \
	"        \"plain\" if any(w in d for w in (b\"secret\", b\"SECR\"))" \
	" else \"sealed\", flush=True)\n"                                    \
	"END\n"                                                              \
	"/usr/bin/python3 wire.py %s >wire & "                               \
	"until [ -s port ]; do sleep 0.05; done; "
#define END                                                  \
	"; /usr/bin/python3 -c 'import socket\n"             \
	"for f, a in ((2, \"127.0.0.1\"), (10, \"::1\")):\n" \
	"  try: socket.socket(f, 2).sendto(b\"end\", "       \
	"(a, int(open(\"port\").read())))\n"                 \
	"  except OSError: pass'; wait; cat wire"

#define EACH_WAY                                              \
	"import os, socket\n"                                 \
	"f, a = (socket.AF_INET6, \"::1\") if IS6 else "      \
	"(socket.AF_INET, \"127.0.0.1\")\n"                   \
	"to = (a, int(open(\"port\").read()))\n"              \
	"s = socket.socket(f, socket.SOCK_DGRAM)\n"           \
	"d = b\"secret SECRET \" * 10\n"                      \
	"s.sendto(d, to); s.sendmsg([d, d], [], 0, to)\n"     \
	"s.connect(to); s.send(d); os.write(s.fileno(), d)\n" \
	"os.writev(s.fileno(), [d, d])\n"                     \
	"open(\"file\", \"wb\").write(d)\n"                   \
	"h = open(\"file\", \"rb\")\n"                        \
	"os.sendfile(s.fileno(), h.fileno(), 0, 140)\n"       \
	"s.send(d * 100); s.send(b\"\"); s.send(b\"SECR\")\n"

#define SEEN                                             \
	"5ea101 140 0 0 sealed\n5ea101 280 0 1 sealed\n" \
	"5ea101 140 0 2 sealed\n5ea101 140 0 3 sealed\n" \
	"5ea101 280 0 4 sealed\n5ea101 140 0 5 sealed\n" \
	"5ea101 14000 0 6 sealed\n5ea101 0 0 7 sealed\n" \
	"5ea101 4 0 8 sealed\n"

Test(sealed, each_way_to_send_seals_the_payload)
{
	scratch_shell(&result, WIRE ADOPTED PYTHON "IS6 = 0\n" EACH_WAY "'" END,
		      "4");
	expect_out(SEEN);
	if (access("/proc/net/if_inet6", F_OK))
		return;
	scratch_must("rm port");
	scratch_shell(&result, WIRE ADOPTED PYTHON "IS6 = 1\n" EACH_WAY "'" END,
		      "6");
	expect_out(SEEN);
}

/* So the test above can fail. */
Test(sealed, without_the_transport_the_payload_is_plain)
{
	scratch_shell(&result, WIRE PYTHON "IS6 = 0\n" EACH_WAY "'" END, "4");
	cr_expect_not_null(strstr(result.out, "plain"), "%s", result.out);
	cr_expect_null(strstr(result.out, "5ea101"), "%s", result.out);
}

#define SENDS                                                    \
	"import os, socket, sys\n"                               \
	"to = (\"127.0.0.1\", int(open(\"port\").read()))\n"     \
	"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" \
	"s.sendto(b\"secret\", to)\n"
#define AGAIN                                                \
	"import os, socket, sys\n"                           \
	"s = socket.socket(fileno=int(sys.argv[1]))\n"       \
	"to = (\"127.0.0.1\", int(open(\"port\").read()))\n" \
	"try: s.sendto(b\"secret\", to)\n"                   \
	"except OSError as e: print(e.errno)\n"

Test(sealed, over_an_exec_a_socket_gets_another_salt)
{
	scratch_must("cat >again.py <<'END'\n" AGAIN "END\n");
	scratch_shell(&result,
		      WIRE ADOPTED PYTHON SENDS
		      "os.set_inheritable(s.fileno(), True)\n"
		      "os.execv(sys.executable, [\"python3\", \"again.py\", "
		      "str(s.fileno())])'" END,
		      "4");
	expect_out("5ea101 6 0 0 sealed\n5ea101 6 1 0 sealed\n");
}

/* EPROTONOSUPPORT, and nothing more on the wire. */
Test(sealed, without_the_key_an_inherited_socket_sends_nothing)
{
	scratch_must("cat >again.py <<'END'\n" AGAIN "END\n");
	scratch_shell(&result,
		      WIRE ADOPTED PYTHON SENDS
		      "os.set_inheritable(s.fileno(), True)\n"
		      "del os.environ[\"COP_KEY_FILE\"]\n"
		      "os.execv(sys.executable, [\"python3\", \"again.py\", "
		      "str(s.fileno())])'" END,
		      "4");
	expect_out("93\n5ea101 6 0 0 sealed\n");
}

Test(sealed, a_forked_child_gets_another_salt_and_the_parent_keeps_its_own)
{
	scratch_shell(&result,
		      WIRE ADOPTED PYTHON SENDS
		      "if not os.fork(): s.sendto(b\"secret\", to); "
		      "os._exit(0)\n"
		      "os.wait(); s.sendto(b\"secret\", to)'" END,
		      "4");
	expect_out("5ea101 6 0 0 sealed\n5ea101 6 1 0 sealed\n"
		   "5ea101 6 0 1 sealed\n");
}

Test(sealed, a_message_brings_a_socket_with_another_salt)
{
	scratch_shell(&result,
		      WIRE ADOPTED PYTHON
		      "import array\n" SENDS "a, b = socket.socketpair()\n"
		      "if not os.fork():\n"
		      "  s.close(); a.close()\n"
		      "  c = b.recvmsg(1, 100)[1]\n"
		      "  t = socket.socket(fileno=array.array(\"i\", "
		      "c[0][2])[0])\n"
		      "  t.sendto(b\"secret\", to); os._exit(0)\n"
		      "a.sendmsg([b\"x\"], [(socket.SOL_SOCKET, "
		      "socket.SCM_RIGHTS, array.array(\"i\", [s.fileno()]))])\n"
		      "os.wait(); s.sendto(b\"secret\", to)'" END,
		      "4");
	expect_out("5ea101 6 0 0 sealed\n5ea101 6 1 0 sealed\n"
		   "5ea101 6 0 1 sealed\n");
}

/* Processes that fork, execute programs and get killed; see progs/nonces.c. */
Test(sealed, none_of_a_million_datagrams_of_many_processes_has_a_nonce_twice)
{
	scratch_shell(&result,
		      "COP_TEST_TYPE=9 COP_TEST_PROTOCOL=253 " SEALED PROG(
			      "progs") "nonces cop a_million");
	expect_out("1000000 datagrams, 0 nonces twice, many salts\n");
}

/* ---- what is refused ------------------------------------------------------------ */

/* It wakes for it once, as for any stray. */
Test(sealed, a_forged_datagram_wakes_a_poll_once)
{
	scratch_shell(&result, SEALED PYTHON
		      "import select, socket, struct, time\n"
		      "s = socket.socket(socket.AF_INET, 9, 253)\n"
		      "s.bind((\"127.0.0.1\", 0)); s.setblocking(False)\n"
		      "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
		      "def ready(ms):\n"
		      "  p = select.poll(); p.register(s, select.POLLIN)\n"
		      "  return len(p.poll(ms))\n"
		      "for h in (b\"\\x5e\\xa1\\1\\0\", b\"noise\"):\n"
		      "  u.sendto(h + b\"x\" * 90, s.getsockname())\n"
		      "  ready(10000 if h[0] == 0x5e else 100)\n"
		      "  try: s.recv(9)\n"
		      "  except BlockingIOError: pass\n"
		      "  print(ready(100))'");
	expect_out("0\n0\n");
}

static const struct refused {
	const char *file, *says, *name;
} refused[] = {
	{ "none", "there is no such file", "ENOKEY" },
	{ "readable", "other users may read or change it (chmod 600)",
	  "EKEYREJECTED" },
	{ "short", "a line is not a key of 32 bytes in base64",
	  "EKEYREJECTED" },
	{ "empty", "it has no key", "EKEYREJECTED" },
	{ ".", "it is no regular file", "EKEYREJECTED" },
};

#define TRIES                                                         \
	PYTHON "import errno, socket\n"                               \
	       "for k in ((2, 0), (9, 253)):\n"                       \
	       "  for f in (socket.AF_INET, socket.AF_INET6):\n"      \
	       "    try: socket.socket(f, *k); print(\"a socket\")\n" \
	       "    except OSError as e: print(errno.errorcode.get("  \
	       "e.errno, {126: \"ENOKEY\", 129: \"EKEYREJECTED\"}"    \
	       ".get(e.errno)), end=\" \")'"

static void make_bad_keys(void)
{
	make_key();
	scratch_must("cp key readable && chmod 644 readable && umask 077 && "
		     "head -c 20 key >short && : >empty");
}

Test(sealed, cop_run_does_not_start_a_program_without_a_good_key,
     .init = make_bad_keys)
{
	char line[256];

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		scratch_shell(&result, "$COP run --key %s touch ran",
			      refused[i].file);
		snprintf(line, sizeof(line), "cop: run: --key %s: %s\n",
			 refused[i].file, refused[i].says);
		cr_expect_str_eq(result.err, line, "%s", result.err);
		cr_expect_eq(result.status, 125);
	}
	scratch_shell(
		&result,
		"$COP run --adopt --transport sealed --modules " COP_MODULE_DIR
		" touch ran");
	cr_expect_str_eq(result.err,
			 "cop: run: sealed: COP_KEY_FILE is not set\n");
	cr_expect_eq(result.status, 126);
	scratch_shell(&result, "COP_KEY_FILE=$PWD/short $COP run --adopt "
			       "--transport sealed --modules " COP_MODULE_DIR
			       " touch ran");
	cr_expect_not_null(strstr(result.err, "short: a line is not a key"),
			   "%s", result.err);
	cr_expect_eq(result.status, 126);
	scratch_shell(&result, "COP_KEY_FILE=missing $COP run --adopt "
			       "--transport sealed --modules " COP_MODULE_DIR
			       " touch ran");
	cr_expect_str_eq(result.err,
			 "cop: run: sealed: missing: there is no such file\n");
	cr_expect_eq(result.status, 126);
	scratch_says(&result, "", "ls ran 2>/dev/null");
}

Test(sealed, without_a_good_key_socket_fails, .init = make_bad_keys)
{
	char line[256];

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		scratch_shell(&result,
			      "COP_KEY_FILE=%s COP_ADOPT=udp "
			      "COP_TRANSPORT=sealed COP_MODULES=" COP_MODULE_DIR
			      " LD_PRELOAD=$LIB " TRIES,
			      refused[i].file);
		snprintf(line, sizeof(line), "%s %s %s %s ", refused[i].name,
			 refused[i].name, refused[i].name, refused[i].name);
		cr_expect_str_eq(result.out, line, "%s: %s%s", refused[i].file,
				 result.out, result.err);
	}
}

Test(sealed, cop_key_new_writes_a_file_for_its_owner_and_never_over_one)
{
	scratch_says(&result, "600 45\n", "stat -c '%a %s' key");
	scratch_shell(&result, "cp key before; umask 0; $COP key new key; "
			       "cmp key before && $COP key new other && "
			       "! cmp -s key other && stat -c %%a other");
	expect_out("600\n");
	cr_expect_str_eq(result.err, "cop: key: key: File exists\n");
	scratch_shell(&result, "$COP key; $COP key old x; $COP key new");
	cr_expect_str_eq(result.err,
			 "cop: key: say what to make: cop key new FILE\n"
			 "cop: key: say what to make: cop key new FILE\n"
			 "cop: key: say what to make: cop key new FILE\n");
}

/* As docs/sealed.md says: at each step each side hears the other one. */
Test(sealed, a_key_is_changed_without_a_datagram_that_gets_lost)
{
	static const char *const steps[][2] = {
		{ "one", "one" },   { "both", "one" },	{ "both", "both" },
		{ "swap", "both" }, { "swap", "swap" }, { "swap", "two" },
		{ "two", "two" },
	};

	scratch_must("$COP key new one; $COP key new two; umask 077; "
		     "cat one two >both; cat two one >swap");
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		scratch_shell(
			&result,
			"rm -f port; $COP run --modules " COP_MODULE_DIR
			" --adopt --transport sealed --key %s " PYTHON
			"import socket\n"
			"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
			"s.bind((\"127.0.0.1\", 0)); s.settimeout(20)\n"
			"open(\"port\", \"w\").write(str(s.getsockname()[1]))\n"
			"d, a = s.recvfrom(9); s.sendto(d * 2, a)' & "
			"until [ -s port ]; do sleep 0.05; done; "
			"$COP run --modules " COP_MODULE_DIR
			" --adopt --transport sealed --key %s " PYTHON
			"import socket\n"
			"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
			"s.settimeout(20); s.connect((\"127.0.0.1\", "
			"int(open(\"port\").read())))\n"
			"s.send(b\"hi\"); print(s.recv(9).decode())'; wait",
			steps[i][0], steps[i][1]);
		expect_out("hihi\n");
	}
}

Test(sealed, the_figures_name_what_was_refused)
{
	scratch_shell(&result,
		      SEALED "--stats " PYTHON "import socket\n"
			     "s = socket.socket(socket.AF_INET, 9, 253)\n"
			     "s.bind((\"127.0.0.1\", 0)); s.settimeout(0.1)\n"
			     "s.sendto(b\"mine\", s.getsockname())\n"
			     "try: s.recv(9)\n"
			     "except OSError: pass'");
	cr_expect_not_null(strstr(result.err,
				  " stray_payload=1 kernel_drops=0 "),
			   "%s", result.err);
	cr_expect_not_null(strstr(result.err,
				  " forged=0 other_key=0 replayed=0 old=0 "
				  "early=0 reflected=1 crowded=0"),
			   "%s", result.err);
}

/* ---- the build ------------------------------------------------------------------- */

/* A compiler that has no sodium.h. */
Test(sealed, without_libsodium_make_says_so_and_goes_on)
{
	scratch_must("cat >poor-cc <<'END'\n"
		     "#!/bin/sh\n"
		     "case \" $* \" in\n"
		     "*' -E '*) in=$(cat)\n"
		     "  case $in in *sodium.h*) exit 1 ;; esac\n"
		     "  printf '%%s\\n' \"$in\" | exec cc \"$@\" ;;\n"
		     "*) exec cc \"$@\" ;;\n"
		     "esac\n"
		     "END\n"
		     "chmod +x poor-cc");
	scratch_shell(&result,
		      SCRATCH_MAKE "CC=$PWD/poor-cc MODULE_DIR=$PWD/m "
				   "$PWD/m/net-pf-2-proto-253-type-9.so; ls m");
	expect_out("  sealed is left out: it needs libsodium-dev\n"
		   "sealed.lua\n");
}
