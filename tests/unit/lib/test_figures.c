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
