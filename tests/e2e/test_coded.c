// SPDX-License-Identifier: MIT
/*
 * test_coded.c - a transport that encodes its payloads, tests/e2e/modules/xor.c: what
 * programs see of it is what they see of UDP, and what the wire has is encoded.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "as_udp.h"
#include "skeleton.h"

#define XOR                                                             \
	"COP_TEST_TYPE=9 COP_TEST_PROTOCOL=254 COP_LOAD=$PWD/m/xor.so " \
	"LD_PRELOAD=$LIB "
#define WITH "COP_LOAD=$PWD/m/xor.so LD_PRELOAD=$LIB "

static struct run_result result;

static void make_xor(void)
{
	scratch_make();
	scratch_must("mkdir m && cc -I" ROOT "/include -O2 -Wall -Werror "
		     "-fPIC -shared -o m/xor.so " ROOT
		     "/tests/e2e/modules/xor.c");
}

TestSuite(coded, .init = make_xor, .timeout = 240);

/* ---- as on UDP ------------------------------------------------------------- */

static void same(const char *prog, const char *const *scenarios)
{
	same_with(XOR, prog, scenarios);
}

Test(coded, each_call_that_sends_or_receives_is_as_on_udp)
{
	static const char *const scenarios[] = { "send_ways",
						 "receive_ways",
						 "sizes",
						 "too_large",
						 "empty",
						 "nothing_asked",
						 "nothing_written",
						 "short_buffers",
						 "peek",
						 "do_not_wait",
						 "other_flags",
						 "destinations",
						 "message_destinations",
						 "sources",
						 "offsets",
						 "rw_flags",
						 "queued",
						 "ioctls",
						 "queued_behind_an_error",
						 NULL };

	same("data", scenarios);
}

Test(coded, faults_are_as_on_udp)
{
	static const char *const data[] = { "source_faults", "bad_payloads",
					    "bad_buffers",   "many_iovecs",
					    "odd_iovecs",    NULL };
	static const char *const faults[] = { "bad_names",
					      "many_iovecs",
					      "nothing_at_a_bad_place",
					      "pending_error",
					      "probes",
					      "readonly_long_buffer",
					      "refused_send",
					      "room_for_address",
					      "too_long",
					      "unmapped_long_payload",
					      NULL };

	same("data", data);
	same("faults", faults);
}

Test(coded, messages_are_as_on_udp)
{
	static const char *const scenarios[] = { "control_in_many",
						 "control_malformed",
						 "control_received",
						 "control_sent",
						 "many",
						 "many_at_most",
						 "many_cut",
						 "many_iovecs_each",
						 "many_peeked",
						 "one_is_refused",
						 "timestamps_received",
						 NULL };

	same("messages", scenarios);
}

Test(coded, signals_and_waits_are_as_on_udp)
{
	static const char *const signals[] = {
		"interrupted",	     "interrupted_timeout", "interrupted_wait",
		"jump_from_receive", "jump_then_cancel",    "restarted",
		"restarted_timeout", "timed_out",	    NULL
	};
	static const char *const waits[] = { "blocked",	    "blocked_thread",
					     "epoll_edge",  "epoll_level",
					     "interrupted", "poll_error",
					     "poll_events", "timed_out",
					     NULL };

	same("signals", signals);
	same("waits", waits);
}

Test(coded, threads_and_children_are_as_on_udp)
{
	static const char *const threads[] = { "cancelled_in_passing",
					       "cancelled_receive",
					       "cancelled_send",
					       "closed_in_receive",
					       "shut_connected",
					       "shut_unconnected",
					       NULL };
	static const char *const forks[] = { "both_speak", "child_binds",
					     "one_queue", "vforked", NULL };
	static const char *const cancel[] = { "having_received", "with_a_queue",
					      NULL };
	static const char *const storm[] = { "alternate_stack", "cancel_sendto",
					     NULL };

	same("threads", threads);
	same("forks", forks);
	same("cancel", cancel);
	same("storm", storm);
}

Test(coded, sockets_that_come_and_go_at_random_lose_nothing)
{
	scratch_shell(&result, XOR PROG("progs") "churn cop threads 3");
	cr_expect_str_eq(result.out,
			 "0 ports lost, 0 descriptors left, 0 of all "
			 "datagrams damaged, memory kept\n",
			 "%s%s", result.out, result.err);
}

