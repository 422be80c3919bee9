// SPDX-License-Identifier: MIT
/*
 * test_transports.c - transports that are loaded when a program asks for them.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "scratch.h"
#include "skeleton.h"

#define ASK COP_BUILD_DIR "/tests/progs/modules "

static struct run_result result;

#define WITH "COP_DEBUG=1 COP_MODULES=$PWD/m LD_PRELOAD=$LIB "

/* ---- the header ----------------------------------------------------------- */

Test(transports, the_public_header_stands_alone, .init = scratch_make)
{
	scratch_must("echo '#include <cop_transport.h>' >t.c && "
		     "cc -I" ROOT "/include -Wall -Wextra -pedantic -Werror "
		     "-c t.c");
}

Test(transports, a_module_exports_one_symbol_and_needs_none_of_the_librarys,
     .init = make_skeleton)
{
	scratch_says(&result, "cop_module\n",
		     "nm -D --defined-only m/" NAME ".so | sed -n 's/.* //p'");
	scratch_says(&result, "",
		     "nm -D --undefined-only m/" NAME ".so | grep -v -e ' w ' "
		     "-e @GLIBC");
}

Test(transports, the_skeleton_has_at_most_120_lines)
{
	scratch_says(&result, "yes\n",
		     "[ $(wc -l <" SKELETON "/skeleton.c) -le 120 ] && "
		     "echo yes");
}

/* ---- the way of a student ------------------------------------------------- */

#define EXCHANGE                                                            \
	"import socket\n"                                                   \
	"a = socket.socket(socket.AF_INET, 8, 254)\n"                       \
	"b = socket.socket(socket.AF_INET, 8, 0)\n"                         \
	"c = socket.socket(socket.AF_INET6, 8, 254)\n"                      \
	"udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"          \
	"for s in a, udp: s.bind((\"127.0.0.1\", 0))\n"                     \
	"b.sendto(b\"question\", a.getsockname())\n"                        \
	"text, back = a.recvfrom(100)\n"                                    \
	"print(text, back == (\"127.0.0.1\", b.getsockname()[1]))\n"        \
	"c.bind((\"::1\", 0))\n"                                            \
	"c.sendto(b\"six\", c.getsockname())\n"                             \
	"print(c.recv(100))\n"                                              \
	"a.sendto(b\"wire\", udp.getsockname())\n"                          \
	"wire = udp.recv(100)\n"                                            \
	"print(len(wire), wire[:2], wire[8:])\n"                            \
	"print(int.from_bytes(wire[2:4], \"big\") == a.getsockname()[1])\n" \
	"print(int.from_bytes(wire[4:6], \"big\") == udp.getsockname()[1])\n"

Test(transports, the_skeleton_works_from_what_is_installed,
     .init = scratch_make)
{
	scratch_must(SCRATCH_MAKE
		     "DESTDIR=$PWD/destination PREFIX=/usr/local install && "
		     "cp -r " SKELETON " mine && cd mine && "
		     "make -s INCLUDEDIR=../destination/usr/local/include && "
		     "[ -d ../destination/usr/local/lib/cop ] && "
		     "cat >exchange.py <<'EOF'\n" EXCHANGE "EOF\n");
	scratch_says(&result,
		     "b'question' True\nb'six'\n12 b'SK' b'wire'\nTrue\nTrue\n",
		     "cd mine && COP_DEBUG=1 COP_MODULES=. "
		     "LD_PRELOAD=../destination/usr/local/lib/libcop.so "
		     "python3 exchange.py");
	scratch_says_in_stderr(&result, "skel_init_sock() was called");
}

