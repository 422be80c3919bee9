// SPDX-License-Identifier: MIT
/*
 * test_udplite.c - transports/udplite: the kernel's own UDP-Lite says what is right.
 * Where the kernel has none, the comparisons are skipped.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scratch.h"

#define MODULES	  COP_BUILD_DIR "/modules"
#define MODULE	  MODULES "/net-pf-2-proto-136-type-2.so"
#define PROG(dir) COP_BUILD_DIR "/tests/" dir "/udplite "
#define LOADED	  "COP_LOAD=" MODULE " LD_PRELOAD=$LIB "

static struct run_result kernel, module;

static bool has_kernels(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 136);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void make(void)
{
	scratch_make();
	if (!has_kernels())
		cr_skip_test("this kernel has no UDP-Lite to compare with");
}

TestSuite(udplite, .init = make, .timeout = 120);
TestSuite(udplite_alone, .init = scratch_make, .timeout = 120);

static void same_in(const char *prog, const char *scenario)
{
	scratch_shell(&kernel, "%skernel %s", prog, scenario);
	scratch_shell(&module, LOADED "%smodule %s", prog, scenario);
	cr_expect_eq(kernel.status, 0, "%s: %s", scenario, kernel.err);
	cr_expect_eq(module.status, 0, "%s: %s", scenario, module.err);
	cr_expect_str_eq(module.out, kernel.out, "%s:\n%s\nand not\n%s",
			 scenario, module.out, kernel.out);
}

static void same(const char *scenario)
{
	same_in(PROG("progs"), scenario);
	if (!access("/proc/net/if_inet6", F_OK))
		same_in(PROG("progs6"), scenario);
}

/* ---- as the kernel's -------------------------------------------------------- */

Test(udplite, coverages_have_the_values_of_the_kernel)
{
	same("values");
}

Test(udplite, options_have_the_errors_of_the_kernel)
{
	same("lengths");
	same("kinds");
}

Test(udplite, IP_PKTINFO_is_the_programs_own)
{
	same("pktinfo_option");
	same("control");
}

Test(udplite, datagrams_of_each_length_arrive)
{
	same("exchange");
}

Test(udplite, a_source_that_the_kernel_chooses_is_in_the_checksum)
{
	same("from_anywhere");
	same("source_by_message");
}

Test(udplite, what_was_sent_to_another_address_before_a_connect_still_arrives)
{
	same("queued_before_connect");
}

Test(udplite, each_coverage_that_is_sent_meets_each_that_is_wanted)
{
	same("coverages");
}

Test(udplite, a_receive_that_fails_leaves_the_programs_memory_alone)
{
	same("nothing_came");
}

Test(udplite, the_error_queue_is_that_of_the_kernel)
{
	same("errors");
}

Test(udplite, ports_are_shared_by_the_rule_of_udp)
{
	same("shared");
}

/* ---- on the wire ------------------------------------------------------------ */

/*
 * One program sends by the kernel's UDP-Lite and reads the packet from a raw socket. The
 * other one sends by the module and reads from a UDP socket. Ports and addresses are the
 * same, so header and payload must be, too. The raw socket gets the packets of other
 * tests as well, which have other ports.
 */
static const char wire[] =
	"import socket, sys\n"
	"own, f = sys.argv[1] == \"module\", int(sys.argv[2])\n"
	"a = \"127.0.0.1\" if f == 2 else \"::1\"\n"
	"r = socket.socket(f, *((2, 17) if own else (3, 136)))\n"
	"r.bind((a, 4143 if own else 0))\n"
	"k = None if own else socket.socket(f, 2, 136)\n"
	"if k: k.bind((a, 4143))\n"
	"for c in (None, 0, 1, 8, 9, 20, 72, 300, 65535):\n"
	"  s = socket.socket(f, 2, 136)\n"
	"  s.bind((a, 4142))\n"
	"  if c is not None: s.setsockopt(136, 10, c)\n"
	"  for n in (0, 1, 2, 3, 11, 12, 63, 64, 65, 1400, 2048, 2049, 9000):\n"
	"    s.sendto(bytes(i * 7 % 251 for i in range(n)), (a, 4143))\n"
	"    p = b\"\"\n"
	"    while p[:4] != b\"\\x10\\x2e\\x10\\x2f\": p = r.recv(70000)"
	"[20 if f == 2 and not own else 0:]\n"
	"    print(c, n, p.hex())\n"
	"  s.close()\n";