Test(coded, files_are_sent_as_on_udp)
{
	static const char *const scenarios[] = { "file_sizes",	   "file_kept",
						 "file_too_large", "pipe_sizes",
						 "pipe_packets",   NULL };

	same("splice", scenarios);
}

/* Confined processes may make no other calls than their program's own. */
Test(coded, confined_processes_are_as_on_udp)
{
	static const char *const scenarios[] = {
		"by_buffer", "by_file", "by_many", "by_message", "by_vector",
		"by_others", "fails",	"kills",   NULL
	};

	for (int i = 0; scenarios[i]; i++)
		same_in(XOR, PROG("progs"), "confine", scenarios[i]);
}

/* ---- on the wire ----------------------------------------------------------- */

static void says(const char *out, const char *python)
{
	scratch_shell(&result,
		      WITH "timeout 30 python3 -c '"
			   "import socket, sys, array, fcntl, errno, struct, "
			   "threading, time\n"
			   "def pair(f=socket.AF_INET, a=\"127.0.0.1\"):\n"
			   "  s = socket.socket(f, 9, 254)\n"
			   "  t = socket.socket(f, 9, 254)\n"
			   "  s.bind((a, 0)); t.connect(s.getsockname())\n"
			   "  return s, t\n"
			   "def fails(f, *a):\n"
			   "  try: f(*a)\n"
			   "  except OSError as e: print(errno.errorcode["
			   "e.errno], end=\" \")\n"
			   "  else: print(\"worked\", end=\" \")\n"
			   "s, t = pair()\n"
			   "udp = socket.socket(socket.AF_INET, "
			   "socket.SOCK_DGRAM)\n"
			   "udp.bind((\"127.0.0.1\", 0))\n"
			   "good = b\"Xo\\1\\0\\0\\0\\0\\0\"\n%s'",
		      python);
	cr_expect_str_eq(result.out, out, "%s%s", result.out, result.err);
}

Test(coded, the_wire_has_the_encoded_payload_and_its_overhead)
{
	says("b'Xo\\x01\\x00\\x00\\x00\\x00\\x00' b'2?66' 20\n",
	     "t.connect(udp.getsockname()); t.send(b\"hell\")\n"
	     "w = udp.recv(99)\n"
	     "print(w[:8], w[8:12], len(w))\n");
}

Test(coded, each_length_from_0_to_65000_goes_through_every_call)
{
	says("fine\n",
	     "for f, a in ((socket.AF_INET, \"127.0.0.1\"), "
	     "(socket.AF_INET6, \"::1\")):\n"
	     "  try: s, t = pair(f, a)\n"
	     "  except OSError: continue\n"
	     "  for n in list(range(70)) + [2031, 2032, 2033, 2047, 2048, "
	     "2049, 4096, 9000, 65000]:\n"
	     "    d = bytes(i * 7 % 251 for i in range(n))\n"
	     "    t.send(d); assert s.recv(70000) == d\n"
	     "    t.sendmsg([d[:n // 2], d[n // 2:]])\n"
	     "    x, y = bytearray(n // 3), bytearray(n)\n"
	     "    assert s.recvmsg_into([x, y])[0] == n\n"
	     "    assert (bytes(x) + bytes(y))[:n] == d\n"
	     "    t.send(d); assert s.recv(n // 2 or 1) == d[:n // 2 or 1]\n"
	     "print(\"fine\")\n");
}

/* A receive that blocks goes on waiting behind them. */
#define REFUSED                                                   \
	"to = s.getsockname()\n"                                  \
	"for i in range(3): udp.sendto(good + b\"x\" * 12, to)\n" \
	"udp.sendto(good + b\"short\", to)\n"                     \
	"threading.Timer(0.3, lambda: t.send(b\"genuine\")).start()\n"

Test(coded, what_decode_refuses_is_a_stray_and_a_receive_waits_on)
{
	static const char *const receive[] = {
		"print(s.recv(99))",
		"print(s.recv(3000))",
		"print(s.recvmsg(99)[0])",
		"print(__import__(\"os\").read(s.fileno(), 99))",
		"print(s.recv(99, socket.MSG_PEEK)); s.recv(99)",
		"b = bytearray(99); n = s.recv_into(b); print(bytes(b[:n]))",
	};
	char script[1024];

	for (size_t i = 0; i < sizeof(receive) / sizeof(*receive); i++) {
		snprintf(script, sizeof(script), REFUSED "%s\n", receive[i]);
		says("b'genuine'\n", script);
	}
}

