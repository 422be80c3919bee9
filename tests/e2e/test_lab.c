// SPDX-License-Identifier: MIT
/*
 * test_lab.c - the checks of the lab: COP and the skeleton pass them, and each wrong
 * transport of tests/lab fails the right one.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "scratch.h"

#define ROOT	 COP_TEST_DIR "/.."
#define LAB	 ROOT "/lab"
#define WRONGS	 COP_TEST_DIR "/lab"
#define SKELETON ROOT "/transports/skeleton"

/* In a network of its own, where it may have one: other tests take ports as well. */
#define ALONE                                                           \
	"PATH=$PATH:/usr/sbin:/sbin; net=; unshare -rn true 2>t && "    \
	"net='unshare -rn'; $net sh -c 'ip link set lo up 2>t; exec "   \
	"env -u MAKEFLAGS -u MAKELEVEL make -s -C " LAB " check LIB=\"" \
	"$LIB\" INCLUDEDIR=" ROOT "/include B=\"$PWD/b\" DIR=\"$PWD/m\" "

/* The checks that do not hold, and how they end, in one line. */
#define FAILED                                                                \
	"sed -nE 's/^  (NO|CRASH|HANGS|-) +([0-9.]+) .*/\\1 \\2/p' out | tr " \
	"'\\n' ' '"
#define FAILED_ITSELF "sed -i '/^  -/d' out; " FAILED

TestSuite(lab, .init = scratch_make, .timeout = 120);

static struct run_result result;

static void says(const char *out, const char *line)
{
	scratch_shell(&result, "%s", line);
	cr_expect_str_eq(result.out, out, "%s: %s%s", line, result.out,
			 result.err);
}

static void expect_text(const char *text, const char *where)
{
	scratch_shell(&result, "%s", where);
	cr_expect_not_null(strstr(result.out, text), "no \"%s\" in: %s", text,
			   result.out);
}

/* The lab's output in the file out. Returns its exit status. */
static int check(const char *options)
{
	return scratch_shell(&result, ALONE "%s' >out 2>&1", options);
}

/* That these checks do not hold; what the lab says, if others do not. */
static void expect_failed(const char *which, const char *filter)
{
	static struct run_result out;

	scratch_shell(&result, "%s", filter);
	scratch_shell(&out, "cat out");
	cr_expect_str_eq(result.out, which, "%s", out.out);
}

/* What it says, without the breaks between its lines. */
#define OUTPUT "tr -s ' \\n' ' ' <out"

/* ---- what is right ---------------------------------------------------------- */

Test(lab, all_holds_for_the_skeleton_but_the_rover)
{
	scratch_must("cp -r " SKELETON " m");
	cr_expect_neq(check(""), 0);
	expect_failed("NO 3.9 ", FAILED);
	expect_text("hint: The lowest free port is the one that was just "
		    "closed",
		    OUTPUT);
}

/* COP, as a module that is loaded, of another type than the COP in the library. */
static void make_cop(void)
{
	scratch_must("mkdir m && cp " ROOT "/transports/cop/cop.c " SKELETON
		     "/Makefile m && sed -i -e 's/^NAME .*/NAME := cop/' "
		     "-e 's/^TYPE .*/TYPE := 9/' "
		     "-e 's/^PROTOCOL .*/PROTOCOL := 253/' m/Makefile && "
		     "sed -i -e 's/SOCK_COP/9/' -e '/PERMANENT/d' "
		     "-e '/^extern struct proto/d' "
		     "-e 's/^struct proto cop_prot/static &/' m/cop.c && "
		     "printf '%%s\\n' 'type = 9' 'protocol = 253' "
		     "'header = 16' 'magic = 0 0xc0b1' 'source = 4' "
		     "'dest = 6' 'seq = 8 4' 'tstamp = 12' >m/lab.conf");
}

Test(lab, all_holds_for_cop)
{
	make_cop();
	cr_expect_eq(check(""), 0);
	expect_failed("", FAILED);
	expect_text("41 of 41 checks hold", "tail -1 out");
}

Test(lab, it_works_with_what_is_installed)
{
	scratch_must("cp -r " SKELETON " m && " SCRATCH_MAKE
		     "DESTDIR=$PWD/d PREFIX=/usr/local WIRESHARKDIR= install");
	cr_expect_eq(scratch_shell(&result,
				   "env -u MAKEFLAGS -u MAKELEVEL make -s "
				   "-C " LAB " check PREFIX=$PWD/d/usr/local "
				   "B=$PWD/b DIR=$PWD/m ONLY=2.1 >out 2>&1"),
		     0, "%s", result.err);
	expect_text("4 of 4 checks hold", "tail -1 out");
}

Test(lab, one_exercise_brings_the_checks_that_it_needs)
{
	scratch_must("cp -r " SKELETON " m");
	check("EXERCISE=4");
	says("1.1 1.2 1.3 2.1 3.1 3.2 3.4 3.5 3.6 3.8 4.1 4.2 4.3 4.4 4.5 4.6 "
	     "4.7 4.8 ",
	     "sed -nE 's/^  yes +([0-9.]+) .*/\\1/p' out | sort -V | "
	     "tr '\\n' ' '");
}

Test(lab, a_folder_that_can_not_be_checked_is_refused)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ ":", "which folder is meant?" },
		{ "mkdir m", "copy it from transports/skeleton" },
		{ "echo 'type = 8' >m/lab.conf", "lab.conf: 'protocol'" },
		{ "echo 'type = x' >m/lab.conf", "is missing or wrong" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scratch_must("%s", bad[i].line);
		cr_expect_neq(check(""), 0);
		expect_text(bad[i].why, "cat out");
	}
}

