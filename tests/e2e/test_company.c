// SPDX-License-Identifier: MIT
/*
 * test_company.c - a program and libcop are not alone: other preloads,
 * sanitizers, valgrind, strace and gdb work as they do without it, and it as it
 * does without them. So do programs that use sockets ahead of main() and behind
 * it. progs/company.c and progs/late.c have the calls.
 *
 * The measure is the same program in the same company, on the kernel's UDP and
 * without libcop. What a machine does not have is skipped.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define BUILT	COP_BUILD_DIR "/tests/"
#define COMPANY BUILT "progs/company"
#define WAIT_MS 15000

static struct run_result plain, result;

/* ---- what the tests have in common --------------------------------------- */

/* Nobody says anything but the program, and it says the same. */
static void expect_same(const char *who)
{
	cr_expect_eq(result.status, 0, "%s: exit status %d", who,
		     result.status);
	cr_expect_str_eq(result.out, plain.out, "%s:\n%s", who, result.out);
	cr_expect_str_eq(result.err, plain.err, "%s: stderr:\n%s", who,
			 result.err);
}

/* What the program says when nothing is between it and the kernel. */
static void run_plain(const char *program, const char *scenario,
		      const char *const env[])
{
	const char *const argv[] = { program, "udp", scenario, NULL };

	run(&plain, argv, false, env);
	cr_assert_neq(plain.out_len, 0, "%s said nothing: %s", program,
		      plain.err);
}

static void run_cop(const char *program, const char *scenario,
		    const char *const env[])
{
	const char *const argv[] = { program, "cop", scenario, NULL };

	run(&result, argv, true, env);
}

static void tour_same(const char *program, const char *const env[])
{
	run_plain(program, "tour", env);
	run_cop(program, "tour", env);
	expect_same(program);
}

static void skip_unless(bool here, const char *what)
{
	if (!here)
		cr_skip_test("there is no %s here", what);
}

/* ---- other preloads ------------------------------------------------------ */