Test(coded, what_decode_refuses_is_counted)
{
	says("b'genuine'\n", REFUSED "print(s.recv(99))\ns.close()\n");
	scratch_shell(&result,
		      WITH "COP_STATS=stderr python3 -c '"
			   "import socket, time\n"
			   "s = socket.socket(socket.AF_INET, 9, 254)\n"
			   "s.bind((\"127.0.0.1\", 0))\n"
			   "u = socket.socket(socket.AF_INET, "
			   "socket.SOCK_DGRAM)\n"
			   "g = b\"Xo\\1\\0\\0\\0\\0\\0\"\n"
			   "for p in (b\"x\" * 12, b\"y\" * 8, b\"short\"): "
			   "u.sendto(g + p, s.getsockname())\n"
			   "s.setblocking(False)\n"
			   "for i in range(9):\n"
			   "  try: s.recv(9)\n"
			   "  except BlockingIOError: pass'");
	cr_expect_not_null(strstr(result.err, " stray_payload=2 "), "%s",
			   result.err);
	cr_expect_not_null(strstr(result.err, " stray_short=1 "), "%s",
			   result.err);
	cr_expect_not_null(strstr(result.err, " refused=2"), "%s", result.err);
}

Test(coded, a_refused_datagram_leaves_the_programs_buffer_alone)
{
	says("b'................'\n",
	     "s.setblocking(False)\n"
	     "b = bytearray(b\".\" * 16)\n"
	     "udp.sendto(good + b\"x\" * 20, s.getsockname())\n"
	     "time.sleep(0.1)\n"
	     "try: s.recvmsg_into([b])\n"
	     "except BlockingIOError: print(bytes(b))\n");
}

Test(coded, decode_knows_of_a_peek)
{
	scratch_shell(&result,
		      WITH "COP_STATS=stderr python3 -c '"
			   "import socket\n"
			   "s = socket.socket(socket.AF_INET, 9, 254)\n"
			   "s.bind((\"127.0.0.1\", 0))\n"
			   "s.sendto(b\"a\", s.getsockname())\n"
			   "for i in range(3): s.recv(9, socket.MSG_PEEK)\n"
			   "s.recv(9)'");
	cr_expect_not_null(strstr(result.err,
				  " encoded=1 decoded=1 peeked=3 refused=0"),
			   "%s", result.err);
}

Test(coded, what_encode_refuses_is_the_error_of_the_send)
{
	says("EPROTO EPROTO b'after'\n",
	     "fails(t.send, b\"refuse this\")\n"
	     "fails(t.send, b\"refuse\" * 500)\n"
	     "t.send(b\"after\"); print(s.recv(99))\n");
}

Test(coded, FIONREAD_is_the_length_of_the_payload)
{
	says("5 0 3000 0\n",
	     "def ready():\n"
	     "  n = array.array(\"i\", [99])\n"
	     "  fcntl.ioctl(s, 0x541B, n); print(n[0], end=\" \")\n"
	     "  s.recv(9999)\n"
	     "for n in (5, 0, 3000): t.send(b\"x\" * n); ready()\n"
	     "n = array.array(\"i\", [99]); fcntl.ioctl(s, 0x541B, n); "
	     "print(n[0])\n");
}

Test(coded, MSG_TRUNC_tells_the_length_of_the_payload)
{
	says("300 b'xx' True\n",
	     "t.send(b\"x\" * 300); b = bytearray(2)\n"
	     "print(s.recv_into(b, 2, socket.MSG_TRUNC), bytes(b), end=\" \")\n"
	     "t.send(b\"x\" * 300)\n"
	     "print(s.recvmsg(2)[2] == socket.MSG_TRUNC)\n");
}