Test(transports, a_capture_shows_the_header_of_8_bytes, .init = make_skeleton)
{
	if (geteuid())
		cr_skip("a capture needs root");
	scratch_says(&result, "534b102e102e000068656c6c6f\n",
		     "tcpdump -i lo -U -w c.pcap udp port 4142 2>t & "
		     "while [ ! -s c.pcap ]; do sleep 0.1; done; " WITH
		     "python3 -c 'import socket\n"
		     "s = socket.socket(socket.AF_INET, 8, 254)\n"
		     "s.bind((\"127.0.0.1\", 4142))\n"
		     "s.sendto(b\"hello\", s.getsockname())\n"
		     "s.recv(9)'; sleep 1; kill $!; wait $!; "
		     "tshark -r c.pcap -T fields -e udp.payload 2>/dev/null");
}

Test(transports, the_lowest_free_port_of_the_shortest_queue_is_taken,
     .init = make_skeleton)
{
	scratch_says(
		&result, "0 1 2 True\n",
		WITH
		"python3 -c 'import socket\n"
		"s = [socket.socket(socket.AF_INET, 8, 254) for i in "
		"range(3)]\n"
		"for x in s: x.bind((\"127.0.0.1\", 0))\n"
		"low = int(open(\"/proc/sys/net/ipv4/ip_local_port_range\")"
		".read().split()[0])\n"
		"p = [x.getsockname()[1] for x in s]\n"
		"print(*[x % 128 for x in p], p[0] < low + 128 + 128)'");
}

/* ---- who is asked, in which order ----------------------------------------- */

Test(transports, the_kernel_is_asked_before_the_directories,
     .init = make_skeleton)
{
	scratch_says(
		&result,
		"socket(AF_INET\nm/" NAME ".so\nm/net-pf-2-proto-254.so\n",
		"rm m/*.so; echo no >m/" NAME ".so; "
		"COP_MODULES=$PWD/none:$PWD/m strace -o trace -E "
		"LD_PRELOAD=$LIB "
		"-E COP_MODULES=$PWD/none:$PWD/m -e trace=%file,socket " ASK
		"ask >out; sed -n -e 's/\\(socket(AF_INET\\), 0x8.*/\\1/p' "
		"-e 's/^.*stat.*(.*\\/\\(m\\/net[^\"]*\\).*/\\1/p' trace");
}

Test(transports, a_refusal_is_remembered, .init = scratch_make)
{
	scratch_says(&result, "ESOCKTNOSUPPORT\n2000\n1\n1\n",
		     "mkdir m; strace -o trace -E LD_PRELOAD=$LIB "
		     "-E COP_MODULES=$PWD/m -e trace=%file,socket " ASK
		     "ask 2000; "
		     "grep -c socket trace; grep -c m/" NAME ".so trace; "
		     "grep -c m/net-pf-2-proto-254.so trace");
}

Test(transports, a_module_of_the_shorter_name_is_found, .init = make_skeleton)
{
	scratch_says(&result, "a socket\n",
		     "rm m/net-pf-10* m/*proto-0*; mv m/" NAME
		     ".so m/net-pf-2-proto-254.so; " WITH ASK "ask");
}

Test(transports, a_type_that_a_module_has_keeps_the_kernels_errors,
     .init = make_skeleton)
{
	scratch_says(&result, "94 93 22 94 97\n",
		     WITH "python3 -c 'import socket\n"
			  "e = []\n"
			  "def f(*a):\n"
			  "  try: socket.socket(*a)\n"
			  "  except OSError as x: e.append(x.errno)\n"
			  "f(2, 9, 254)\n"
			  "f(2, 8, 254)\n"
			  "f(2, 8, 77)\n"
			  "f(2, 8, 300)\n"
			  "f(2, 9, 254)\n"
			  "f(12, 8, 254)\n"
			  "print(*e)'");
}

