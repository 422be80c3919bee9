// SPDX-License-Identifier: MIT
/*
 * test_modules.c - files that are no module, damaged modules, and what a program keeps
 * while one is loaded. test_transports.c has those that work.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "scratch.h"

#define ROOT	 COP_TEST_DIR "/.."
#define SKELETON ROOT "/transports/skeleton"
#define ASK	 COP_BUILD_DIR "/tests/progs/modules "
#define DAMAGED	 COP_BUILD_DIR "/tests/progs/damaged "
#define NAME	 "net-pf-2-proto-254-type-8"
#define WITH	 "COP_DEBUG=1 COP_MODULES=$PWD/m LD_PRELOAD=$LIB "

static struct run_result result;

static void make_skeleton(void)
{
	scratch_make();
	scratch_must("cp -r " SKELETON " m && make -s -C m INCLUDEDIR=" ROOT
		     "/include");
}

TestSuite(modules, .init = make_skeleton, .timeout = 120);

static void says(const char *out, const char *line)
{
	scratch_shell(&result, "%s", line);
	cr_expect_str_eq(result.out, out, "%s: %s%s", line, result.out,
			 result.err);
}

static void says_in_stderr(const char *text)
{
	cr_expect_not_null(strstr(result.err, text), "no \"%s\" in: %s", text,
			   result.err);
}

/* ---- what can not be a module ---------------------------------------------- */

static const struct {
	const char *line, *why;
} wrong[] = {
	{ ":> m/" NAME ".so", "it is no ELF file" },
	{ "rm m/" NAME ".so && mkfifo m/" NAME ".so", "it is no file" },
	{ "rm m/" NAME ".so && mkdir m/" NAME ".so", "it is no file" },
	{ "ln -sf /dev/zero m/" NAME ".so", "it is no file" },
	{ "ln -sf /dev/tty m/" NAME ".so", "it is no file" },
	{ "ln -sf " NAME ".so m/" NAME ".so", "it can't be opened" },
	{ "printf '\\001' | dd of=m/" NAME ".so bs=1 seek=4 conv=notrunc",
	  "it is for another architecture" },
	{ "printf '\\002' | dd of=m/" NAME ".so bs=1 seek=5 conv=notrunc",
	  "it is for another architecture" },
	{ "printf '\\050' | dd of=m/" NAME ".so bs=1 seek=18 conv=notrunc",
	  "it is for another architecture" },
	{ "printf '\\001' | dd of=m/" NAME ".so bs=1 seek=16 conv=notrunc",
	  "it is no shared object" },
	{ "truncate -s 63 m/" NAME ".so", "it is no ELF file" },
	{ "truncate -s 64 m/" NAME ".so", "it is damaged" },
	{ "truncate -s 4096 m/" NAME ".so", "it is cut off" },
};

Test(modules, a_file_that_is_no_module_is_refused_at_once)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		scratch_must("rm -rf m/" NAME ".so && make -s -C m INCLUDEDIR="
			     "" ROOT "/include && %s 2>/dev/null",
			     wrong[i].line);
		says("ESOCKTNOSUPPORT\n",
		     "timeout -k 1 20 env " WITH ASK "ask 2");
		says_in_stderr(wrong[i].why);
	}
}

/* Its writer waits on for a reader. */
Test(modules, a_fifo_has_no_reader_for_a_moment)
{
	says("ESOCKTNOSUPPORT\n",
	     "rm m/" NAME ".so && mkfifo m/" NAME ".so; "
	     "(: >m/" NAME ".so; echo awake) & sleep 0.2; " WITH ASK "ask; "
	     "sleep 0.2; kill $!");
}

Test(modules, a_file_that_the_program_may_not_read_is_refused)
{
	if (geteuid())
		cr_skip("needs root, to give up privileges");
	scratch_must("chmod 0 m/" NAME ".so");
	says("ESOCKTNOSUPPORT\n",
	     WITH "setpriv --bounding-set -all --inh-caps -all " ASK "ask");
	says_in_stderr("it can't be read");
}

