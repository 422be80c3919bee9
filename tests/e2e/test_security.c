// SPDX-License-Identifier: MIT
/*
 * test_security.c - policies: modules whose functions are asked about socket(), bind()
 * and connect(). e2e/modules/ has two of them.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "scratch.h"

#define ROOT	 COP_TEST_DIR "/.."
#define MODULES	 COP_TEST_DIR "/e2e/modules/"
#define SKELETON ROOT "/transports/skeleton"

static struct run_result result;

static void build(void)
{
	scratch_make();
	scratch_must("for m in only_ports counting; do cc -Wall -Wextra "
		     "-Werror -I" ROOT "/include -fPIC -shared -o $m.so "
		     "" MODULES "$m.c; done; cp -r " SKELETON
		     " m && make -s -C m INCLUDEDIR=" ROOT "/include");
}

TestSuite(security, .init = build, .timeout = 60);

#define ONLY                                                \
	"ONLY_PORTS=4100-4199 COP_LOAD=$PWD/only_ports.so " \
	"LD_PRELOAD=$LIB "
#define COUNTING "COP_DEBUG=1 COP_LOAD=$PWD/counting.so LD_PRELOAD=$LIB "

/* A line of python for each call; says the errno of each, 0 for none. */
#define PYTHON                                                              \
	"python3 -c '\n"                                                    \
	"import socket, os, sys, ctypes\n"                                  \
	"from socket import *\n"                                            \
	"libc, said = ctypes.CDLL(None, use_errno=True), []\n"              \
	"def t(call, *args):\n"                                             \
	"  try: call(*args); said.append(0)\n"                              \
	"  except OSError as x: said.append(x.errno)\n"                     \
	"def raw(call, s, data, size):\n"                                   \
	"  n = getattr(libc, call)(s.fileno(), data, size)\n"               \
	"  said.append(ctypes.get_errno() if n else 0)\n"                   \
	"cop, cop6 = lambda: socket(AF_INET, 7), lambda: socket(AF_INET6, " \
	"7)\n"                                                              \
	"udp, here = lambda: socket(AF_INET, SOCK_DGRAM), \"127.0.0.1\"\n"

#define SAY "\nprint(*said)'"

/* What the policy was asked, without the time and the process of each line. */
static void was_asked(const char *questions)
{
	char asked[2048] = "";

	for (char *at = result.err; (at = strchr(at, '<'));) {
		char *end = strchr(at, '>');

		cr_assert_not_null(end);
		strncat(asked, at + 1, end - at - 1);
		strcat(asked, "\n");
		at = end;
	}
	cr_expect_str_eq(asked, questions, "%s", result.err);
}

/* ---- only these ports ------------------------------------------------------ */

Test(security, a_policy_allows_some_ports_only)
{
	scratch_says(&result, "0 13 0 13 0 0 0 13 13\n",
		     ONLY PYTHON "t(cop().bind, (here, 4100))\n"
				 "t(cop().bind, (here, 4200))\n"
				 "s = cop()\n"
				 "t(s.connect, (here, 4199))\n"
				 "t(s.connect, (here, 4099))\n"
				 "t(cop().bind, (here, 0))\n"
				 "t(cop().sendto, b\"\", (here, 4099))\n"
				 "t(cop6().bind, (\"::1\", 4100))\n"
				 "t(cop6().bind, (\"::1\", 4200))\n"
				 "t(cop6().connect, (\"::1\", 4200))" SAY);
	scratch_says(&result, "0 0\n",
		     "LD_PRELOAD=$LIB " PYTHON "t(cop().bind, (here, 4200))\n"
		     "t(cop().connect, (here, 4099))" SAY);
}

Test(security, a_policy_is_asked_about_adopted_udp_and_not_about_the_kernels)
{
	scratch_says(&result, "13 13 0\n",
		     "COP_ADOPT=udp " ONLY PYTHON
		     "t(udp().bind, (here, 4200))\n"
		     "t(udp().connect, (here, 4200))\n"
		     "t(socket().bind, (here, 4200))" SAY);
	scratch_says(&result, "13 0\n",
		     "COP_ADOPT=udp:4200 " ONLY PYTHON
		     "t(udp().bind, (here, 4200))\n"
		     "t(udp().bind, (here, 4100))" SAY);
	scratch_says(&result, "0 0 0\n",
		     ONLY PYTHON "t(udp().bind, (here, 4200))\n"
				 "t(udp().connect, (here, 4200))\n"
				 "t(socket().bind, (here, 4200))" SAY);
}

Test(security, a_policy_is_asked_about_a_loaded_transport)
{
	scratch_says(&result, "0 13\n",
		     "COP_MODULES=$PWD/m " ONLY PYTHON
		     "t(socket(AF_INET, 8, 254).bind, (here, 4100))\n"
		     "t(socket(AF_INET, 8, 254).bind, (here, 4200))" SAY);
}

/* ---- what is asked, and when ------------------------------------------------ */