static void same_bytes(int family)
{
	scratch_shell(&kernel, "python3 -c '%s' kernel %d | cksum", wire,
		      family);
	scratch_shell(&module, LOADED "python3 -c '%s' module %d | cksum", wire,
		      family);
	cr_expect_str_eq(kernel.err, "", "%s", kernel.err);
	cr_expect_str_eq(module.err, "", "%s", module.err);
	cr_expect_str_eq(module.out, kernel.out, "family %d", family);
}

Test(udplite, header_and_checksum_are_the_bytes_that_the_kernel_sends)
{
	if (geteuid())
		cr_skip_test("a raw socket needs root");
	same_bytes(AF_INET);
	if (!access("/proc/net/if_inet6", F_OK))
		same_bytes(AF_INET6);
}

/* ---- what is dropped -------------------------------------------------------- */

/* Ten datagrams of a UDP socket: two are right, and each of the others has a fault. */
#define FORGE                                                                \
	"import socket, struct\n"                                            \
	"def total(b):\n"                                                    \
	"  b += b\"\\0\" * (len(b) %% 2)\n"                                  \
	"  n = sum(struct.unpack(\">%%dH\" %% (len(b) // 2), b))\n"          \
	"  while n >> 16: n = (n & 65535) + (n >> 16)\n"                     \
	"  return n\n"                                                       \
	"def lite(text, cov, flip=0, zero=False, covered=None):\n"           \
	"  n = 8 + len(text)\n"                                              \
	"  h = struct.pack(\">HHHH\", p, q, cov, 0)\n"                       \
	"  ip = b\"\\x7f\\0\\0\\1\" * 2 + struct.pack(\">HH\", 136, n)\n"    \
	"  c = total(ip + (h + text)[:(cov if covered is None else covered)" \
	" or n]) ^ 65535 or 65535\n"                                         \
	"  return h[:6] + struct.pack(\">H\", 0 if zero else c ^ flip) + "   \
	"text\n"                                                             \
	"u = socket.socket(2, 2); u.bind((\"127.0.0.1\", 0))\n"              \
	"s = socket.socket(2, 2, 136); s.bind((\"%s\", 0))\n"                \
	"p, q = u.getsockname()[1], s.getsockname()[1]\n"                    \
	"u.connect((\"127.0.0.1\", q))\n"                                    \
	"s.setblocking(False)\n"

#define SEND_FAULTS                                                      \
	"u.send(lite(b\"first\", 0))\n"                                  \
	"u.send(lite(b\"flip\", 0, flip=1))\n"                           \
	"u.send(lite(b\"zero\", 0, zero=True))\n"                        \
	"for c in (1, 2, 7): u.send(lite(b\"illegal\", c, covered=8))\n" \
	"u.send(lite(b\"beyond\", 15, covered=14))\n"                    \
	"u.send(lite(b\"beyond\", 65535, covered=14))\n"                 \
	"u.send(b\"short\")\n"                                           \
	"u.send(lite(b\"last\", 8)[:-4] + b\"torn\")\n"                  \
	"got = []\n"                                                     \
	"for i in range(20):\n"                                          \
	"  try: got.append(s.recv(99))\n"                                \
	"  except BlockingIOError: pass\n"                               \
	"print(got)\n"

static void counts(const char *bound, const char *more, const char *out,
		   const char *figures)
{
	char script[4096];

	snprintf(script, sizeof(script), FORGE "%s" SEND_FAULTS "s.close()",
		 bound, more);
	scratch_shell(&module,
		      "COP_STATS=stderr " LOADED "timeout 60 python3 -c '%s'",
		      script);
	cr_expect_str_eq(module.out, out, "%s%s", module.out, module.err);
	cr_expect_not_null(strstr(module.err, figures), "no \"%s\" in %s",
			   figures, module.err);
	cr_expect_not_null(strstr(module.err, " stray_short=1 "), "%s",
			   module.err);
}