/* The file of a library that is in one of the system's directories. */
static const char *library(const char *name)
{
	static char path[512];
	char pattern[256];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/usr/lib*{,/*-linux-*}/%s", name);
	if (glob(pattern, GLOB_BRACE, NULL, &found))
		return NULL;
	snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return path;
}

struct preload {
	char name[32];
	char file[64];	   /* in a directory of libraries */
	char env[64];	   /* what switches it on or off */
	bool may_be_first; /* it hands on what it does not want */
};

static const struct preload preloads[] = {
	{ "libfaketime", "faketime/libfaketime.so.1",
	  "FAKETIME=@2000-02-02 00:00:00", true },
	{ "libjemalloc", "libjemalloc.so.2", "MALLOC_CONF=abort_conf:true",
	  true },
	{ "libsocket_wrapper", "libsocket_wrapper.so", "SOCKET_WRAPPER_DIR",
	  false },
};

#define PRELOADS (sizeof(preloads) / sizeof(*preloads))

static void set_preload(char *env, size_t size, const char *first,
			const char *second)
{
	snprintf(env, size, "LD_PRELOAD=%s%s%s", first, second ? ":" : "",
		 second ?: "");
}

ParameterizedTestParameters(e2e_company, works_behind_and_ahead_of_preloads)
{
	static struct preload with[PRELOADS];

	memcpy(with, preloads, sizeof(with));
	return cr_make_param_array(struct preload, with, PRELOADS);
}

ParameterizedTest(struct preload *with, e2e_company,
		  works_behind_and_ahead_of_preloads)
{
	const char *other = library(with->file);
	char alone[1024], ahead[1024], behind[1024];

	skip_unless(other, with->name);
	set_preload(alone, sizeof(alone), other, NULL);
	set_preload(ahead, sizeof(ahead), COP_LIB, other);
	set_preload(behind, sizeof(behind), other, COP_LIB);
	run_plain(COMPANY, "tour", (const char *[]){ alone, with->env, NULL });
	run_cop(COMPANY, "tour", (const char *[]){ ahead, with->env, NULL });
	expect_same(ahead);
	if (!with->may_be_first)
		return;
	run_cop(COMPANY, "tour", (const char *[]){ behind, with->env, NULL });
	expect_same(behind);
}

/* Otherwise the test above would show nothing. */
Test(e2e_company, other_preloads_do_their_work_too)
{
	const char *time = library("faketime/libfaketime.so.1");
	char ahead[1024], behind[1024];

	skip_unless(time, "libfaketime");
	set_preload(ahead, sizeof(ahead), COP_LIB, time);
	set_preload(behind, sizeof(behind), time, COP_LIB);
	run_cop(COMPANY, "year",
		(const char *[]){ ahead, preloads[0].env, NULL });
	cr_expect_not_null(strstr(result.out, "+ 1900 = 2000\n"), "%s",
			   result.out);
	run_cop(COMPANY, "year",
		(const char *[]){ behind, preloads[0].env, NULL });
	cr_expect_not_null(strstr(result.out, "+ 1900 = 2000\n"), "%s",
			   result.out);
}

Test(e2e_company, an_allocator_is_there_in_both_orders)
{
	const char *allocator = library("libjemalloc.so.2");
	char ahead[1024], behind[1024];

	skip_unless(allocator, "libjemalloc");
	set_preload(ahead, sizeof(ahead), COP_LIB, allocator);
	set_preload(behind, sizeof(behind), allocator, COP_LIB);
	run_cop(COMPANY, "company", (const char *[]){ ahead, NULL });
	cr_expect_not_null(strstr(result.out, "libjemalloc"));
	cr_expect_not_null(strstr(result.out, "libcop"));
	run_cop(COMPANY, "company", (const char *[]){ behind, NULL });
	cr_expect_not_null(strstr(result.out, "libjemalloc"));
	cr_expect_not_null(strstr(result.out, "libcop"));
}

/*
 * An allocator that starts reads with syscall(), so as not to end up in another
 * library's read(), which allocates. It is not to be led there by ours.
 */
Test(e2e_company, an_allocator_may_start_by_system_calls)
{
	const char *other = library("libjemalloc.so.2");
	char preload[1024];
	size_t len;

	skip_unless(other, "libjemalloc");
	set_preload(preload, sizeof(preload), COP_LIB, other);
	other = library("libsocket_wrapper.so");
	skip_unless(other, "libsocket_wrapper");
	len = strlen(preload);
	snprintf(preload + len, sizeof(preload) - len, ":%s", other);
	run_plain(COMPANY, "tour", NULL);
	run_cop(COMPANY, "tour", (const char *[]){ preload, NULL });
	expect_same(preload);
}

/* It finds libc by a handle: what is between it and libc is not asked. */
Test(e2e_company, a_preload_that_asks_libc_itself_must_be_behind)
{
	const char *other = library("libsocket_wrapper.so");
	char preload[1024];

	skip_unless(other, "libsocket_wrapper");
	set_preload(preload, sizeof(preload), other, COP_LIB);
	run_cop(COMPANY, "ask",
		(const char *[]){ preload, "SOCKET_WRAPPER_DIR", NULL });
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_not_null(strstr(result.out, "= -1 ESOCKTNOSUPPORT\n"), "%s",
			   result.out);
}

Test(e2e_company, works_with_all_symbols_bound_at_the_start)
{
	tour_same(COMPANY, (const char *[]){ "LD_BIND_NOW=1", NULL });
}

/* Linked with, not preloaded: ahead of libc in the same order. */
static void load_library(const char *how)
{
	const char *const argv[] = { BUILT "progs/loaded", "cop", how, NULL };
	const char *const env[] = { "COP_TEST_LIB=" COP_LIB, NULL };

	run_plain(argv[0], how, NULL);
	run(&result, argv, false, env);
	expect_same(how);
}

Test(e2e_company, a_program_may_load_the_library_itself)
{
	load_library("for_itself");
	load_library("for_all");
}

Test(e2e_company, a_program_may_be_linked_with_the_library)
{
	const char *program = BUILT "company-linked";
	const char *const argv[] = { program, "cop", "tour", NULL };
	char path[] = "LD_LIBRARY_PATH=" COP_LIB;

	*strrchr(path, '/') = '\0';
	run_build("cc", "company.c", program, "-pthread", COP_LIB, NULL);
	run_plain(COMPANY, "tour", NULL);
	run(&result, argv, false, (const char *[]){ path, NULL });
	expect_same("linked");
}

struct flag {
	char flag[16];
};

ParameterizedTestParameters(e2e_company, works_however_calls_are_bound)
{
	static struct flag flags[] = { { "-fno-plt" },
				       { "-no-pie" },
				       { "-Wl,-z,now" },
				       { "-Wl,-z,lazy" } };

	return cr_make_param_array(struct flag, flags,
				   sizeof(flags) / sizeof(*flags));
}

ParameterizedTest(struct flag *how, e2e_company, works_however_calls_are_bound)
{
	char program[1024];

	snprintf(program, sizeof(program), BUILT "company%s", how->flag);
	run_build("cc", "company.c", program, "-pthread", how->flag, NULL);
	tour_same(program, NULL);
}

/* ---- sanitizers ---------------------------------------------------------- */

/* The same program, checked; skipped where even alone it does not run. */
static void build_checked(const char *cc, const char *checker,
			  const char *program)
{
	const char *const alone[] = { program, "udp", "tour", NULL };

	run_build(cc, "company.c", program, "-pthread", checker, NULL);
	run_or_skip(alone);
}

/* An overflow by a receive is found, on UDP as on COP. */
static void finds_overflow(const char *program, const char *const env[])
{
	run_cop(program, "overflow", env);
	cr_expect_neq(result.status, 0);
	cr_expect_not_null(strstr(result.err, "heap-buffer-overflow"), "%s",
			   result.err);
}

/* The compiler's runtime ahead of @rest, as a preload. */
static const char *preload_runtime(const char *cc, const char *name,
				   const char *rest)
{
	static char preload[RUN_MAX];
	char option[128];
	const char *const argv[] = { cc, option, NULL };

	snprintf(option, sizeof(option), "-print-file-name=%s", name);
	run_or_skip(argv);
	cr_assert_eq(run(&result, argv, false, NULL), 0);
	strcpy(preload, "LD_PRELOAD=");
	strncat(preload, result.out, strcspn(result.out, "\n"));
	strcat(preload, rest);
	return preload;
}

Test(e2e_company, gccs_address_sanitizer_may_come_second_with_an_option)
{
	const char *program = BUILT "company-asan-gcc";
	const char *const env[] = { "ASAN_OPTIONS=verify_asan_link_order=0",
				    NULL };

	build_checked("gcc", "-fsanitize=address", program);
	tour_same(program, env);
}

/* Then it also sees what a receive on a COP socket writes. */
Test(e2e_company, gccs_address_sanitizer_may_be_preloaded_first)
{
	const char *program = BUILT "company-asan-gcc-first";
	const char *env[2] = { NULL };

	build_checked("gcc", "-fsanitize=address", program);
	run_plain(program, "tour", NULL);
	env[0] = preload_runtime("gcc", "libasan.so", ":" COP_LIB);
	run_cop(program, "tour", env);
	expect_same("libasan first");
	finds_overflow(program, env);
}

#if defined(__x86_64__)
#define CLANG_ASAN "libclang_rt.asan-x86_64.so"
#else
#define CLANG_ASAN "libclang_rt.asan-aarch64.so"
#endif

Test(e2e_company, clangs_shared_address_sanitizer_may_be_preloaded_first)
{
	const char *program = BUILT "company-asan-clang-first";
	const char *env[2] = { NULL };

	run_build("clang", "company.c", program, "-pthread",
		  "-fsanitize=address", "-shared-libasan", NULL);
	env[0] = preload_runtime("clang", CLANG_ASAN, "");
	run_plain(program, "tour", env);
	env[0] = preload_runtime("clang", CLANG_ASAN, ":" COP_LIB);
	run_cop(program, "tour", env);
	expect_same("clang's runtime first");
	finds_overflow(program, env);
}

/* The two above are needed: this is what an unaware user meets. */
Test(e2e_company, gccs_address_sanitizer_wants_to_be_first)
{
	const char *program = BUILT "company-asan-gcc-unaware";

	build_checked("gcc", "-fsanitize=address", program);
	run_cop(program, "tour", NULL);
	cr_expect_neq(result.status, 0);
	cr_expect_not_null(strstr(result.err, "ASan runtime does not come"),
			   "%s", result.err);
}

Test(e2e_company, gccs_address_sanitizer_may_be_linked_in)
{
	const char *program = BUILT "company-asan-gcc-static";

	run_build("gcc", "company.c", program, "-pthread", "-fsanitize=address",
		  "-static-libasan", NULL);
	tour_same(program, NULL);
	finds_overflow(program, NULL);
}

Test(e2e_company, clangs_address_sanitizer_needs_nothing)
{
	const char *program = BUILT "company-asan-clang";

	build_checked("clang", "-fsanitize=address", program);
	tour_same(program, NULL);
	finds_overflow(program, NULL);
}

struct checker {
	char cc[8];
	char flag[24];
};

ParameterizedTestParameters(e2e_company, works_under_other_sanitizers)
{
	static struct checker checkers[] = { { "gcc", "-fsanitize=undefined" },
					     { "gcc", "-fsanitize=thread" },
					     { "clang", "-fsanitize=thread" },
					     { "clang", "-fsanitize=memory" } };

	return cr_make_param_array(struct checker, checkers,
				   sizeof(checkers) / sizeof(*checkers));
}

ParameterizedTest(struct checker *with, e2e_company,
		  works_under_other_sanitizers)
{
	char program[1024];

	snprintf(program, sizeof(program), BUILT "company-%s%s", with->cc,
		 strrchr(with->flag, '='));
	build_checked(with->cc, with->flag, program);
	tour_same(program, NULL);
}

/* ---- valgrind ------------------------------------------------------------ */

#define VALGRIND                                                     \
	"valgrind", "-q", "--error-exitcode=9", "--leak-check=full", \
		"--show-leak-kinds=all", "--errors-for-leak-kinds=all"

Test(e2e_company, valgrind_finds_no_fault)
{
	const char *const probe[] = { VALGRIND, "true", NULL };
	const char *const udp[] = { VALGRIND, COMPANY, "udp", "tour", NULL };
	const char *const cop[] = { VALGRIND, COMPANY, "cop", "tour", NULL };

	run_or_skip(probe);
	cr_expect_eq(run(&plain, udp, false, NULL), 0, "%s", plain.err);
	run(&result, cop, true, NULL);
	expect_same("valgrind");
}

Test(e2e_company, valgrind_finds_the_programs_faults)
{
	const char *const probe[] = { VALGRIND, "true", NULL };
	const char *const cop[] = { VALGRIND, COMPANY, "cop", "overflow",
				    NULL };

	run_or_skip(probe);
	cr_expect_eq(run(&result, cop, true, NULL), 9);
	cr_expect_not_null(strstr(result.err, "Invalid write"), "%s",
			   result.err);
}

/* ---- strace and gdb ------------------------------------------------------ */

/* An option with a name and a value, as the tools want theirs. */
static const char *said(char *to, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to, size, fmt, ap);
	va_end(ap);
	return to;
}

