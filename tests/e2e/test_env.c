// SPDX-License-Identifier: MIT
/*
 * test_env.c - COP_STATS and COP_DEBUG: what they make the library say, and
 * that it says nothing without them.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define PYTHON	 "/usr/bin/python3"
#define EXCHANGE COP_TEST_DIR "/e2e/scripts/exchange.py"

static struct run_result result;

/* What the program said of its two sockets. */
static unsigned int near_port, far_port;

/* Run the exchange, which succeeds whatever the environment says. */
static void exchange(const char *what, const char *one, const char *two)
{
	const char *const argv[] = { PYTHON, EXCHANGE, what, NULL };
	const char *const env[] = { one, two, NULL };
	char said[64];

	cr_assert_eq(run(&result, argv, true, env), 0, "%s", result.err);
	cr_assert_eq(sscanf(result.out, "hello\nhello, too\n%u %u\n",
			    &near_port, &far_port),
		     2, "%s", result.out);
	snprintf(said, sizeof(said), "hello\nhello, too\n%u %u\n", near_port,
		 far_port);
	cr_expect_str_eq(result.out, said);
}

static unsigned int lines_in(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void expect_in(const char *text, const char *found)
{
	cr_expect_not_null(strstr(text, found), "no \"%s\" in: %s", found,
			   text);
}

/*
 * Each socket's line and that of its one flow, in the order in which they were
 * closed.
 */
static void expect_stats(const char *text)
{
	char near[512], far[512];
	unsigned int pid[4];

	snprintf(near, sizeof(near),
		 "local=127.0.0.1:%u peer=0.0.0.0:0 tx=1 tx_bytes=5 "
		 "tx_errors=0 rx=1 rx_bytes=10 truncated=0 port_mismatch=0 "
		 "stray_short=0 stray_magic=0 stray_version=0 stray_length=0 "
		 "kernel_drops=0 flows=1 evicted=0 missed=0\nflow pid=",
		 near_port);
	snprintf(far, sizeof(far),
		 "local=127.0.0.1:%u peer=0.0.0.0:0 tx=1 tx_bytes=10 "
		 "tx_errors=0 rx=1 rx_bytes=5 truncated=0 port_mismatch=0 "
		 "stray_short=0 stray_magic=0 stray_version=0 stray_length=0 "
		 "kernel_drops=0 flows=1 evicted=0 missed=0\nflow pid=",
		 far_port);
	cr_expect_eq(sscanf(text,
			    "cop pid=%u %*[^\n] flow pid=%u %*[^\n] "
			    "cop pid=%u %*[^\n] flow pid=%u",
			    &pid[0], &pid[1], &pid[2], &pid[3]),
		     4, "%s", text);
	for (int i = 1; i < 4; i++)
		cr_expect_eq(pid[i], pid[0]);
	expect_in(text, near);
	expect_in(text, far);
	cr_expect_lt(strstr(text, near), strstr(text, far));
}

/* ---- silence ----------------------------------------------------------- */

Test(env, nothing_is_printed_without_a_variable)
{
	exchange("stray", NULL, NULL);
	cr_expect_str_empty(result.err);
}

Test(env, cop_debug_0_says_nothing)
{
	exchange("stray", "COP_DEBUG=0", NULL);
	cr_expect_str_empty(result.err);
}

Test(env, cop_debug_1_prints_nothing_if_nothing_is_wrong)
{
	exchange(NULL, "COP_DEBUG=1", NULL);
	cr_expect_str_empty(result.err);
}

Test(env, program_without_a_cop_socket_has_no_stats)
{
	const char *const argv[] = { PYTHON, "-c",
				     "import socket\n"
				     "socket.socket(2, 2).close()\n"
				     "print('done')",
				     NULL };
	const char *const env[] = { "COP_STATS=stderr", "COP_DEBUG=1", NULL };

	cr_expect_eq(run(&result, argv, true, env), 0);
	cr_expect_str_eq(result.out, "done\n");
	cr_expect_str_empty(result.err);
}

/* ---- COP_STATS --------------------------------------------------------- */

Test(env, cop_stats_stderr_says_one_line_for_each_socket_and_flow)
{
	exchange(NULL, "COP_STATS=stderr", NULL);
	cr_expect_eq(lines_in(result.err), 4, "%s", result.err);
	expect_stats(result.err);
}

Test(env, cop_stats_counts_strays)
{
	exchange("stray", "COP_STATS=stderr", NULL);
	expect_in(result.err, "stray_short=0 stray_magic=1 ");
}

/* The port that a send chooses is in the header of what it sends. */
Test(env, cop_stats_counts_no_mismatch_for_a_port_chosen_in_the_send)
{
	exchange("unbound", "COP_STATS=stderr", NULL);
	expect_in(result.err, " rx_bytes=5 truncated=0 port_mismatch=0 ");
}

static void read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	cr_assert_not_null(file, "%s was not made", path);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

Test(env, cop_stats_appends_to_a_file)
{
	char dir[] = "/tmp/cop-env-XXXXXX";
	char path[64], env[96], text[4096];

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/stats", dir);
	snprintf(env, sizeof(env), "COP_STATS=%s", path);
	exchange(NULL, env, NULL);
	cr_expect_str_empty(result.err);
	exchange(NULL, env, NULL);
	cr_expect_str_empty(result.err);
	read_file(path, text, sizeof(text));
	unlink(path);
	rmdir(dir);
	cr_assert_eq(lines_in(text), 8, "%s", text);
	for (int skip = 0; skip < 4; skip++)
		memmove(text, strchr(text, '\n') + 1,
			strlen(strchr(text, '\n') + 1) + 1);
	expect_stats(text);
}

Test(env, cop_stats_to_a_file_that_cannot_be_made_is_silent)
{
	exchange(NULL, "COP_STATS=/nonexistent/directory/stats", NULL);
	cr_expect_str_empty(result.err);
}

Test(env, cop_debug_says_that_the_stats_file_cannot_be_made)
{
	exchange(NULL, "COP_STATS=/nonexistent/directory/stats", "COP_DEBUG=1");
	expect_in(result.err,
		  ": /nonexistent/directory/stats could not be written\n");
}

/* Eight processes close sockets with 200 peers each, all into one file. */
#define CLOSING                                                          \
	"import json, os, socket, sys\n"                                 \
	"for child in range(8):\n"                                       \
	"    if os.fork() == 0:\n"                                       \
	"        for turn in range(10):\n"                               \
	"            s = socket.socket(2, 7, 253)\n"                     \
	"            for port in range(1, 201):\n"                       \
	"                s.sendto(b'x', ('127.0.0.1', port))\n"          \
	"            s.close()\n"                                        \
	"        os._exit(0)\n"                                          \
	"for child in range(8):\n"                                       \
	"    os.wait()\n"                                                \
	"kinds = {}\n"                                                   \
	"for line in open(os.environ['COP_STATS']):\n"                   \
	"    record = json.loads(line)\n"                                \
	"    assert record['tx'] == (200 if record['type'] == 'socket' " \
	"else 1), line\n"                                                \
	"    kinds[record['type']] = kinds.get(record['type'], 0) + 1\n" \
	"print(kinds)\n"

Test(env, processes_that_append_to_one_file_tear_no_line)
{
	const char *const argv[] = { PYTHON, "-c", CLOSING, NULL };
	char dir[] = "/tmp/cop-env-XXXXXX";
	char path[64], env[96];
	const char *const envs[] = { env, NULL };

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/stats.jsonl", dir);
	snprintf(env, sizeof(env), "COP_STATS=%s", path);
	cr_expect_eq(run(&result, argv, true, envs), 0, "%s", result.err);
	unlink(path);
	rmdir(dir);
	cr_expect_str_eq(result.out, "{'socket': 80, 'flow': 16000}\n");
}

/* ---- COP_DEBUG --------------------------------------------------------- */

Test(env, cop_debug_says_who_sends_strays)
{
	int pid, fd, port, end = 0;

	exchange("stray", "COP_DEBUG=1", NULL);
	sscanf(result.err,
	       "libcop[%d] %*[0-9].%*6[0-9] fd %d: datagrams from "
	       "127.0.0.1:%d are not COP%n",
	       &pid, &fd, &port, &end);
	cr_expect_str_eq(result.err + end, "\n", "%s", result.err);
	cr_expect_eq(strncmp(result.err, "libcop[", 7), 0, "%s", result.err);
	cr_expect_eq(lines_in(result.err), 1, "%s", result.err);
}

/* ---- values that mean nothing ------------------------------------------ */

struct value {
	char setting[32];
	char report[96];
};

ParameterizedTestParameters(env, meaningless_value_is_reported_once_and_ignored)
{
	static struct value value[] = {
		{ "COP_STATS=", "COP_STATS= is ignored: it must be "
				"stderr or a file's name" },
		{ "COP_ADOPT=", "COP_ADOPT= is ignored: it must be udp "
				"or udp:PORT[-PORT],..." },
		{ "COP_ADOPT=tcp", "COP_ADOPT=tcp is ignored: it must be "
				   "udp or udp:PORT[-PORT],..." },
		{ "COP_ADOPT=udp:0", "COP_ADOPT=udp:0 is ignored: it must "
				     "be udp or udp:PORT[-PORT],..." },
		{ "COP_DEBUG=", "COP_DEBUG= is ignored: it must be 0, 1 or 2" },
		{ "COP_DEBUG=yes",
		  "COP_DEBUG=yes is ignored: it must be 0, 1 or 2" },
		{ "COP_DEBUG=11",
		  "COP_DEBUG=11 is ignored: it must be 0, 1 or 2" },
	};

	return cr_make_param_array(struct value, value,
				   sizeof(value) / sizeof(*value));
}

ParameterizedTest(struct value *value, env,
		  meaningless_value_is_reported_once_and_ignored)
{
	char expected[128];
	const char *rest;

	exchange("stray", value->setting, NULL);
	snprintf(expected, sizeof(expected), ": %s\n", value->report);
	cr_expect_eq(strncmp(result.err, "libcop[", 7), 0, "%s", result.err);
	rest = strchrnul(result.err, ':');
	cr_expect_str_eq(rest, expected);
}

Test(env, two_meaningless_values_are_both_reported)
{
	exchange(NULL, "COP_STATS=", "COP_DEBUG=on");
	expect_in(result.err, "COP_STATS= is ignored");
	expect_in(result.err, "COP_DEBUG=on is ignored");
	cr_expect_eq(lines_in(result.err), 2, "%s", result.err);
}

Test(env, meaningless_value_does_not_hide_another_variable)
{
	exchange(NULL, "COP_STATS=stderr", "COP_DEBUG=");
	expect_in(result.err, "COP_DEBUG= is ignored");
	cr_assert_eq(lines_in(result.err), 5, "%s", result.err);
	expect_stats(strchr(result.err, '\n') + 1);
}

Test(env, program_that_makes_no_socket_starts_despite_a_meaningless_value)
{
	const char *const argv[] = { "true", NULL };
	const char *const env[] = { "COP_STATS=", "COP_DEBUG=?", NULL };

	cr_expect_eq(run(&result, argv, true, env), 0);
	cr_expect_str_empty(result.out);
	cr_expect_eq(lines_in(result.err), 2, "%s", result.err);
}
