// SPDX-License-Identifier: MIT
/*
 * test_docs.c - the documents say what is true. Links lead to a file and a heading,
 * commands work and print what the page shows, and variables and options exist.
 * docs/BYPASS.md lists the library's symbols, and each of its rows names tests that
 * exist. docs/PROGRAMS.md lists the programs that tests run, and no others.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"

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
	      "/unit/test_*.c " COP_TEST_DIR
	      "/unit/*/test_*.c | tr -s '[:space:]' ' ' | "
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

Test(docs, a_script_without_a_header_is_refused)
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
	shell("cd " COP_TEST_DIR "/programs && ls *.sh | grep -v '^lib' | "
	      "sed 's/\\(.*\\)\\.sh/PROGRAM(\\1)/' | sort >" COPY
	      "scripts && grep '^PROGRAM(' " SOURCE " | sort | diff " COPY
	      "scripts -");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
}

/* ---- the pages ----------------------------------------------------------- */

#define CHECK "python3 " COP_TEST_DIR "/e2e/scripts/pages.py "
#define PAGES ROOT "README.md " ROOT "CONTRIBUTING.md " ROOT "docs/*.md"

static void expect_right(void)
{
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
}

static void expect_wrong(const char *what)
{
	cr_expect_eq(result.status, 1, "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(result.out, what), "no '%s' in:\n%s%s", what,
			   result.out, result.err);
}

Test(docs, every_link_leads_to_a_file_and_a_heading)
{
	shell(CHECK "links " ROOT " " PAGES);
	expect_right();
}

Test(docs, every_command_is_in_a_block_that_a_test_reads)
{
	shell(CHECK "blocks " ROOT " " PAGES);
	expect_right();
}

#define HOUSE ROOT "docs/ARCHITECTURE.md"

Test(docs, every_function_and_file_that_the_architecture_names_exists)
{
	shell(CHECK "names " ROOT " " HOUSE);
	expect_right();
}

Test(docs, the_table_of_rooms_is_the_list_that_the_calls_are_checked_by)
{
	shell(CHECK "rooms " ROOT " " HOUSE);
	expect_right();
}

Test(docs, a_room_in_another_place_is_found)
{
	shell("sed '/^| `port`/{h;d};/^| `route`/G' " HOUSE " >" COPY
	      "rooms.md && " CHECK "rooms " ROOT " " COPY "rooms.md");
	expect_wrong("a room is 'route cop_route.c', and in scripts/rooms "
		     "'port cop_port.c port'");
}

Test(docs, every_option_and_variable_that_a_sentence_names_exists)
{
	shell(CHECK "spans " ROOT " " COP_BIN " " PAGES);
	expect_right();
}

Test(docs, make_alone_builds_the_library)
{
	shell("make -s -n -B -C " ROOT " B=" COPY
	      "none | grep -q -- '-o libcop.so '");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
}

/* A line of a table is "| `NAME` | `--option` |"; both stand in the source. */
Test(docs, the_table_of_variables_is_the_sources, .init = scratch_make)
{
	scratch_must("grep -rhoE '\"COP_[A-Z_]+\"' --include='*env.c' "
		     "--include=request.c --include=keys.c "
		     "--include=sealed.c " ROOT
		     " --exclude-dir=build --exclude-dir=tests | "
		     "tr -d '\"' | sort -u >source && "
		     "test $(wc -l <source) -ge 3 && "
		     "sed -nE 's/^\\| `(COP_[A-Z_]+)` \\|.*/\\1/p' " ROOT
		     "docs/environment.md | sort >page");
	scratch_shell(&result, "diff source page");
	expect_right();
	scratch_must(
		"$COP help run | sed -nE 's/^  (--[a-z]+).*/\\1/p' | "
		"sort >help && test $(wc -l <help) -ge 3 && "
		"sed -nE 's/^\\| `COP_[A-Z_]+` \\| `(--[a-z]+)`.*/\\1/p' " ROOT
		"docs/environment.md | sort >page");
	scratch_shell(&result, "diff help page");
	expect_right();
}

