// SPDX-License-Identifier: MIT
/*
 * test_escape.c - what becomes of text that others have chosen.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "lib/escape.h"

/* How a text looks in a line, between quotes, and in JSON. NULL: unchanged. */
static const struct row {
	const char *text, *line, *quoted, *json;
} rows[] = {
	{ "", NULL, NULL, NULL },
	{ "plain text, with: 'all' sorts (of) signs~", NULL, NULL, NULL },
	{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7", NULL, NULL, NULL },
	{ "say \"a\\b\"", NULL, "say \\\"a\\\\b\\\"", "say \\\"a\\\\b\\\"" },
	/* C0 and DEL */
	{ "\033[2J", "\\x1b[2J", "\\x1b[2J", "\\u001b[2J" },
	{ "a\nb\tc\rd\x7f", "a\\x0ab\\x09c\\x0dd\\x7f",
	  "a\\x0ab\\x09c\\x0dd\\x7f", "a\\u000ab\\u0009c\\u000dd\\u007f" },
	/* C1, as a byte and as UTF-8; the character behind them is none of it */
	{ "\x9b"
	  "31m",
	  "\\x9b31m", "\\x9b31m", "\\ufffd31m" },
	{ "\xc2\x9b"
	  "31m",
	  "\\xc2\\x9b31m", "\\xc2\\x9b31m", "\\u009b31m" },
	{ "\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0",
	  "\\xc2\\x80\\xc2\\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0" },
	/* the direction of text */
	{ "\xe2\x80\xae", "\\xe2\\x80\\xae", "\\xe2\\x80\\xae", "\\u202e" },
	{ "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f",
	  "\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f",
	  "\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f", "\\u061c\\u200e\\u200f" },
	{ "\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9",
	  "\\xe2\\x81\\xa6\\xe2\\x81\\xa9", "\\u2066\\u2069" },
	/* line and paragraph separators; their neighbours are signs */
	{ "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf",
	  "\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9\xe2\x80\xaf",
	  "\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9\xe2\x80\xaf",
	  "\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaf" },
	/* no UTF-8: cut off, too long, half a pair, beyond the last, no first */
	{ "\xc3", "\\xc3", "\\xc3", "\\ufffd" },
	{ "\xe2\x82", "\\xe2\\x82", "\\xe2\\x82", "\\ufffd\\ufffd" },
	{ "\xe2\x82z", "\\xe2\\x82z", "\\xe2\\x82z", "\\ufffd\\ufffdz" },
	{ "\xc0\x9b", "\\xc0\\x9b", "\\xc0\\x9b", "\\ufffd\\ufffd" },
	{ "\xe0\x80\x9b", "\\xe0\\x80\\x9b", "\\xe0\\x80\\x9b",
	  "\\ufffd\\ufffd\\ufffd" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80",
	  "\\ufffd\\ufffd\\ufffd" },
	{ "\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b", "\\xf0\\x80\\x80\\x9b",
	  "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80",
	  "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "\xff\xfe", "\\xff\\xfe", "\\xff\\xfe", "\\ufffd\\ufffd" },
};

static void expect_escaped(const char *text, enum cop_escape_style style,
			   const char *expected)
{
	char is[256];
	size_t len = cop_escape(is, sizeof(is), text, style);

	cr_expect_str_eq(is, expected ? expected : text, "style %d: %s, not %s",
			 style, is, expected);
	cr_expect_eq(len, strlen(is), "%zu", len);
}

Test(cop_escape, characters_that_a_terminal_obeys_are_escaped)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_escaped(rows[i].text, COP_ESCAPE_LINE, rows[i].line);
		expect_escaped(rows[i].text, COP_ESCAPE_QUOTED, rows[i].quoted);
		expect_escaped(rows[i].text, COP_ESCAPE_JSON, rows[i].json);
	}
}

/* Of every character that a terminal could obey, whatever stands around it. */
Test(cop_escape, no_control_character_is_left)
{
	for (int a = 1; a < 256; a++) {
		for (int b = 1; b < 256; b++) {
			const char text[] = { a, b, '\0' };
			char is[64];

			cop_escape(is, sizeof(is), text, COP_ESCAPE_LINE);
			for (const char *c = is; *c; c++)
				cr_assert((unsigned char)*c >= ' ' &&
					  *c != 0x7f);
			cr_assert_null(strstr(is, "\xc2\x9b"));
		}
	}
}

/* By how many bytes there are, the closing 0 included. */
Test(cop_escape, an_escape_is_never_cut)
{
	static const char *const fits[] = { "x",	"",	    "a", "a",
					    "a",	"a",	    "a", "a",
					    "a\\u001b", "a\\u001bb" };
	char is[16];

	for (size_t size = 0; size < sizeof(fits) / sizeof(*fits); size++) {
		memset(is, 0, sizeof(is));
		is[0] = is[size] = 'x';
		cop_escape(is, size, "a\033b", COP_ESCAPE_JSON);
		cr_expect_eq(is[size], 'x', "%zu", size);
		is[size] = '\0';
		cr_expect_str_eq(size ? is : "x", fits[size], "%zu: %s", size,
				 is);
	}
}