Test(transports, a_family_of_a_module_is_found, .init = scratch_make)
{
	scratch_must("mkdir m && cat >m/f.c <<'EOF'\n"
		     "#include <cop_transport.h>\n"
		     "static int make(struct socket *s, int f, int p)\n"
		     "{ return f == 12 ? inet_create(s, PF_INET, p) : -1; }\n"
		     "static struct net_proto_family fam = { 12, 0, make };\n"
		     "static int begin(void) { return sock_register(&fam); }\n"
		     "static void end(void) { sock_unregister(12); }\n"
		     "module_init(begin);\n"
		     "module_exit(end);\n"
		     "MODULE_TRANSPORT(\"family\", \"1\");\n"
		     "EOF\n"
		     "cc -I" ROOT "/include -fPIC -shared -o m/net-pf-12.so "
		     "m/f.c");
	scratch_says(&result, "a COP socket\n",
		     WITH
		     "python3 -c 'import socket\n"
		     "s = socket.socket(12, 7, 0)\n"
		     "t = socket.socket(socket.AF_INET, 7, 0, s.detach())\n"
		     "t.bind((\"127.0.0.1\", 0))\n"
		     "t.sendto(b\"a COP socket\", t.getsockname())\n"
		     "print(t.recv(99).decode())'");
}

/* ---- modules that can't be used ------------------------------------------- */

static const struct {
	const char *change, *header, *line, *why;
} bad[] = {
	{ "", "", "echo text >m/" NAME ".so", "it is no ELF file" },
	{ "", "", "truncate -s 9000 m/" NAME ".so", "it is cut off" },
	{ "", "",
	  "printf '\\267' | dd of=m/" NAME
	  ".so bs=1 seek=18 conv=notrunc 2>/dev/null",
	  "it is for another architecture" },
	{ "", "", "chmod 0 m/" NAME ".so", "" },
	{ "", "s/define COP_TRANSPORT_ABI .*/define COP_TRANSPORT_ABI 999/",
	  ":", "it was built for another version of cop_transport.h" },
	{ "/^MODULE_TRANSPORT/d", "s/^#define module_\\(init\\|exit\\)/&/", ":",
	  "it has no struct module" },
	{ "s/return err ? err :.*/return -EXDEV;/", "", ":",
	  "its init returned -18" },
	{ "s/return err ? err :.*/return err + missing();/; "
	  "s/^static int skel_init(void)/int missing(void);&/",
	  "", ":", "undefined symbol: missing" },
	{ "s/\\t.wire = /.obj_size = 3, &/", "", ":", "obj_size is wrong" },
};

Test(transports, a_module_that_can_not_be_used_leaves_the_kernels_answer)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make_variant(bad[i].change, bad[i].header);
		scratch_must("%s", bad[i].line);
		if (!*bad[i].why && !geteuid())
			continue;
		scratch_says(&result, "ESOCKTNOSUPPORT\n", WITH ASK "ask 3");
		scratch_says_in_stderr(&result, bad[i].why);
	}
}

Test(transports, without_COP_DEBUG_nothing_is_said, .init = scratch_make)
{
	scratch_says(&result, "ESOCKTNOSUPPORT\n",
		     "mkdir m; echo >m/" NAME ".so; "
		     "COP_MODULES=m LD_PRELOAD=$LIB " ASK "ask");
	cr_expect_str_eq(result.err, "");
}

Test(transports, a_message_of_dlopen_stays, .init = scratch_make)
{
	scratch_must("mkdir m && echo damaged >m/" NAME ".so");
	scratch_shell(&result, WITH ASK "dlerror");
	cr_expect_not_null(strstr(result.out, "/nowhere/at/all.so"), "%s",
			   result.out);
}

Test(transports, a_capability_that_a_program_has_not_is_eperm)
{
	if (geteuid())
		cr_skip("needs root, to give up privileges");
	make_variant("s/.type = SOCK_SKEL,/& .capability = 13,/", "");
	scratch_says(&result, "a socket\n", WITH ASK "ask");
	scratch_says(&result, "EPERM\n",
		     WITH "setpriv --bounding-set -all --inh-caps -all " ASK
			  "ask");
}

/* ---- processes and threads ------------------------------------------------ */

Test(transports, threads_that_ask_at_once_load_it_once, .init = make_skeleton)
{
	scratch_must("sed -i 's/int err = proto_reg/pr_info(\"BEGIN\"); &/' "
		     "m/skeleton.c && make -s -C m INCLUDEDIR=" ROOT
		     "/include");
	scratch_says(&result, "16 sockets\n", WITH ASK "threads");
	cr_assert_not_null(strstr(result.err, "BEGIN"));
	cr_expect_null(strstr(strstr(result.err, "BEGIN") + 1, "BEGIN"), "%s",
		       result.err);
}

