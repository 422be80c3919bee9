// SPDX-License-Identifier: MIT
/*
 * test_churn.c - sockets opened, used and closed at random: nothing is left.
 * progs/churn.c has the calls; "make tsan" runs it under ThreadSanitizer.
 */
#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#include "runner.h"

#define CHURN COP_BUILD_DIR "/tests/progs/churn"
#define NOTHING_LOST                                  \
	"0 ports lost, 0 descriptors left, 0 of all " \
	"datagrams damaged, memory kept\n"

static struct run_result result;

static void churn(const char *const argv[], int timeout_ms)
{
	const bool adopts = !strcmp(argv[1], "adopted");
	const char *const env[] = { "COP_DEBUG=1",
				    adopts ? "COP_ADOPT=udp" : NULL, NULL };
	struct run_child child;

	cr_assert_eq(run_start(&child, &result, argv, true, env), 0);
	run_finish(&child, timeout_ms);
	if (result.status == RUN_SKIP)
		cr_skip_test("%s", result.err);
	cr_expect_not(result.timed_out, "no end");
	cr_expect_eq(result.status, 0, "status %d: %s", result.status,
		     result.err);
	cr_expect_str_eq(result.out, NOTHING_LOST, "%s", result.out);
	cr_expect_lt(result.err_len, RUN_MAX, "more was said than is kept");
	run_expect_no_fault(&result);
}

/* Only "make test-all" runs what is in this suite. */
Test(e2e_long, sixteen_threads_lose_nothing_in_30_seconds)
{
	const char *const argv[] = { CHURN, "cop", "threads", "30", NULL };

	churn(argv, 60000);
}

Test(e2e_churn, sixteen_threads_lose_nothing)
{
	const char *const argv[] = { CHURN, "cop", "threads", "5", NULL };

	churn(argv, 60000);
}

Test(e2e_churn, one_thread_loses_nothing)
{
	const char *const argv[] = { CHURN, "cop", "single", "100000", NULL };

	churn(argv, RUN_TIMEOUT_MS);
}

Test(e2e_churn, sixteen_threads_on_adopted_udp_lose_nothing)
{
	const char *const argv[] = { CHURN, "adopted", "threads", "5", NULL };

	churn(argv, 60000);
}

Test(e2e_churn, one_thread_on_adopted_udp_loses_nothing)
{
	const char *const argv[] = { CHURN, "adopted", "single", "30000",
				     NULL };

	churn(argv, RUN_TIMEOUT_MS);
}

static bool have_valgrind(void)
{
	const char *const argv[] = { "valgrind", "--version", NULL };

	return !run(&result, argv, false, NULL);
}

/* Any error that it finds is the exit status, so is memory that is lost. */
Test(e2e_churn, valgrind_finds_nothing)
{
	const char *const argv[] = {
		"valgrind",
		"-q",
		"--error-exitcode=99",
		"--leak-check=full",
		"--errors-for-leak-kinds=definite,possible",
		CHURN,
		"cop",
		"single",
		"20000",
		NULL
	};

	if (!have_valgrind())
		cr_skip_test("there is no valgrind");
	churn(argv, 120000);
	cr_expect_null(strstr(result.err, "=="), "%s", result.err);
}
