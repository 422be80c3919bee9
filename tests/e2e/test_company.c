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