/* ---- what has no module ----------------------------------------------------- */

static const struct {
	const char *source, *why;
} foreign[] = {
	{ "int other;", "it has no struct module" },
	{ "void cop_module(void) { }", "its cop_module is no struct module" },
	{ "const int cop_module[99] = { 1 };",
	  "its cop_module is no struct module" },
	{ "_Thread_local int cop_module[99] = { 1 };",
	  "its cop_module is no struct module" },
	{ "int cop_module = 1;", "" },
	{ "long cop_module[99] = { 1 };", "its struct module is damaged" },
	{ "long cop_module[99] = { 1, 8, 8, 8, 8 };",
	  "its struct module is damaged" },
	{ "long cop_module[99] = { 2 };", "another version" },
	{ "char room[999] = \"x\"; struct { char unaligned; int abi; } "
	  "__attribute__((packed)) cop_modules = { 1, 1 }; "
	  "asm(\".globl cop_module\\ncop_module = cop_modules + 1\");",
	  "its cop_module is no struct module" },
};

Test(modules, an_object_without_a_struct_module_is_refused)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		scratch_must("cat >m/x.c <<'EOF'\n%s\nEOF\n"
			     "cc -fPIC -shared -o m/" NAME ".so m/x.c",
			     foreign[i].source);
		says("ESOCKTNOSUPPORT\n", WITH ASK "ask 2");
		says_in_stderr(foreign[i].why);
	}
}

/* ---- init ------------------------------------------------------------------ */

/* sed's commands for the skeleton's skel_init(). */
static void change_init(const char *change)
{
	scratch_must("cp " SKELETON "/skeleton.c m && sed -i '%s' "
		     "m/skeleton.c && make -s -C m INCLUDEDIR=" ROOT "/include",
		     change);
}

Test(modules, what_an_init_has_registered_before_it_failed_is_not_found)
{
	change_init("s/return err ? err : \\(.*\\);/\\1; return -EXDEV;/");
	says("ESOCKTNOSUPPORT\n", WITH ASK "ask 3");
	says_in_stderr("its init returned -18");
	says("0 sockets\n", WITH ASK "threads");
}

Test(modules, an_init_that_asks_for_its_own_type_gets_the_refusal)
{
	change_init("s/return err ? err :/"
		    "pr_info(\"INIT %d %d\", socket(AF_INET, 8, 254), errno); "
		    "&/");
	says("a socket\n", WITH ASK "ask 3");
	says_in_stderr("INIT -1 94");
}

Test(modules, a_constructor_that_asks_for_its_own_type_gets_the_refusal)
{
	change_init("$a __attribute__((constructor)) static void early(void) "
		    "{ if (socket(AF_INET, 8, 254) >= 0) __builtin_trap(); }");
	says("a socket\n", WITH ASK "ask 3");
	says("16 sockets\n", WITH ASK "threads");
}

Test(modules, threads_that_ask_at_once_for_a_family_all_get_it)
{
	scratch_must("cat >m/f.c <<'EOF'\n"
		     "#include <cop_transport.h>\n"
		     "#include <unistd.h>\n"
		     "static int make(struct socket *s, int f, int p)\n"
		     "{ (void)f; return inet_create(s, PF_INET, p); }\n"
		     "static struct net_proto_family fam = { 12, 0, make };\n"
		     "static int begin(void)\n"
		     "{ usleep(100000); return sock_register(&fam); }\n"
		     "static void end(void) { sock_unregister(12); }\n"
		     "module_init(begin);\n"
		     "module_exit(end);\n"
		     "MODULE_TRANSPORT(\"family\", \"1\");\n"
		     "EOF\n"
		     "cc -I" ROOT "/include -fPIC -shared -o m/net-pf-12.so "
		     "m/f.c");
	says("8\n", WITH "python3 -c 'import socket, threading\n"
			 "got = []\n"
			 "def f():\n"
			 "  try: got.append(socket.socket(12, 7, 0))\n"
			 "  except OSError: pass\n"
			 "t = [threading.Thread(target=f) for i in range(8)]\n"
			 "for x in t: x.start()\n"
			 "for x in t: x.join()\n"
			 "print(len(got))'");
}