/* ---- whose fault a crash is -------------------------------------------------- */

/* A crash in the library with a report of crash.c that has no frame of a module. */
#define REPORT                                                               \
	"cd " LAB " && PYTHONDONTWRITEBYTECODE=1 python3 -c 'import check\n" \
	"import sys\n"                                                       \
	"library, frames = sys.argv[1], sys.argv[2:]\n"                      \
	"text = \"signal 11 0x8\\n\" + \"\".join(\n"                         \
	"    \"frame %%s\\n\" %% frame for frame in frames)\n"               \
	"print(check.Crash(text, \"/home/me/myp\", library).sentence("       \
	"False))' "

Test(lab, a_crash_of_libcop_is_not_the_modules)
{
	scratch_shell(&result, "f=$(nm $LIB | sed -n 's/ t cop_bind$//p'); "
			       "l=$(realpath $LIB); " REPORT
			       "$l \"1000 /usr/lib/libc.so.6\" \"$f $l\" "
			       "\"2000 /usr/bin/python3\"");
	cr_expect_not_null(strstr(result.out,
				  "SIGSEGV at address 0x8, in libcop "
				  "itself, in cop_bind() at bind.c:"),
			   "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(result.out, "probably no fault of yours"));
}

Test(lab, a_crash_elsewhere_is_nobodys)
{
	scratch_shell(&result, REPORT "/l/libcop.so \"2000 /usr/bin/python3\"");
	cr_expect_not_null(strstr(result.out,
				  "neither in your module nor in libcop"),
			   "%s%s", result.out, result.err);
}

/* A call through NULL has no frame, and a full stack no room for a handler. */
static const struct {
	const char *change, *who;
} crashes[] = {
	{ "s/return datagram_prot()->init(sk);/"
	  "int (*volatile none)(struct sock *) = NULL;\\n\\treturn none(sk);/",
	  "in skel_init_sock() at skeleton.c:" },
	{ "s/return datagram_prot()->init(sk);/"
	  "volatile char room[4096] = { 0 };\\n"
	  "\\treturn skel_prot.init(sk) + room[sk == NULL];/; "
	  "s/^static int skel_init_sock/static struct proto skel_prot;\\n&/",
	  "in skel_init_sock() at skeleton.c:" },
	{ "s/return datagram_prot()->init(sk);/abort();/; "
	  "s/^#include <errno.h>/&\\n#include <stdlib.h>/",
	  "SIGABRT in your module net-pf-2-proto-254-type-8.so, in "
	  "skel_init_sock() at skeleton.c:" },
	{ "s/return datagram_prot()->init(sk);/"
	  "memset((void *volatile){ (void *)64 }, 1, 4096); return 0;/; "
	  "s/^#include <errno.h>/&\\n#include <string.h>/",
	  "SIGSEGV at address 0x40, in your module" },
};

Test(lab, a_crash_in_each_way_names_the_module_and_the_function)
{
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++) {
		scratch_must("rm -rf m && cp -r " SKELETON
			     " m && sed -i '%s' m/skeleton.c",
			     crashes[i].change);
		check("ONLY=2.1");
		expect_failed("CRASH 2.1 ", FAILED);
		expect_text(crashes[i].who, OUTPUT);
	}
}

/* ---- what is wrong ------------------------------------------------------------ */

static void expect_wrong(const char *name)
{
	char expected[64];

	scratch_must("cp -r " SKELETON " m && sed -i -f " WRONGS
		     "/%s.sed m/skeleton.c && "
		     "! cmp -s m/skeleton.c " SKELETON "/skeleton.c",
		     name);
	check("");
	scratch_shell(&result,
		      "sed -n '1s/# \\(.*\\)/\\1 /p' " WRONGS
		      "/%s.sed | tr -d '\\n'",
		      name);
	cr_assert_lt(result.out_len, sizeof(expected));
	strcpy(expected, result.out);
	scratch_must("sed -i '/^  NO  *3\\.9 /d' out");
	expect_failed(expected, FAILED_ITSELF);
	scratch_shell(&result,
		      OUTPUT " | grep -F \"$(sed -n '2s/# //p' " WRONGS
			     "/%s.sed)\"",
		      name);
	cr_expect_eq(result.status, 0, "another message");
}

#define WRONG(name)                                                \
	Test(e2e_long, the_lab_finds_##name, .init = scratch_make, \
	     .timeout = 180)                                       \
	{                                                          \
		expect_wrong(#name);                               \
	}

WRONG(any_protocol)
WRONG(bad_argument)
WRONG(disconnect)
WRONG(endless)
WRONG(exit_crash)
WRONG(exported)
WRONG(first_queue)
WRONG(get_port_crash)
WRONG(init_crash)
WRONG(init_refused)
WRONG(leak)
WRONG(length)
WRONG(magic_order)
WRONG(memory)
WRONG(module_reference)
WRONG(no_claim)
WRONG(no_match)
WRONG(other_protocol)
WRONG(own_count)
WRONG(port_order)
WRONG(reference)
WRONG(seq_not_read)
WRONG(seq_order)
WRONG(strict_check)
WRONG(undefined)
WRONG(unhash)
WRONG(warning)
WRONG(wrong_errno)

/* A wrong transport that no test runs says nothing. */
Test(lab, every_wrong_transport_is_tried)
{
	says("", "cd " WRONGS " && for f in *.sed; do grep -q "
		 "\"^WRONG(${f%.sed})\" " COP_TEST_DIR
		 "/e2e/test_lab.c || echo $f; done");
}
