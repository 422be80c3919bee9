// SPDX-License-Identifier: MIT
/*
 * test_lines.c - tools/lines.c: lines arrive whole.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/lines.h"

TestSuite(lines, .timeout = 60);

static struct lines lines;
static int in, to[2];
static char text[1 << 20];

static void begin(void)
{
	int from[2];

	cr_assert_eq(pipe(from), 0);
	cr_assert_eq(pipe2(to, O_NONBLOCK), 0);
	lines.from = from[0];
	in = from[1];
}

static void feed(const char *s)
{
	cr_assert_eq(write(in, s, strlen(s)), (ssize_t)strlen(s));
	cr_assert(lines_relay(&lines, to[1]));
}

static void expect(const char *s)
{
	ssize_t n = read(to[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	cr_expect_str_eq(text, s);
}

Test(lines, a_line_waits_for_its_end, .init = begin)
{
	feed("one\ntwo\nthr");
	expect("one\ntwo\n");
	feed("e");
	expect("");
	feed("e\n");
	expect("three\n");
}

Test(lines, the_last_line_needs_no_newline, .init = begin)
{
	feed("one\ntwo");
	cr_expect(lines_finish(&lines, to[1]));
	expect("one\ntwo");
	cr_expect_eq(lines.from, -1);
}

Test(lines, an_incomplete_line_can_be_dropped, .init = begin)
{
	feed("one\ntwo");
	lines_drop(&lines);
	expect("one\n");
	cr_expect_eq(lines.from, -1);
}

Test(lines, a_long_line_arrives_whole, .init = begin)
{
	memset(text, 'x', 50000);
	text[50000] = '\0';
	for (int i = 0; i < 20; i++)
		feed(text);
	cr_expect_eq(read(to[0], text, 1), -1);
	lines_drop(&lines);
}

static void *read_late(void *arg)
{
	size_t *len = arg;
	ssize_t n;

	usleep(100000);
	fcntl(to[0], F_SETFL, 0);
	while ((n = read(to[0], text, sizeof(text))) > 0)
		*len += n;
	return NULL;
}

/* Its file is shared with a program that has made it non-blocking. */
Test(lines, a_full_pipe_that_does_not_block_is_waited_for, .init = begin)
{
	static char line[60001];
	size_t len = 0;
	pthread_t thread;

	memset(line, 'x', 59999);
	line[59999] = '\n';
	pthread_create(&thread, NULL, read_late, &len);
	for (int i = 0; i < 10; i++)
		feed(line);
	close(to[1]);
	pthread_join(thread, NULL);
	cr_expect_eq(len, 600000);
}

Test(lines, a_reader_that_has_gone_is_an_error, .init = begin)
{
	signal(SIGPIPE, SIG_IGN);
	close(to[0]);
	cr_assert_eq(write(in, "x\n", 2), 2);
	cr_expect_not(lines_relay(&lines, to[1]));
	cr_expect_eq(errno, EPIPE);
}