Test(coded, a_payload_can_not_be_gathered_in_the_kernel)
{
	says("ENOTSUP ENOTSUP ENOTSUP worked b'whole'\n",
	     "fails(t.send, b\"x\", socket.MSG_MORE)\n"
	     "fails(t.sendmsg, [b\"x\"], [], socket.MSG_MORE)\n"
	     "fails(t.setsockopt, socket.IPPROTO_UDP, 1, 1)\n"
	     "fails(t.setsockopt, socket.IPPROTO_UDP, 1, 0)\n"
	     "t.send(b\"whole\"); print(s.recv(99))\n");
}

Test(coded, a_filter_of_the_program_is_einval)
{
	says("EINVAL b'all'\n",
	     "import ctypes\n"
	     "code = struct.pack(\"HBBI\", 6, 0, 0, 0xffffffff)\n"
	     "b = ctypes.create_string_buffer(code)\n"
	     "f = struct.pack(\"HL\", 1, ctypes.addressof(b))\n"
	     "fails(s.setsockopt, socket.SOL_SOCKET, 26, f)\n"
	     "t.send(b\"all\"); print(s.recv(9))\n");
}

/* IP_RECVERR: the errno and the address come, but not a byte of what was sent. */
Test(coded, the_error_queue_quotes_no_payload)
{
	says("ECONNREFUSED b'' True 111 b'................'\n",
	     "t.setsockopt(socket.IPPROTO_IP, 11, 1)\n"
	     "s.close(); t.send(b\"plaintext\"); time.sleep(0.1)\n"
	     "fails(t.recv, 9)\n"
	     "b = bytearray(b\".\" * 16)\n"
	     "n, c, f, a = t.recvmsg_into([b], 200, 0x2000)\n"
	     "print(bytes(b[:n]), bool(f & socket.MSG_TRUNC), "
	     "struct.unpack(\"I\", c[0][2][:4])[0], bytes(b))\n");
}

Test(coded, a_poll_does_not_wake_for_what_is_too_short)
{
	says("[] [True]\n",
	     "import select\n"
	     "select.select([s], [], [], 0)\n"
	     "udp.sendto(good + b\"1234567\", s.getsockname())\n"
	     "print(select.select([s], [], [], 0.2)[0], end=\" \")\n"
	     "t.send(b\"\"); "
	     "print([x is s for x in select.select([s], [], [], 5)[0]])\n");
}

#define WAYS                                                       \
	"import select\n"                                          \
	"p = select.poll(); p.register(s, select.POLLIN)\n"        \
	"ways = (lambda: bool(select.select([s], [], [], 0)[0]), " \
	"lambda: bool(p.poll(0)))\n"                               \
	"def refused():\n"                                         \
	"  for i in range(3): "                                    \
	"udp.sendto(good + b\"x\" * (12 + i), s.getsockname())\n"

/* As udp_poll() does with a wrong checksum. */
Test(coded, a_poll_does_not_wake_for_what_decode_refuses)
{
	says("False True b'genuine' False False True b'genuine' False ",
	     WAYS "for ready in ways:\n"
		  "  refused(); print(ready(), end=\" \")\n"
		  "  refused(); t.send(b\"genuine\")\n"
		  "  print(ready(), s.recv(99), ready(), end=\" \")\n");
	says("b'genuine'\n",
	     "import select\n" REFUSED "select.select([s], [], [])\n"
	     "print(s.recv(99, socket.MSG_DONTWAIT))\n");
}

/* Sets of more than FD_SETSIZE descriptors are for programs that know the kernel. */
Test(coded, a_select_of_many_descriptors_says_how_much_time_is_left)
{
	says("0 [0, 0]\n",
	     "import ctypes\n"
	     "left = (ctypes.c_long * 2)(0, 1000)\n"
	     "sets = (ctypes.c_long * 64)()\n"
	     "sets[0] = 1 << s.fileno()\n"
	     "print(ctypes.CDLL(None).select(2000, sets, None, None, left), "
	     "list(left))\n");
}

/* As udp_poll() again: there the receive can't wait, and the look would cost time. */
Test(coded, a_poll_without_waiting_receives_wakes_for_what_decode_refuses)
{
	says("True EAGAIN True EAGAIN ",
	     WAYS "s.setblocking(False)\n"
		  "for ready in ways:\n"
		  "  refused(); print(ready(), end=\" \"); fails(s.recv, 9)\n");
}