/* It is to be read in three minutes. */
Test(docs, the_readme_is_short)
{
	shell("wc -l <" ROOT "README.md");
	cr_expect_leq(atoi(result.out), 130, "%s lines", result.out);
}

/* ---- the commands -------------------------------------------------------- */

/*
 * The working directory, which is also the home directory, is like the source
 * directory after make, and the commands are found as after make install. make only
 * says what it would do: the tests were built by it. A page's sleep of a second is
 * three seconds long, since other tests keep the machine busy.
 */
static void make_source(void)
{
	scratch_make();
	scratch_must(
		"mkdir bin && ln -s $LIB libcop.so && "
		"ln -s " ROOT "tools " ROOT "tests " ROOT "scripts . && "
		"ln -s " COP_BUILD_DIR " build && "
		"ln -s " COP_BUILD_DIR "/tests/progs/asks "
		"bin/your-program && "
		"printf '#!/bin/sh\\nexec %%s \"$@\"\\n' $COP >bin/cop && "
		"printf '#!/bin/sh\\nexec env -u MAKEFLAGS -u MAKELEVEL "
		"%%s -n -C " ROOT " \"$@\" >/dev/null\\n' "
		"$(command -v make) >bin/make && "
		"printf '#!/bin/sh\\n[ \"$1\" = 1 ] && set -- 3; exec "
		"/bin/sleep \"$@\"\\n' "
		">bin/sleep && "
		"printf '#!/bin/sh\\nas=\\n[ $(id -u) -ne 0 ] || "
		"as=\"setpriv --reuid=65534 --regid=65534 --clear-groups\"\\n"
		"exec $as %%s \"$@\"\\n' $(command -v tshark) >bin/tshark && "
		"chmod +x bin/tshark && "
		"chmod +x bin/cop bin/make bin/sleep && ln -s bin/cop cop");
}

/*
 * Ports are free, and what a page starts ends with its test. A page may run tests,
 * which are not to take themselves for workers of this one.
 */
#define SPACES "--net --pid --mount --fork --kill-child --mount-proc"
#define ALONE                                                 \
	"spaces='" SPACES "'; [ $(id -u) -eq 0 ] || "         \
	"spaces=\"--map-current-user --keep-caps $spaces\"; " \
	"unset BXFI_MAP XDG_CONFIG_HOME; export HOME=$PWD; "  \
	"PATH=$PWD/bin:$PATH:/usr/sbin:/sbin; unshare "       \
	"$spaces true || "                                    \
	"{ echo no namespaces are to be had; exit 77; }; "    \
	"unshare $spaces sh -c 'ip link set lo up && " CHECK "run %s'"

static void run_the_page(const char *page)
{
	scratch_shell(&result, ALONE, page);
	if (result.status == RUN_SKIP)
		cr_skip_test("%s", result.out);
}

/* Of a page that has at least so many blocks that are run. */
static void expect_page(const char *page, int blocks)
{
	char path[512];

	snprintf(path, sizeof(path), ROOT "%s", page);
	run_the_page(path);
	expect_right();
	cr_expect_geq(atoi(result.out), blocks, "%s", result.out);
}

Test(docs, the_commands_of_the_readme_work, .init = make_source, .timeout = 120)
{
	expect_page("README.md", 6);
}

Test(docs, the_commands_of_contributing_work, .init = make_source,
     .timeout = 120)
{
	expect_page("CONTRIBUTING.md", 1);
}

Test(docs, the_commands_of_environment_work, .init = make_source,
     .timeout = 120)
{
	if (geteuid())
		cr_skip_test(
			"in a user's namespace the loader is nobody's, and "
			"cop check does not trust it");
	expect_page("docs/environment.md", 5);
}

Test(docs, the_commands_of_adoption_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/adoption.md", 4);
}