Test(transports, a_child_loads_nothing_where_libc_can_not,
     .init = make_skeleton)
{
	scratch_says(&result, "child 0, parent 1\n", WITH ASK "vfork");
	scratch_says(&result, "child 1, parent 1\n", WITH ASK "fork");
	scratch_says(&result, "child 0, parent 1\n", WITH ASK "forked");
}

/* ---- COP_LOAD ------------------------------------------------------------- */

Test(transports, COP_LOAD_loads_at_the_start, .init = make_skeleton)
{
	scratch_says(&result, "a socket\n",
		     "COP_LOAD=m/" NAME ".so LD_PRELOAD=$LIB " ASK "ask");
	scratch_says(&result, "a socket\n",
		     "COP_LOAD=m/" NAME ".so LD_PRELOAD=$LIB " ASK "handler");
	scratch_says(&result, "child 1, parent 1\n",
		     "COP_LOAD=m/" NAME ".so LD_PRELOAD=$LIB " ASK "forked");
	scratch_says(&result, "child 1, parent 1\n",
		     "COP_LOAD=m/" NAME ".so LD_PRELOAD=$LIB " ASK "vfork");
	scratch_says(&result, "ESOCKTNOSUPPORT\n",
		     "COP_DEBUG=1 COP_LOAD=none.so "
		     "LD_PRELOAD=$LIB " ASK "ask");
	scratch_says_in_stderr(
		&result, "none.so can't be loaded: there is no such file");
}

Test(transports, cop_run_names_files_and_directories, .init = make_skeleton)
{
	scratch_says(&result, "a socket\n", "$COP run --modules m " ASK "ask");
	scratch_says(&result, "a socket\n",
		     "$COP run --modules=none --modules=m " ASK "ask");
	scratch_says(&result, "a socket\n",
		     "$COP run --load m/" NAME ".so " ASK "handler");
	scratch_says(&result, "a socket\n",
		     "$COP run --modules m sh -c 'cd / && " ASK "ask'");
}

/* ---- exec ----------------------------------------------------------------- */

#define EXEC                                                         \
	"python3 -c 'import socket, os, sys\n"                       \
	"s = socket.socket(socket.AF_INET, 8, 254)\n"                \
	"s.bind((\"127.0.0.1\", 0))\n"                               \
	"s.sendto(b\"before\", s.getsockname())\n"                   \
	"os.dup2(s.fileno(), 9)\n"                                   \
	"os.execv(sys.executable, [sys.executable, \"-c\", \"\"\"\n" \
	"import socket\n"                                            \
	"s = socket.socket(socket.AF_INET, 8, 254, 9)\n"             \
	"print(s.recv(100))\n"                                       \
	"s.sendto(b\\\"after\\\", s.getsockname())\n"                \
	"print(s.recv(100))\n"                                       \
	"\"\"\"])'"

Test(transports, a_socket_stays_of_its_transport_over_an_exec,
     .init = make_skeleton)
{
	scratch_says(&result, "b'before'\nb'after'\n", WITH EXEC);
	scratch_says(&result, "b'before'\nb'after'\n",
		     "COP_LOAD=$PWD/m/" NAME ".so LD_PRELOAD=$LIB " EXEC);
}

Test(transports, the_exit_of_a_module_is_called, .init = make_skeleton)
{
	scratch_must("sed -i 's/^\\tinet_unregister/\\tpr_info(\"END\");&/' "
		     "m/skeleton.c && make -s -C m INCLUDEDIR=" ROOT
		     "/include");
	scratch_says(&result, "a socket\n", WITH "COP_DEBUG=2 " ASK "ask 3");
	scratch_says_in_stderr(&result, "END");
	scratch_says_in_stderr(&result, "module skeleton ends with 1 sockets");
}
