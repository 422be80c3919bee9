// SPDX-License-Identifier: MIT
/*
 * test_figures.c - lib/figures.c: figures by name, as text and as JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/figures.h"
#include "unit/helpers.h"

TestSuite(cop_record, .init = t_init, .timeout = 20);

static struct cop_record record(bool json, int ends[2])
{
	cr_assert(zero(int, pipe(ends)));
	return (struct cop_record){ .fd = ends[1], .json = json };
}

static void fill(struct cop_record *r, const char *type)
{
	union cop_addr peer = cop_addr_v4(inet_addr("192.0.2.1"), htons(65535));

	cop_record_begin(r, type);
	cop_record_count(r, "n", UINT64_MAX);
	cop_record_name(r, "peer", &peer);
	cop_record_time(r, "t", 1000007);
	cop_record_end(r);
}

static const struct {
	bool json;
	const char *line;
} form[] = {
	{ false, "kind n=18446744073709551615 peer=192.0.2.1:65535 "
		 "t=1.000007\n" },
	{ true, "{\"type\":\"kind\",\"n\":18446744073709551615,"
		"\"peer\":\"192.0.2.1:65535\",\"t\":1.000007}\n" },
};

Test(cop_record, a_record_is_a_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(form); i++) {
		int ends[2];
		struct cop_record r = record(form[i].json, ends);
		char text[256] = "";

		fill(&r, "kind");
		cop_record_flush(&r);
		cr_assert(gt(long, read(ends[0], text, sizeof(text) - 1), 0));
		cr_assert(eq(str, text, (char *)form[i].line));
	}
}

static const struct {
	bool json;
	const char *line;
} odd_form[] = {
	{ false, "kind lost=- name=a\\x1b\\\"b own=1 o\\x0an=2 end=3\n" },
	{ true, "{\"type\":\"kind\",\"name\":\"a\\u001b\\\"b\","
		"\"mine\":{\"own\":1,\"o\\u000an\":2},\"end\":3}\n" },
};

Test(cop_record, what_nobody_knows_is_a_dash_and_foreign_names_are_escaped)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd_form); i++) {
		int ends[2];
		struct cop_record r = record(odd_form[i].json, ends);
		char text[256] = "";

		cop_record_begin(&r, "kind");
		cop_record_unknown(&r, "lost");
		cop_record_text(&r, "name", "a\033\"b");
		cop_record_open(&r, "mine");
		cop_record_foreign(&r, "own", 1);
		cop_record_foreign(&r, "o\nn", 2);
		cop_record_close(&r);
		cop_record_count(&r, "end", 3);
		cop_record_end(&r);
		cop_record_flush(&r);
		cr_assert(gt(long, read(ends[0], text, sizeof(text) - 1), 0));
		cr_assert(eq(str, text, (char *)odd_form[i].line));
	}
}

/* A pipe keeps what was written at once, so each read begins with a line. */
Test(cop_record, lines_are_written_whole_and_at_most_4096_bytes_at_once)
{
	const size_t len = strlen(form[0].line);
	unsigned int lines = 0;
	int ends[2];
	struct cop_record r = record(false, ends);
	char text[2 * COP_RECORD_MAX];
	ssize_t n;

	for (int i = 0; i < 500; i++)
		fill(&r, "kind");
	cop_record_flush(&r);
	close(ends[1]);
	while ((n = read(ends[0], text, len)) > 0) {
		cr_assert(eq(sz, n, len));
		cr_assert(eq(int, memcmp(text, form[0].line, len), 0));
		lines++;
	}
	cr_assert(eq(uint, lines, 500));
	cr_assert(not(r.failed));
}

Test(cop_record, a_failed_write_is_noted)
{
	struct cop_record r = { .fd = -1 };

	fill(&r, "kind");
	cop_record_flush(&r);
	cr_assert(r.failed);
	cr_assert(zero(sz, r.len));
}