Test(udplite_alone,
     illegal_coverages_and_wrong_checksums_are_dropped_and_counted)
{
	static const char *const bound[] = { "127.0.0.1", "0.0.0.0" };

	for (int i = 0; i < 2; i++)
		counts(bound[i], "", "[b'first', b'torn']\n",
		       " coverage_illegal=5 coverage_refused=0 "
		       "checksum_zero=1 checksum_wrong=1 checksum_unknown=0");
}

Test(udplite_alone,
     less_coverage_than_UDPLITE_RECV_CSCOV_is_dropped_and_counted)
{
	counts("127.0.0.1", "s.setsockopt(136, 11, 9)\n", "[b'first']\n",
	       " coverage_illegal=5 coverage_refused=1 "
	       "checksum_zero=1 checksum_wrong=1 checksum_unknown=0");
}

Test(udplite_alone, a_receive_that_blocks_waits_on_behind_what_is_dropped)
{
	scratch_shell(&module,
		      LOADED "timeout 60 python3 -c '" FORGE
			     "import threading\n"
			     "s.setblocking(True)\n"
			     "for i in range(3): u.send(lite(b\"x\", 7))\n"
			     "threading.Timer(0.3, lambda: "
			     "u.send(lite(b\"good\", 8))).start()\n"
			     "print(s.recv(99), s.getsockopt(1, 4))'",
		      "127.0.0.1");
	cr_expect_str_eq(module.out, "b'good' 0\n", "%s%s", module.out,
			 module.err);
}

Test(udplite_alone, cop_stat_says_why_datagrams_were_dropped)
{
	static const char *const outs[] = { "", "--json" };
	static const char *const figures[] = {
		"coverage_illegal=5 coverage_refused=0 checksum_zero=1 "
		"checksum_wrong=1",
		"\"counters\":{\"coverage_illegal\":5,"
	};

	for (int i = 0; i < 2; i++) {
		scratch_shell(&module,
			      LOADED "timeout 60 python3 -c '" FORGE SEND_FAULTS
				     "import os, subprocess, sys\n"
				     "del os.environ[\"LD_PRELOAD\"]\n"
				     "sys.stdout.flush()\n"
				     "subprocess.run([\"%s\", \"stat\", "
				     "\"-p\", str(os.getpid())] + "
				     "\"%s\".split())'",
			      "127.0.0.1", COP_BIN, outs[i]);
		cr_expect_not_null(strstr(module.out, figures[i]),
				   "no %s in %s%s", figures[i], module.out,
				   module.err);
	}
}

/* A filter of the library's own is there once a program has polled. */
Test(udplite_alone, a_socket_stays_UDP_Lite_over_an_exec)
{
	static const char *const wait[] = { "",
					    "select.select([s], [], [], 0)" };

	for (int i = 0; i < 2; i++) {
		scratch_shell(&module,
			      LOADED
			      "timeout 60 python3 -c 'if 1:\n"
			      "  import os, select, socket\n"
			      "  s = socket.socket(2, 2, 136)\n"
			      "  s.bind((\"127.0.0.1\", 0))\n"
			      "  %s\n"
			      "  os.dup2(s.fileno(), 9)\n"
			      "  os.execlp(\"python3\", \"python3\", \"-c\", "
			      "\"import socket\\n\"\n"
			      "    \"s = socket.socket(fileno=9)\\n\"\n"
			      "    \"s.sendto(b\\\"text\\\", "
			      "s.getsockname())\\n\"\n"
			      "    \"print(s.proto, s.recv(9), "
			      "s.getsockopt(136, 11))\")'",
			      wait[i]);
		cr_expect_str_eq(module.out, "136 b'text' 0\n", "%s%s",
				 module.out, module.err);
	}
}

/* ---- in Wireshark ----------------------------------------------------------- */

