// SPDX-License-Identifier: MIT
/*
 * test_output.c - what the library writes hurts no program. progs/output.c has the
 * calls.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

#define PROGRAM COP_BUILD_DIR "/tests/progs/output"

TestSuite(output, .timeout = 60);

static struct run_result result;
static char dir[] = "/tmp/cop-output-XXXXXX";

/* Only when an end is all that is looked at: a call that waits is killed. */
static void survives(const char *what, const char *setting, const char *said)
{
	const char *const argv[] = {
		"timeout", "20", PROGRAM, "cop", what, NULL
	};
	const char *const env[] = { setting, NULL };

	cr_expect_eq(run(&result, argv, true, env), 0, "%s, %s: status %d",
		     what, setting, result.status);
	cr_expect_str_eq(result.out, said, "%s, %s: %s", what, setting,
			 result.out);
}

static const char *const setting[] = { "COP_STATS=stderr", "COP_DEBUG=2" };

Test(output, a_closed_standard_error_raises_no_signal)
{
	for (size_t i = 0; i < 2; i++)
		survives("to_a_pipe_without_reader", setting[i], "closed\n");
}

Test(output, a_full_pipe_is_not_waited_for)
{
	for (size_t i = 0; i < 2; i++)
		survives("to_a_full_pipe", setting[i], "closed\n");
}

Test(output, a_file_that_may_not_grow_is_no_signal)
{
	for (size_t i = 0; i < 2; i++)
		survives("to_a_file_at_its_limit", setting[i], "closed\n");
}

Test(output, the_programs_own_descriptor_2_gets_no_lines)
{
	for (size_t i = 0; i < 2; i++)
		survives("data_as_standard_error", setting[i],
			 "dup2(fileno(file), STDERR_FILENO) = 2\n0 bytes\n");
}

/* ---- files ---------------------------------------------------------------- */

static const char *in_dir(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *stats_in_dir(const char *name)
{
	static char env[128];

	snprintf(env, sizeof(env), "COP_STATS=%s", in_dir(name));
	return env;
}

static void make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
	const char *const argv[] = { "rm", "-r", dir, NULL };

	run(&result, argv, false, NULL);
}

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)st.st_size;
}

Test(output, a_changed_environment_does_not_change_the_file_of_the_figures)
{
	make_dir();
	cr_assert_eq(chdir(dir), 0);
	survives("sets_a_title", "COP_STATS=here", "closed\n");
	cr_expect_gt(size_of(in_dir("here")), 0);
	remove_dir();
}

Test(output, nothing_but_a_regular_file_is_written_to)
{
	make_dir();
	mkfifo(in_dir("fifo"), 0600);
	survives("closes", stats_in_dir("fifo"), "closed\n");
	cr_expect_not_null(strstr(result.err, "fifo is ignored"), "%s",
			   result.err);
	cr_assert_eq(symlink("target", in_dir("link")), 0);
	survives("closes", stats_in_dir("link"), "closed\n");
	cr_expect_lt(size_of(in_dir("target")), 0);
	survives("closes", stats_in_dir("file"), "closed\n");
	cr_expect_gt(size_of(in_dir("file")), 0);
	cr_expect_str_empty(result.err);
	remove_dir();
}

#define WHOLE                               \
	"import json, sys\n"                \
	"text = open(sys.argv[1]).read()\n" \
	"assert text.endswith('}\\n')\n"    \
	"for line in text.splitlines():\n"  \
	"    json.loads(line)\n"            \
	"print('whole')\n"

Test(output, lines_are_whole_when_a_process_exits_among_its_threads)
{
	const char *argv[] = { "/usr/bin/python3", "-c", WHOLE, NULL, NULL };

	make_dir();
	for (int i = 0; i < 20; i++) {
		survives("exits_among_threads", stats_in_dir("s.jsonl"),
			 "ends\n");
		argv[3] = in_dir("s.jsonl");
		run(&result, argv, false, NULL);
		cr_expect_str_eq(result.out, "whole\n", "%s", result.err);
	}
	remove_dir();
}

Test(output, an_echoed_value_is_escaped)
{
	survives("closes", "COP_DEBUG=\033[31m\xc2\x9b", "closed\n");
	cr_expect_not_null(strstr(result.err, "COP_DEBUG=\\x1b[31m\\xc2\\x9b "),
			   "%s", result.err);
}

Test(output, a_program_with_the_privileges_of_another_reads_no_variable)
{
	static const char *const can[] = { "unshare", "-m",    "setpriv",
					   "--reuid", "65534", "true",
					   NULL };
	static const char *const argv[] = {
		"unshare", "-m",    "sh", COP_TEST_DIR "/e2e/scripts/secure.sh",
		COP_LIB,   PROGRAM, NULL
	};

	run_or_skip(can);
	cr_expect_eq(run(&result, argv, false, NULL), 0, "%s", result.err);
	cr_expect_str_eq(result.out, "closed\n");
	cr_expect_str_empty(result.err);
}