Test(security, each_call_asks_once_with_the_programs_arguments)
{
	scratch_says(&result, "0 0 0\n",
		     COUNTING PYTHON
		     "s = cop()\n"
		     "t(s.bind, (here, 0))\n"
		     "t(s.connect, s.getsockname())\n"
		     "raw(\"connect\", s, bytes(16), 16)\n" SAY);
	was_asked("create 2 7 0 0\n"
		  "post_create 2 7 0 0: 2 7 253, port 0\n"
		  "bind 2, 16 bytes\nconnect 2, 16 bytes\n"
		  "connect 0, 16 bytes\n");
}

/* As __sys_socketpair(): both sockets are created ahead of the refusal. */
Test(security, a_socketpair_asks_for_each_of_its_sockets)
{
	static const char both[] =
		"create 2 7 0 0\npost_create 2 7 0 0: 2 7 253, port 0\n"
		"create 2 7 0 0\npost_create 2 7 0 0: 2 7 253, port 0\n";

	scratch_says(&result, "95 22\n",
		     COUNTING PYTHON "t(socketpair, AF_INET, 7)\n"
				     "t(socketpair, AF_INET, 7 | 0x100)" SAY);
	was_asked(both);
	scratch_says(&result, "18\n",
		     "REFUSE=\"create 7\" " COUNTING PYTHON
		     "t(socketpair, AF_INET, 7)" SAY);
	was_asked("create 2 7 0 0\n");
}

/* The kernel's UDP is asked for the two numbers of a call that gets as far as that. */
#define PAIRS                                                              \
	PYTHON "import resource\n"                                         \
	       "def pair(kind, two):\n"                                    \
	       "  n = libc.socketpair(2, kind, 0, two)\n"                  \
	       "  said.append(ctypes.get_errno() if n else 0)\n"           \
	       "udps, cops = (ctypes.c_int * 2)(), (ctypes.c_int * 2)()\n" \
	       "pair(SOCK_DGRAM, udps)\n"                                  \
	       "pair(7, cops)\n"                                           \
	       "said.append(list(cops) == list(udps))\n"                   \
	       "pair(7, ctypes.c_void_p(8))\n"                             \
	       "pair(7 | 0x100, ctypes.c_void_p(8))\n"                     \
	       "resource.setrlimit(resource.RLIMIT_NOFILE, "               \
	       "(max(udps), max(udps)))\n"                                 \
	       "pair(7, ctypes.c_void_p(8))" SAY

/* As __sys_socketpair(): numbers are taken and stored before a policy is asked. */
Test(security, a_refused_socketpair_has_stored_two_numbers)
{
	scratch_says(&result, "95 18 True 14 22 24\n",
		     "REFUSE=\"create 7\" " COUNTING PAIRS);
	was_asked("create 2 7 0 0\n");
	scratch_says(&result, "95 18 True 14 22 24\n",
		     "REFUSE=\"post_create 7\" " COUNTING PAIRS);
	scratch_says(&result, "95 95 True 14 22 24\n", COUNTING PAIRS);
}

Test(security, a_socketpair_loads_a_module_too)
{
	scratch_says(&result, "95 94\n",
		     "COP_MODULES=$PWD/m " COUNTING PYTHON
		     "t(socketpair, AF_INET, 8, 254)\n"
		     "t(socketpair, AF_INET, 9, 254)" SAY);
	was_asked("create 2 8 254 0\n"
		  "post_create 2 8 254 0: 2 8 254, port 0\n"
		  "create 2 8 254 0\n"
		  "post_create 2 8 254 0: 2 8 254, port 0\n"
		  "create 2 9 254 0\n");
}

/* The second bind asks the kernel again, and yet again with a borrowed claim. */
Test(security, a_bind_that_is_tried_again_asks_once)
{
	scratch_says(&result, "98\n",
		     COUNTING PYTHON "s = cop()\n"
				     "s.bind((here, 0))\n"
				     "t(cop().bind, s.getsockname())\n" SAY);
	was_asked("create 2 7 0 0\n"
		  "post_create 2 7 0 0: 2 7 253, port 0\n"
		  "bind 2, 16 bytes\n"
		  "create 2 7 0 0\n"
		  "post_create 2 7 0 0: 2 7 253, port 0\n"
		  "bind 2, 16 bytes\n");
}

#define FAULTY                                                          \
	PYTHON "s = cop()\n"                                            \
	       "for call in \"bind\", \"connect\":\n"                   \
	       "  raw(call, s, ctypes.c_void_p(8), 16)\n"               \
	       "  raw(call, s, bytes(129), 129)\n"                      \
	       "  raw(call, s, bytes([1, 0]), 2)\n"                     \
	       "  raw(call, s, b\"\", 0)\n"                             \
	       "t(s.bind, (\"192.0.2.1\", 0))\n"                        \
	       "s = cop(); s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)\n" \
	       "said.append(s.bind((here, 0)) or 0)\n"                  \
	       "t(s.bind, (here, 0))\n" SAY