Test(docs, the_commands_of_statistics_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/statistics.md", 2);
}

Test(docs, the_commands_of_wire_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/wire.md", 3);
}

Test(docs, the_commands_of_performance_work, .init = make_source,
     .timeout = 120)
{
	expect_page("docs/performance.md", 1);
}

Test(docs, the_commands_of_bypass_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/BYPASS.md", 1);
}

Test(docs, the_commands_of_differences_work, .init = make_source,
     .timeout = 120)
{
	expect_page("docs/DIFFERENCES.md", 1);
}

Test(docs, the_commands_of_programs_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/PROGRAMS.md", 1);
}

Test(docs, the_commands_of_lab_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/lab.md", 1);
}

Test(docs, the_commands_of_services_are_read, .init = make_source)
{
	expect_page("docs/services.md", 0);
}

Test(docs, the_commands_of_transports_are_read, .init = make_source)
{
	expect_page("docs/transports.md", 0);
}

Test(docs, the_commands_of_udplite_are_read, .init = make_source)
{
	expect_page("docs/udplite.md", 0);
}

Test(docs, the_commands_of_sealed_work, .init = make_source, .timeout = 120)
{
	expect_page("docs/sealed.md", 1);
}

/* A page with commands that no test above names would go unnoticed. */
Test(docs, every_page_with_commands_is_run)
{
	shell("for page in $(grep -lE '^```(sh|console|python)' " PAGES
	      "); do grep -q \"expect_page(.*${page##*/}\" " COP_TEST_DIR
	      "/e2e/test_docs.c || echo $page; done");
	cr_expect_str_empty(result.out, "%s", result.out);
}

/* So the tests above can fail. */
static const struct fault {
	const char *check; /* of pages.py */
	const char *page;
	const char *said;
} faults[] = {
	{ "links . ", "[x](none.md)", "none.md leads nowhere" },
	{ "links . ", "# A\n[x](#b)", "no such heading" },
	{ "links . ", "[x](../../etc/passwd)", "leads" },
	{ "blocks . ", "```\nls\n```", "unknown kind" },
	{ "blocks . ", "x\n\n    ls", "without a fence" },
	{ "blocks . ", "```sh\nls", "no end" },
	{ "spans . $COP ", "`cop run --none`", "no option --none" },
	{ "spans . $COP ", "`cop none`", "no such subcommand" },
	{ "spans . $COP ", "COP_NONE", "COP_NONE is nowhere" },
	{ "names " ROOT " ", "`cop_none()`", "no function cop_none()" },
	{ "names " ROOT " ", "`struct none`", "no struct none" },
	{ "names " ROOT " ", "`lib/none.c`", "no file lib/none.c" },
	{ "run ", "```sh\nfalse\ntrue\n```", "exit status 1" },
	{ "run ", "```console\n$ echo yes\nno\n```", "and not" },
	{ "run ", "```console\n$ echo yes\n```", "and not" },
	{ "run ", "```console\n$ exit 3\n```", "exit status -1" },
	{ "run ", "```python\nraise SystemExit(3)\n```", "exit status 3" },
};

Test(docs, a_mistake_in_a_page_is_found, .init = make_source)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		scratch_must("printf '%%b\\n' '%s' >page.md", faults[i].page);
		scratch_shell(&result,
			      "PATH=$PWD/bin:$PATH; " CHECK "%spage.md",
			      faults[i].check);
		expect_wrong(faults[i].said);
	}
}

Test(docs, a_block_that_is_not_run_says_why, .init = make_source)
{
	scratch_must(
		"printf '<!-- not run: REASON -->\\n```sh\\nfalse\\n```\\n' "
		">page.md");
	scratch_shell(&result, CHECK "run page.md");
	expect_right();
	scratch_must("printf '<!-- not run: -->\\n```sh\\nfalse\\n```\\n' "
		     ">page.md");
	scratch_shell(&result, CHECK "run page.md");
	expect_wrong("exit status 1");
}