/* ---- damage ------------------------------------------------------------------ */

#define COPY   "d/" NAME ".so"
#define DAMAGE "mkdir d; COP_MODULES=$PWD/d LD_PRELOAD=$LIB " DAMAGED

Test(modules, a_module_that_is_cut_off_anywhere_ends_no_program)
{
	says("all\n", DAMAGE "cut m/" NAME ".so " COPY " 2>/dev/null");
}

Test(modules, a_changed_byte_ends_no_program_that_dlopen_would_not_end)
{
	says("all\n", DAMAGE "flip m/" NAME ".so " COPY " 2000 1 2>/dev/null");
}

/* ---- what the program keeps --------------------------------------------------- */

Test(modules, errno_stays_when_the_first_socket_loads_its_module)
{
	says("a socket, ERANGE\na socket, ERANGE\n", WITH ASK "errno");
	says("refused, ESOCKTNOSUPPORT\nrefused, ESOCKTNOSUPPORT\n",
	     "LD_PRELOAD=$LIB " ASK "errno");
}

static bool libc_keeps_messages(void)
{
	return !scratch_shell(&result,
			      "python3 -c 'import ctypes\n"
			      "exit(not ctypes.CDLL(None).dlvsym(None, "
			      "b\"__libc_dlerror_result\", "
			      "b\"GLIBC_PRIVATE\"))'");
}

Test(modules, a_message_of_dlopen_stays_when_a_module_is_loaded)
{
	if (!libc_keeps_messages())
		cr_skip("this libc has its messages elsewhere");
	says("/nowhere/at/all.so: cannot open shared object file: No such "
	     "file or directory\n",
	     WITH ASK "dlerror");
	change_init("s/^static int skel_init(void)/int missing(void);&/; "
		    "s/return err ? err :/return err + missing() +/");
	says("/nowhere/at/all.so: cannot open shared object file: No such "
	     "file or directory\n",
	     WITH ASK "dlerror");
	says_in_stderr("undefined symbol: missing");
}

/* libc keeps its memory of the constructor's failure, without a message. */
Test(modules, a_message_of_dlopen_stays_over_those_of_a_constructor)
{
	if (!libc_keeps_messages())
		cr_skip("this libc has its messages elsewhere");
	change_init("$a void *dlopen(const char *, int); "
		    "__attribute__((constructor)) static void early(void) "
		    "{ dlopen(\"/of/a/constructor.so\", 1); }");
	says("/nowhere/at/all.so: cannot open shared object file: No such "
	     "file or directory\n",
	     "valgrind -q --error-exitcode=9 --trace-children=yes env " WITH ASK
	     "dlerror");
	cr_expect_null(strstr(result.err, "=="), "%s", result.err);
}

Test(modules, a_program_with_the_privileges_of_another_loads_nothing)
{
	static const char *const can[] = { "unshare", "-m",    "setpriv",
					   "--reuid", "65534", "true",
					   NULL };

	run_or_skip(can);
	scratch_must("cc -I" ROOT "/include -fPIC -shared -o m/policy.so "
		     "" COP_TEST_DIR "/e2e/modules/counting.c && chmod 755 m");
	says("a socket\nfile\n", "MODE=755 unshare -m sh " COP_TEST_DIR
				 "/e2e/scripts/secure.sh $LIB " ASK "m ask 3");
	says_in_stderr("<create 2 8 254 0>");
	says("ESOCKTNOSUPPORT\n", "unshare -m sh " COP_TEST_DIR
				  "/e2e/scripts/secure.sh $LIB " ASK "m ask 3");
	cr_expect_str_empty(result.err);
}