/* As __sys_bind() and __sys_connect(): only the copy of the address is ahead. */
Test(security, faults_of_the_address_come_behind_the_policy)
{
	scratch_says(&result, "14 22 22 22 14 22 22 22 99 0 22\n",
		     COUNTING FAULTY);
	scratch_says(&result, "14 22 18 18 14 22 22 22 18\n",
		     "REFUSE=\"bind 7\" " COUNTING PYTHON "s = cop()\n"
		     "for call in \"bind\", \"connect\":\n"
		     "  raw(call, s, ctypes.c_void_p(8), 16)\n"
		     "  raw(call, s, bytes(129), 129)\n"
		     "  raw(call, s, bytes([1, 0]), 2)\n"
		     "  raw(call, s, b\"\", 0)\n"
		     "t(s.bind, (\"192.0.2.1\", 0))" SAY);
}

Test(security, a_refused_socket_is_refused_ahead_of_its_module)
{
	scratch_says(&result, "18 0 94 94\n",
		     "REFUSE=\"create 8\" COP_MODULES=$PWD/m " COUNTING PYTHON
		     "t(socket, AF_INET, 8, 254)\n"
		     "t(cop)\n"
		     "t(socket, AF_INET, 9, 254)\n"
		     "t(socket, AF_INET, 9, 254)" SAY);
	was_asked("create 2 8 254 0\n"
		  "create 2 7 0 0\npost_create 2 7 0 0: 2 7 253, port 0\n"
		  "create 2 9 254 0\n");
	scratch_says(&result, "",
		     "REFUSE=\"create 8\" COP_DEBUG=2 COP_MODULES=$PWD/m "
		     "COP_LOAD=$PWD/counting.so LD_PRELOAD=$LIB python3 -c '\n"
		     "import socket\n"
		     "try: socket.socket(2, 8, 254)\n"
		     "except OSError: pass'");
	cr_expect_null(strstr(result.err, "loaded module skeleton"), "%s",
		       result.err);
}

Test(security, a_refusal_behind_the_creation_leaves_nothing)
{
	scratch_says(
		&result, "18 18 0\n",
		"REFUSE=\"post_create 8\" COP_MODULES=$PWD/m COP_LOAD=$PWD/"
		"counting.so COP_DEBUG=2 COP_STATS=stderr "
		"LD_PRELOAD=$LIB " PYTHON
		"fds = os.listdir(\"/proc/self/fd\")\n"
		"t(socket, AF_INET, 8, 254)\n"
		"t(socket, AF_INET, 8, 254)\n"
		"said.append(len(os.listdir(\"/proc/self/fd\")) - "
		"len(fds))" SAY);
	cr_expect_not_null(strstr(result.err, "skeleton ends with 0 sockets"),
			   "%s", result.err);
	cr_expect_null(strstr(result.err, "SKEL socket"), "%s", result.err);
}

Test(security, socketpair_asks_as_well)
{
	scratch_says(&result, "18\n",
		     "REFUSE=\"create 7\" " COUNTING PYTHON
		     "t(socketpair, AF_INET, 7)" SAY);
}

Test(security, an_inherited_socket_exists_already)
{
	scratch_says(
		&result, "b'text' 18\n",
		"REFUSE=\"create 7\" COP_DEBUG=1 COP_LOAD= LD_PRELOAD=$LIB "
		"python3 -c '\n"
		"import socket, os, sys\n"
		"s = socket.socket(2, 7)\n"
		"s.bind((\"127.0.0.1\", 0))\n"
		"s.sendto(b\"text\", s.getsockname())\n"
		"os.dup2(s.fileno(), 9)\n"
		"os.environ[\"COP_LOAD\"] = os.getcwd() + \"/counting.so\"\n"
		"os.execv(sys.executable, [sys.executable, \"-c\", \"\"\"\n"
		"import socket\n"
		"s = socket.socket(2, 7, 0, 9)\n"
		"try: socket.socket(2, 7)\n"
		"except OSError as x: print(s.recv(9), x.errno)\n"
		"\"\"\"])'");
	was_asked("create 2 7 0 0\n");
}

Test(security, the_hooks_of_a_module_whose_init_failed_are_gone)
{
	scratch_says(&result, "0 0 0\n",
		     "FAIL_INIT=1 REFUSE=\"bind 7\" " COUNTING PYTHON
		     "s = cop()\n"
		     "t(s.bind, (here, 0))\n"
		     "t(s.connect, s.getsockname())\n"
		     "t(cop)" SAY);
	was_asked("");
	cr_expect_not_null(strstr(result.err, "its init returned -19"), "%s",
			   result.err);
}

Test(security, COP_DEBUG_names_the_policy_that_refuses)
{
	scratch_says(&result, "13\n",
		     "COP_DEBUG=1 " ONLY PYTHON
		     "t(cop().bind, (here, 4200))" SAY);
	cr_expect_not_null(strstr(result.err, "only_ports refuses: its "
					      "socket_bind returned -13"),
			   "%s", result.err);
}