static const char capture[] =
	"import struct\n"
	"f = open(\"c.pcap\", \"wb\")\n"
	"f.write(struct.pack(\"<IHHIIII\", 0xa1b2c3d4, 2, 4, 0, 0, 65535, "
	"101))\n"
	"for p in (struct.pack(\">HHHH\", 4142, 4143, 8, 7) + b\"hello\", "
	"b\"noise 12345\"):\n"
	"  u = struct.pack(\">HHHH\", 4142, 4143, 8 + len(p), 0) + p\n"
	"  u = struct.pack(\">BBHHHBBH4s4s\", 0x45, 0, 20 + len(u), 0, 0, 64, "
	"17, 0, b\"\\x7f\\0\\0\\1\", b\"\\x7f\\0\\0\\1\") + u\n"
	"  f.write(struct.pack(\"<IIII\", 1000, 0, len(u), len(u)) + u)\n";

Test(udplite_alone, wireshark_shows_headers_that_begin_with_the_ports)
{
	if (scratch_shell(&module, "command -v tshark"))
		cr_skip_test("tshark is not installed");
	scratch_must("python3 -c '%s' && mkdir m && cp " COP_TEST_DIR
		     "/../transports/udplite/udplite.lua m && "
		     "chmod -R a+rwX .",
		     capture);
	scratch_shell(&module, "HOME=$PWD COP_MODULES=$PWD/m tshark -n "
			       "-X lua_script:" COP_TEST_DIR
			       "/../tools/cop.lua -r c.pcap -T fields "
			       "-e _ws.col.Protocol -e lite.coverage");
	cr_expect_str_eq(module.out, "Lite\t8\nUDP\t\n", "%s%s", module.out,
			 module.err);
	scratch_shell(&module,
		      "HOME=$PWD COP_MODULES=$PWD/m tshark -n -V "
		      "-X lua_script:" COP_TEST_DIR "/../tools/cop.lua "
		      "-r c.pcap | sed -n '/^Lightweight/,/^Data/p' | head -5");
	cr_expect_str_eq(module.out,
			 "Lightweight User Datagram, as udplite.lua describes "
			 "it\n    Source port: 4142\n"
			 "    Destination port: 4143\n"
			 "    Checksum coverage: 8\n    Checksum: 0x0007\n",
			 "%s%s", module.out, module.err);
}

/* ---- a kernel without UDP-Lite ---------------------------------------------- */

/*
 * Behind a filter with which the kernel has no UDP-Lite. The library takes a filter for
 * the container's if process 1 has it, too: so the command is process 1.
 */
#define WITHOUT PROG("progs") "refused unshare --pid --fork --mount-proc env "

static void need_namespaces(void)
{
	scratch_make();
	if (scratch_shell(&module, WITHOUT "true"))
		cr_skip_test("no seccomp or no namespaces here: %s",
			     module.err);
}

Test(udplite_alone, a_kernel_without_it_says_EPROTONOSUPPORT,
     .init = need_namespaces)
{
	static const char refused[] =
		"socket(PF_INET, SOCK_DGRAM, UDPLITE) = -1 EPROTONOSUPPORT\n";

	scratch_shell(&module, WITHOUT PROG("progs") "kernel none");
	cr_expect_str_eq(module.out, refused, "%s", module.err);
	scratch_shell(&module,
		      WITHOUT "LD_PRELOAD=$LIB " PROG("progs") "kernel none");
	cr_expect_str_eq(module.out, refused, "%s", module.err);
}

/* By its name alone, as the kernel would ask for net-pf-2-proto-136-type-2. */
Test(udplite_alone, where_the_kernel_refuses_it_the_module_comes_by_its_name,
     .init = need_namespaces)
{
	static const char *const progs[] = { PROG("progs"), PROG("progs6") };
	static const char *const scenarios[] = { "values", "exchange",
						 "from_anywhere", "coverages" };
	const int families = access("/proc/net/if_inet6", F_OK) ? 1 : 2;

	for (int i = 0; i < 4 * families; i++) {
		const char *prog = progs[i / 4], *scenario = scenarios[i % 4];

		scratch_shell(&kernel, LOADED "%smodule %s", prog, scenario);
		scratch_shell(&module,
			      WITHOUT "LD_PRELOAD=$LIB COP_MODULES=" MODULES
				      " %smodule %s",
			      prog, scenario);
		cr_expect_eq(module.status, 0, "%s", module.err);
		cr_expect_str_eq(module.out, kernel.out, "%s: %s%s", scenario,
				 module.out, module.err);
	}
}
