// SPDX-License-Identifier: MIT
/*
 * test_docs.c - what docs/BYPASS.md says is so: its list of symbols is the
 * library's, and each of its rows names tests that there are. docs/PROGRAMS.md
 * has the programs that tests run, and no others.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define ROOT	 COP_TEST_DIR "/../"
#define SYMBOLS	 ROOT "scripts/symbols"
#define BYPASS	 ROOT "docs/BYPASS.md"
#define COPY	 COP_BUILD_DIR "/tests/"
#define HINT	 "run make symbols"

#define TABLE	 ROOT "scripts/programs " COP_TEST_DIR "/programs "
#define PROGRAMS ROOT "docs/PROGRAMS.md"
#define SOURCE	 COP_TEST_DIR "/e2e/test_real_programs.c"

/* Without the versions, which are of other packages on another machine. */
#define ROWS "cut -d'|' -f 1-3,5- "

static struct run_result result;

static void shell(const char *command)
{
	const char *const argv[] = { "sh", "-c", command, NULL };

	run(&result, argv, false, NULL);
}

Test(docs, the_list_of_symbols_is_the_librarys)
{
	shell("cp " BYPASS " " COPY "list.md && " SYMBOLS " " COP_LIB " " COPY
	      "list.md && diff " BYPASS " " COPY "list.md");
	cr_expect_eq(result.status, 0, HINT ":\n%s%s", result.out, result.err);
}

/* So the test above can fail: whatever stands there is replaced. */
Test(docs, a_wrong_list_of_symbols_is_replaced)
{
	shell("sed 's/^    .*/    nonsense/' " BYPASS " >" COPY "wrong.md && ! "
	      "cmp -s " BYPASS " " COPY "wrong.md && " SYMBOLS " " COP_LIB
	      " " COPY "wrong.md && diff " BYPASS " " COPY "wrong.md");
	cr_expect_eq(result.status, 0, HINT ":\n%s%s", result.out, result.err);
}

Test(docs, a_document_without_a_place_for_the_list_is_left_alone)
{
	shell("grep -v 'symbols: end' " BYPASS " >" COPY "no.md && cp " COPY
	      "no.md " COPY "no.old && ! " SYMBOLS " " COP_LIB " " COPY
	      "no.md && cmp " COPY "no.md " COPY "no.old");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(result.err, "no one place"));
}

/* ---- the tables ---------------------------------------------------------- */

/* The names of all tests, as suite/name, each on a line. */
static char *all_tests(void)
{
	shell("cat " COP_TEST_DIR "/e2e/test_*.c " COP_TEST_DIR
	      "/unit/test_*.c | tr -s '[:space:]' ' ' | "
	      "grep -oE 'Test\\([^()]*' | "
	      "sed -E 's/^Test.([^,]*\\*[^,]*, )?(\\w+), (\\w+).*/\\2\\/\\3/'");
	cr_assert_eq(result.status, 0, "%s", result.err);
	return strdup(result.out);
}

static bool is_test(const char *tests, const char *name)
{
	char line[512];

	snprintf(line, sizeof(line), "\n%s\n", name);
	return strstr(tests, line) ||
	       !strncmp(tests, line + 1, strlen(line) - 1);
}

/* Every name in the last column; how many there are. */
static int expect_tests(const char *tests, char *column)
{
	int n = 0;

	for (char *name = strtok(column, "`, |"); name;
	     name = strtok(NULL, "`, |"), n++)
		cr_expect(is_test(tests, name), "there is no test %s", name);
	return n;
}

/* The last column of a row of a table; NULL for other lines. */
static char *last_column(char *line)
{
	char *end = line + strlen(line) - 1;

	if (line[0] != '|' || line[2] == '-' || strstr(line, "| way |") == line)
		return NULL;
	if (*end == '|')
		*end = '\0';
	return strrchr(line, '|') + 1;
}

Test(docs, every_way_past_is_tried_by_a_test)
{
	char *tests = all_tests();
	char *text, *next;
	int rows = 0;

	shell("cat " BYPASS);
	cr_assert_eq(result.status, 0, "%s", result.err);
	for (char *line = result.out; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		text = *line ? last_column(line) : NULL;
		if (!text)
			continue;
		rows++;
		cr_expect_gt(expect_tests(tests, text), 0, "no test: %s", line);
	}
	cr_expect_gt(rows, 10, "%d rows", rows);
	free(tests);
}

/* ---- the programs -------------------------------------------------------- */

Test(docs, the_list_of_programs_is_that_of_the_scripts)
{
	shell("cp " PROGRAMS " " COPY "programs.md && " TABLE COPY
	      "programs.md && " ROWS COPY "programs.md >" COPY
	      "programs.new && " ROWS PROGRAMS " | diff - " COPY
	      "programs.new");
	cr_expect_eq(result.status, 0, "run make programs:\n%s%s", result.out,
		     result.err);
}

Test(docs, a_wrong_list_of_programs_is_replaced)
{
	shell("sed 's/^| .socat.*/nonsense/' " PROGRAMS " >" COPY
	      "other.md && ! cmp -s " PROGRAMS " " COPY
	      "other.md && " TABLE COPY "other.md && " ROWS COPY
	      "other.md >" COPY "other.new && " ROWS PROGRAMS " | diff - " COPY
	      "other.new");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
}

Test(docs, a_script_that_does_not_say_what_it_tests_is_refused)
{
	shell("mkdir -p " COPY "silent && echo >" COPY
	      "silent/silent.sh && cp " PROGRAMS " " COPY "silent.md && ! " ROOT
	      "scripts/programs " COPY "silent " COPY
	      "silent.md && cmp " PROGRAMS " " COPY "silent.md");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(result.err, "silent.sh has no line"));
}

/* A script that no test runs says nothing. */
Test(docs, every_script_of_a_program_is_run_by_a_test)
{
	shell("cd " COP_TEST_DIR "/programs && for script in *.sh; do [ "
	      "$script = lib.sh ] || echo \"PROGRAM(${script%.sh})\"; done | "
	      "sort >" COPY "scripts && grep '^PROGRAM(' " SOURCE
	      " | sort | diff " COPY "scripts -");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
}