static void read_back(struct run_result *res, const char *path)
{
	const char *const argv[] = { "cat", path, NULL };

	cr_expect_eq(run(res, argv, false, NULL), 0, "%s", res->err);
	unlink(path);
}

/* With its own environment, and with the library in strace's too. */
static void strace_same(bool inherited)
{
	const char *trace = inherited ? BUILT "trace-1" : BUILT "trace-2";
	const char *const cop[] = {
		"strace", "-f",	 "-o",
		trace,	  "-E",	 inherited ? "COP_TEST" : "LD_PRELOAD=" COP_LIB,
		COMPANY,  "cop", "tour",
		NULL
	};

	run_plain(COMPANY, "tour", NULL);
	run(&result, cop, inherited, NULL);
	expect_same("strace");
	read_back(&result, trace);
	cr_expect_not_null(strstr(result.out, "sendto("));
	cr_expect_not_null(strstr(result.out, "by address"));
}

Test(e2e_company, strace_follows_a_program_that_works_as_without_it)
{
	const char *const probe[] = { "strace", "-o", "/dev/null", "true",
				      NULL };

	run_or_skip(probe);
	strace_same(false);
	strace_same(true);
}

#define GDB "gdb", "-nx", "-batch", "-ex", "set confirm off"

/* To a breakpoint, and on to the end. */
static void gdb_runs(bool inherited)
{
	const char *out = inherited ? BUILT "gdb-1" : BUILT "gdb-2";
	char env[1024], to[1024];
	const char *const argv[] = {
		GDB,
		"-ex",
		inherited ? "show args"
			  : said(env, sizeof(env),
				 "set environment LD_PRELOAD %s", COP_LIB),
		"-ex",
		"break by_messages",
		"-ex",
		said(to, sizeof(to), "run cop tour >%s", out),
		"-ex",
		"backtrace",
		"-ex",
		"continue",
		COMPANY,
		NULL
	};

	run_plain(COMPANY, "tour", NULL);
	cr_expect_eq(run(&result, argv, inherited, NULL), 0);
	cr_expect_not_null(strstr(result.out, "Breakpoint 1, "), "%s%s",
			   result.out, result.err);
	cr_expect_not_null(strstr(result.out, "exited normally"), "%s%s",
			   result.out, result.err);
	read_back(&result, out);
	expect_same("gdb");
}

