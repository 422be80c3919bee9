// SPDX-License-Identifier: MIT
/*
 * test_modules.c - files that are no module, damaged modules, and what a program keeps
 * while one is loaded. test_transports.c has modules that work.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "scratch.h"
#include "skeleton.h"

#define ASK	COP_BUILD_DIR "/tests/progs/modules "
#define DAMAGED COP_BUILD_DIR "/tests/progs/damaged "
#define WITH	"COP_DEBUG=1 COP_MODULES=$PWD/m LD_PRELOAD=$LIB "

static struct run_result result;

TestSuite(modules, .init = make_skeleton, .timeout = 120);

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
		scratch_says(&result, "ESOCKTNOSUPPORT\n",
			     "timeout -k 1 20 env " WITH ASK "ask 2");
		scratch_says_in_stderr(&result, wrong[i].why);
	}
}

/* Its writer waits on for a reader. */
Test(modules, a_fifo_has_no_reader_for_a_moment)
{
	scratch_says(&result, "ESOCKTNOSUPPORT\n",
		     "rm m/" NAME ".so && mkfifo m/" NAME ".so; "
		     "(: >m/" NAME ".so; echo awake) & sleep 0.2; " WITH ASK
		     "ask; "
		     "sleep 0.2; kill $!");
}

Test(modules, a_file_that_the_program_may_not_read_is_refused)
{
	if (geteuid())
		cr_skip("needs root, to give up privileges");
	scratch_must("chmod 0 m/" NAME ".so");
	scratch_says(&result, "ESOCKTNOSUPPORT\n",
		     WITH "setpriv --bounding-set -all --inh-caps -all " ASK
			  "ask");
	scratch_says_in_stderr(&result, "it can't be read");
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
		scratch_says(&result, "ESOCKTNOSUPPORT\n", WITH ASK "ask 2");
		scratch_says_in_stderr(&result, foreign[i].why);
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
	scratch_says(&result, "ESOCKTNOSUPPORT\n", WITH ASK "ask 3");
	scratch_says_in_stderr(&result, "its init returned -18");
	scratch_says(&result, "0 sockets\n", WITH ASK "threads");
}

Test(modules, an_init_that_asks_for_its_own_type_gets_the_refusal)
{
	change_init("s/return err ? err :/"
		    "pr_info(\"INIT %d %d\", socket(AF_INET, 8, 254), errno); "
		    "&/");
	scratch_says(&result, "a socket\n", WITH ASK "ask 3");
	scratch_says_in_stderr(&result, "INIT -1 94");
}

Test(modules, a_constructor_that_asks_for_its_own_type_gets_the_refusal)
{
	change_init("$a __attribute__((constructor)) static void early(void) "
		    "{ if (socket(AF_INET, 8, 254) >= 0) __builtin_trap(); }");
	scratch_says(&result, "a socket\n", WITH ASK "ask 3");
	scratch_says(&result, "16 sockets\n", WITH ASK "threads");
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
	scratch_says(&result, "8\n",
		     WITH "python3 -c 'import socket, threading\n"
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
	scratch_says(&result, "all\n",
		     DAMAGE "cut m/" NAME ".so " COPY " 2>/dev/null");
}

Test(modules, a_changed_byte_ends_no_program_that_dlopen_would_not_end)
{
	scratch_says(&result, "all\n",
		     DAMAGE "flip m/" NAME ".so " COPY " 2000 1 2>/dev/null");
}

/* ---- what the program keeps --------------------------------------------------- */

Test(modules, errno_stays_when_the_first_socket_loads_its_module)
{
	scratch_says(&result, "a socket, ERANGE\na socket, ERANGE\n",
		     WITH ASK "errno");
	scratch_says(&result,
		     "refused, ESOCKTNOSUPPORT\nrefused, ESOCKTNOSUPPORT\n",
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
	scratch_says(
		&result,
		"/nowhere/at/all.so: cannot open shared object file: No such "
		"file or directory\n",
		WITH ASK "dlerror");
	change_init("s/^static int skel_init(void)/int missing(void);&/; "
		    "s/return err ? err :/return err + missing() +/");
	scratch_says(
		&result,
		"/nowhere/at/all.so: cannot open shared object file: No such "
		"file or directory\n",
		WITH ASK "dlerror");
	scratch_says_in_stderr(&result, "undefined symbol: missing");
}

/* libc keeps its memory of the constructor's failure, without a message. */
Test(modules, a_message_of_dlopen_stays_over_those_of_a_constructor)
{
	if (!libc_keeps_messages())
		cr_skip("this libc has its messages elsewhere");
	change_init("$a void *dlopen(const char *, int); "
		    "__attribute__((constructor)) static void early(void) "
		    "{ dlopen(\"/of/a/constructor.so\", 1); }");
	scratch_says(
		&result,
		"/nowhere/at/all.so: cannot open shared object file: No such "
		"file or directory\n",
		"valgrind -q --error-exitcode=9 --trace-children=yes env " WITH
			ASK "dlerror");
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
	scratch_says(&result, "a socket\nfile\n",
		     "MODE=755 unshare -m sh " COP_TEST_DIR
		     "/e2e/scripts/secure.sh $LIB " ASK "m ask 3");
	scratch_says_in_stderr(&result, "<create 2 8 254 0>");
	scratch_says(&result, "ESOCKTNOSUPPORT\n",
		     "unshare -m sh " COP_TEST_DIR
		     "/e2e/scripts/secure.sh $LIB " ASK "m ask 3");
	cr_expect_str_empty(result.err);
}