Test(coded, a_poll_takes_no_error_and_no_end_from_the_program)
{
	says("True ECONNREFUSED True ECONNREFUSED True b'' True b'' ",
	     WAYS "u, s = s, t\n"
		  "p.register(s, select.POLLIN)\n"
		  "u.close()\n"
		  "for ready in ways:\n"
		  "  s.send(b\"x\"); print(ready(), end=\" \")\n"
		  "  fails(s.recv, 9)\n"
		  "s, t = pair(); p.register(s, select.POLLIN)\n"
		  "s.connect(udp.getsockname()); refused()\n"
		  "s.shutdown(socket.SHUT_RD)\n"
		  "for ready in ways: print(ready(), s.recv(9), end=\" \")\n");
}

Test(coded, FIONREAD_passes_over_what_decode_refuses)
{
	says("0 7 True 0 0 ",
	     WAYS "def length():\n"
		  "  n = array.array(\"i\", [99])\n"
		  "  fcntl.ioctl(s, 0x541B, n); print(n[0], end=\" \")\n"
		  "refused(); length(); refused(); t.send(b\"genuine\")\n"
		  "length(); print(ways[0](), end=\" \"); s.recv(9); length()\n"
		  "s.setblocking(False); refused(); length()\n");
}

Test(coded, sixteen_threads_damage_nothing)
{
	says("0\n",
	     "bad = []\n"
	     "def go(k):\n"
	     "  s, t = pair()\n"
	     "  for i in range(300):\n"
	     "    d = bytes([k]) * (k * 97 + i * 11)\n"
	     "    t.send(d)\n"
	     "    if s.recv(9999) != d: bad.append(k)\n"
	     "a = [threading.Thread(target=go, args=(k,)) for k in range(16)]\n"
	     "for x in a: x.start()\n"
	     "for x in a: x.join()\n"
	     "print(len(bad))\n");
}

/* A process that may make no other calls than its program's own. */
Test(coded, a_confined_process_sends_encoded_and_too_long_is_emsgsize)
{
	says("EMSGSIZE EMSGSIZE worked True\n",
	     "import ctypes\n"
	     "libc = ctypes.CDLL(None)\n"
	     "p = [socket.socket(socket.AF_INET6, 9, 254), "
	     "socket.socket(socket.AF_INET6, 9, 254)]\n"
	     "p[0].bind((\"::1\", 0)); p[1].connect(p[0].getsockname())\n"
	     "libc.prctl(38, 1, 0, 0, 0)\n"
	     "class F(ctypes.Structure): _fields_ = [(\"n\", "
	     "ctypes.c_ushort), (\"p\", ctypes.c_void_p)]\n"
	     "allow = ctypes.create_string_buffer(struct.pack(\"HBBI\", 6, 0, "
	     "0, 0x7fff0000))\n"
	     "libc.prctl(22, 2, ctypes.byref(F(1, ctypes.addressof(allow))), "
	     "0, 0)\n"
	     "p[1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)\n"
	     "fails(p[1].send, b\"x\" * 65520)\n"
	     "fails(p[1].send, b\"x\" * 65512)\n"
	     "fails(p[1].send, b\"x\" * 65000)\n"
	     "print(p[0].recv(70000) == b\"x\" * 65000)\n");
}

Test(coded, a_confined_thread_with_a_small_stack_is_as_on_udp)
{
	static const char *const scenarios[] = { "on_a_small_stack", NULL };

	same("small", scenarios);
}

/* Nobody knows yet whether the socket will be adopted. */
Test(coded, a_filter_on_a_socket_that_may_be_adopted_is_refused)
{
	scratch_shell(
		&result,
		"COP_ADOPT=udp:5000 COP_TRANSPORT=254/9 " WITH
		"/usr/bin/python3 -c '"
		"import socket, struct, ctypes\n"
		"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
		"all = ctypes.create_string_buffer(struct.pack(\"HBBI\", 6, 0, "
		"0, 0xffffffff))\n"
		"try:\n"
		"    s.setsockopt(1, 26, struct.pack(\"HxxxxxxQ\", 1, "
		"ctypes.addressof(all)))\n"
		"except OSError as e:\n"
		"    print(e.errno)\n"
		"'");
	cr_expect_str_eq(result.out, "22\n", "%s", result.err);
}