/* What gdb says where it may not look at another process. */
static void skip_unless_traced(void)
{
	if (strstr(result.err, "ptrace") || strstr(result.out, "ptrace"))
		cr_skip_test("gdb may not trace here: %.200s", result.err);
}

Test(e2e_company, gdb_runs_a_program_to_its_end)
{
	const char *const probe[] = { GDB, "-ex", "run", "true", NULL };

	run_or_skip(probe);
	skip_unless_traced();
	gdb_runs(false);
	gdb_runs(true);
}

Test(e2e_company, gdb_attaches_to_a_receive_that_goes_on)
{
	const char *const argv[] = { COMPANY, "cop", "await", NULL };
	const char *const probe[] = { GDB, "-ex", "run", "true", NULL };
	char pid[16];
	const char *const gdb[] = {
		GDB, "-ex", "thread apply all backtrace", "-ex", "detach", "-p",
		pid, NULL
	};
	static struct run_result waiter;
	struct run_child child;

	run_or_skip(probe);
	skip_unless_traced();
	cr_assert_eq(run_start(&child, &waiter, argv, true, NULL), 0);
	cr_expect(run_expect(&child, "waiting\n", WAIT_MS));
	snprintf(pid, sizeof(pid), "%d", child.pid);
	run(&result, gdb, false, NULL);
	cr_expect(run_write(&child, "go\n"));
	cr_expect_eq(run_finish(&child, WAIT_MS), 0, "%s", waiter.err);
	skip_unless_traced();
	/* The exported function, or one that it only jumps to: then it has no frame. */
	cr_expect(strstr(result.out, " in recvfrom (") ||
			  strstr(result.out, "recvfrom_any (") ||
			  strstr(result.out, "recvfrom_long ("),
		  "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(waiter.out, "buf at last"), "%s", waiter.out);
}

/* ---- ahead of main() and behind it --------------------------------------- */

Test(e2e_company, destructors_may_use_sockets)
{
	run_same("late", "destructor");
}

Test(e2e_company, exit_handlers_may_use_sockets)
{
	run_same("late", "handler");
}

Test(e2e_company, exit_handlers_with_a_status_may_use_sockets)
{
	run_same("late", "handler_with_status");
}

Test(e2e_company, quick_exit_handlers_may_use_sockets)
{
	run_same("late", "quick_handler");
}

Test(e2e_company, a_threads_last_words_may_be_sockets)
{
	run_same("late", "thread");
}

/* Linked with, a library is initialised ahead of libcop and ended behind it. */
Test(e2e_company, a_library_may_use_sockets_before_and_after_libcops_time)
{
	const char *library = BUILT "liblate.so";
	const char *program = BUILT "late-linked";

	run_build("cc", "late.c", library, "-shared", "-fPIC", "-DLATE_LIBRARY",
		  NULL);
	run_build("cc", "late.c", program, "-pthread", "-Wl,--no-as-needed",
		  library, NULL);
	run_plain(program, "nothing", NULL);
	cr_expect_not_null(strstr(plain.out, "in a library's destructor\n"));
	run_cop(program, "nothing", NULL);
	expect_same("linked with");
}
