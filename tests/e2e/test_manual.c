// SPDX-License-Identifier: MIT
/*
 * test_manual.c - what is written of the launcher and the library is so: the
 * manual pages, cop help and the completions have the same subcommands,
 * options, verdicts and constants; what is installed works, and so does the
 * example in libcop(7).
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"

#define ROOT	    COP_TEST_DIR "/../"
#define COP_1	    ROOT "man/cop.1"
#define LIBCOP_7    ROOT "man/libcop.7"
#define COMPLETIONS ROOT "completions"
#define SCRIPTS	    COP_TEST_DIR "/e2e/scripts/"

static struct run_result result;

static void expect_silent(const char *what)
{
	cr_expect_eq(result.status, 0, "%s: %d: %s", what, result.status,
		     result.err);
	cr_expect_str_empty(result.out, "%s: %s", what, result.out);
	cr_expect_str_empty(result.err, "%s: %s", what, result.err);
}

/* ---- the pages ----------------------------------------------------------- */

Test(manual, mandoc_finds_nothing, .init = scratch_make)
{
	scratch_shell(&result, "mandoc -T lint -W warning %s %s", COP_1,
		      LIBCOP_7);
	expect_silent("mandoc");
}

/* So the test above can fail. */
Test(manual, mandoc_finds_a_mistake, .init = scratch_make)
{
	scratch_must("sed 's/^\\.Sh FILES/.Sh ERRORS/' %s >page", COP_1);
	scratch_shell(&result, "mandoc -T lint -W warning page");
	cr_expect_neq(result.status, 0);
	cr_expect_not_null(strstr(result.out, "ERRORS"), "%s", result.out);
}

/* What it says in one word for each, which all the others have to have. */
static int words(const char *command, char *found[], int max)
{
	int n = 0;

	cr_assert_eq(scratch_shell(&result, "%s", command), 0, "%s: %s",
		     command, result.err);
	for (char *word = strtok(result.out, " \n"); word && n < max;
	     word = strtok(NULL, " \n"))
		found[n++] = strdup(word);
	return n;
}

/* In mdoc an option's first dash is a macro's. */
static void expect_in_page(const char *page, const char *word)
{
	scratch_shell(&result,
		      "mandoc -T ascii -O width=1000 %s | "
		      "sed \"s/.$(printf '\\b')//g\" | grep -qw -e '%s'",
		      page, word);
	cr_expect_eq(result.status, 0, "%s is not in %s", word, page);
}

static void expect_in_completions(const char *word)
{
	scratch_shell(&result, "grep -qw -e '%s' " COMPLETIONS "/cop", word);
	cr_expect_eq(result.status, 0, "bash does not complete %s", word);
	scratch_shell(&result, "grep -qw -e '%s' " COMPLETIONS "/_cop", word);
	cr_expect_eq(result.status, 0, "zsh does not complete %s", word);
}

#define WORDS 64

/* Those in the source, so that none goes unmentioned; --list is a loader's, and --system
 * and --value are systemctl's. */
Test(manual, every_option_is_in_the_page_the_help_and_the_completions,
     .init = scratch_make)
{
	char *found[WORDS];
	int n = words("grep -oh -- '\"--[a-z]*\"' " ROOT "tools/*.c | "
		      "tr -d '\"' | grep -vx -e -- -e --list -e --system -e "
		      "--value | sort -u",
		      found, WORDS);

	cr_assert_geq(n, 5, "%d options", n);
	for (int i = 0; i < n; i++) {
		expect_in_page(COP_1, found[i]);
		expect_in_completions(found[i]);
		if (strcmp(found[i], "--help") &&
		    strcmp(found[i], "--version")) {
			scratch_shell(&result, "$COP help run; $COP help stat; "
					       "$COP help transports; "
					       "$COP help enable");
			cr_expect_not_null(strstr(result.out, found[i]),
					   "%s is not in the help", found[i]);
		}
	}
}

Test(manual, every_subcommand_is_in_the_page_and_the_completions,
     .init = scratch_make)
{
	char *found[WORDS];
	int n = words("$COP help | sed -n 's/^  \\([a-z]*\\) .*/\\1/p'", found,
		      WORDS);

	cr_assert_geq(n, 4, "%d subcommands", n);
	for (int i = 0; i < n; i++) {
		expect_in_page(COP_1, found[i]);
		expect_in_completions(found[i]);
		scratch_shell(&result, "$COP help %s", found[i]);
		cr_expect_eq(result.status, 0, "no help for %s", found[i]);
	}
}

/* Lines of "CODE NAME TEXT", of the help and of the page. */
#define HELP_ROWS \
	"$COP help check | sed -nE 's/^ +([0-9]+)  ([a-z-]+) +/\\1 \\2 /p'"
#define PAGE_ROWS                                                       \
	"sed -nE '/^.Sh VERDICTS/,/^.El/p' " COP_1 " | tr '\\n' ' ' | " \
	"sed -E 's/\\.It ([0-9]+) Sy ([a-z-]+)/\\n\\1 \\2/g' | "        \
	"sed -nE 's/ (\\.El.*)?$//; /^[0-9]+ /p' && echo"

Test(manual, the_table_of_verdicts_is_the_sources, .init = scratch_make)
{
	scratch_must("grep -c '{ [A-Z_]*, \"' " ROOT "tools/verdict.c >rows");
	scratch_shell(&result, HELP_ROWS " | grep -v ' - ' >help; (" PAGE_ROWS
					 ") | grep . >page; diff help page && "
					 "test $(wc -l <page) = $(cat rows)");
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
}

/* By name and value, as they stand in cop.h. */
Test(manual, every_constant_is_in_the_page, .init = scratch_make)
{
	char *found[WORDS];
	int n = words("sed -nE 's/^#define ([A-Z_0-9]+)[[:space:]]+"
		      "([0-9A-Fx]+).*/\\1 \\2/p' " ROOT "include/cop.h",
		      found, WORDS);

	cr_assert_geq(n, 2 * 10, "%d words", n);
	for (int i = 0; i < n; i += 2) {
		scratch_shell(&result,
			      "grep -A 1 -x '.It Dv %s' " LIBCOP_7
			      " | grep -q '^%s,'",
			      found[i], found[i + 1]);
		cr_expect_eq(result.status, 0, "%s is not %s in libcop(7)",
			     found[i], found[i + 1]);
	}
}

/* Those of the tables of refused options and of figures. */
Test(manual, refused_options_and_figures_are_in_the_page, .init = scratch_make)
{
	char *found[WORDS];
	int n = words("sed -nE '/^\\| (option|field) /,/^$/p' " ROOT
		      "docs/limits.md " ROOT "docs/statistics.md | cut -d '|' "
		      "-f 2 | grep -o '`[A-Za-z_]*`' | "
		      "tr -d '`' | sort -u",
		      found, WORDS);

	cr_assert_geq(n, 15, "%d words", n);
	for (int i = 0; i < n; i++)
		expect_in_page(LIBCOP_7, found[i]);
}

/* ---- the example --------------------------------------------------------- */

static void make_example(void)
{
	scratch_make();
	scratch_must("sed -n '/example: begin/,/example: end/p' " LIBCOP_7
		     " | sed '/^\\.[\\\\B-E]/d; s/\\\\e/\\\\/g; s/^\\\\&//' "
		     ">echo.c && cc -Wall -Wextra -Werror -I " ROOT
		     "include -o echo echo.c");
}

/* One that others who run this test do not have. */
static const char *port(void)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d", 10000 + getpid() % 20000);
	return text;
}

Test(manual, the_example_echoes_under_the_library, .init = make_example)
{
	static struct run_result said;
	const char *const server[] = { COP_BIN, "run", "./echo", port(), NULL };
	struct run_child child;

	scratch_shell(&result, "./echo %s hello", port());
	cr_expect_eq(result.status, 1);
	cr_expect_str_eq(result.err, "socket: Socket type not supported\n");
	cr_assert_eq(run_start(&child, &said, server, false, NULL), 0);
	scratch_shell(&result,
		      "until $COP run ./echo %s 'hello there' 2>/dev/null; "
		      "do sleep 0.1; done",
		      port());
	cr_expect_str_eq(result.out, "hello there\n", "%s", result.out);
	run_finish(&child, 0);
	cr_expect_str_empty(said.err, "%s", said.err);
}

/* ---- what is installed --------------------------------------------------- */

#define INSTALL                                                    \
	SCRATCH_MAKE "DESTDIR=$PWD/destination PREFIX=/usr/local " \
		     "WIRESHARKDIR= install"
#define UNDER "destination/usr/local"

Test(manual, installed_files_work_in_their_place, .init = scratch_make)
{
	scratch_must(INSTALL " && cc -o asks " COP_TEST_DIR
			     "/e2e/progs/asks.c && "
			     "(cd " UNDER " && find * -type f | sort) >files");
	scratch_shell(&result, "cat files; cd / && $OLDPWD/" UNDER "/bin/"
			       "cop run $OLDPWD/asks");
	cr_expect_str_eq(result.out,
			 "bin/cop\n"
			 "include/cop.h\n"
			 "include/cop_transport.h\n"
			 "lib/cop/net-pf-2-proto-136-type-2.so\n"
			 "lib/cop/net-pf-2-proto-253-type-9.so\n"
			 "lib/cop/sealed.lua\n"
			 "lib/cop/udplite.lua\n"
			 "lib/libcop.so\n"
			 "lib/pkgconfig/cop.pc\n"
			 "libexec/cop/cop-carries\n"
			 "libexec/cop/cop-check\n"
			 "libexec/cop/cop-service\n"
			 "libexec/cop/cop-stat\n"
			 "libexec/cop/cop-transports\n"
			 "share/bash-completion/completions/cop\n"
			 "share/man/man1/cop.1\n"
			 "share/man/man7/libcop.7\n"
			 "share/zsh/site-functions/_cop\n"
			 "cop 1 secure 0\n",
			 "%s%s", result.out, result.err);
	scratch_shell(&result,
		      UNDER "/bin/cop check asks; " UNDER "/bin/cop check");
	cr_expect_not_null(strstr(result.out, "/" UNDER "/lib/libcop.so"), "%s",
			   result.out);
}

/* ---- completion ---------------------------------------------------------- */

static const struct completion {
	const char *line; /* with a tab at its end */
	const char *bash; /* the replies, one of these */
	const char *zsh;  /* what the command then gets */
} completions[] = {
	{ "cop ru", "run", "run" },
	{ "cop chec", "check", "check" },
	{ "cop --ver", "--version", "--version" },
	{ "cop help che", "check", "help|check" },
	{ "cop check uniquec", "uniquecommand", "check|uniquecommand" },
	{ "cop run --ad", "--adopt", "run|--adopt" },
	{ "cop run --sta", "--stats", "run|--stats" },
	{ "cop run --debug --sta", "--stats", "run|--debug|--stats" },
	{ "cop run --adopt=ud", "udp", "run|--adopt=udp" },
	{ "cop run --stats=std", "stderr", "run|--stats=stderr" },
	{ "cop run --stats=fig", "figures", "run|--stats=figures" },
	{ "cop run --mod", "--modules", "run|--modules" },
	{ "cop run --load fig", "figures", "run|--load|figures" },
	{ "cop run --load figures uniquec", "uniquecommand",
	  "run|--load|figures|uniquecommand" },
	{ "cop run --ke", "--key", "run|--key" },
	{ "cop run --key fig", "figures", "run|--key|figures" },
	{ "cop run --key figures uniquec", "uniquecommand",
	  "run|--key|figures|uniquecommand" },
	{ "cop key ne", "new", "key|new" },
	{ "cop sta", "stat", "stat" },
	{ "cop stat --flo", "--flows", "stat|--flows" },
	{ "cop stat -f --numer", "--numeric", "stat|-f|--numeric" },
	{ "cop stat --jso", "--json", "stat|--json" },
	{ "cop trans", "transports", "transports" },
	{ "cop transports --mod", "--modules", "transports|--modules" },
	{ "cop transports -j --load fig", "figures",
	  "transports|-j|--load|figures" },
	{ "cop ena", "enable", "enable" },
	{ "cop enable --us", "--user", "enable|--user" },
	{ "cop enable --ado", "--adopt", "enable|--adopt" },
	{ "cop enable --root fold", "folder", "enable|--root|folder" },
	{ "cop enable --root folder uniqueu", "uniqueunit.service",
	  "enable|--root|folder|uniqueunit.service" },
	{ "cop disable --root folder uniqueu", "uniqueunit.service",
	  "disable|--root|folder|uniqueunit.service" },
	{ "cop status --ro", "--root", "status|--root" },
	{ "cop run uniquec", "uniquecommand", "run|uniquecommand" },
	{ "cop run -- uniquec", "uniquecommand", "run|--|uniquecommand" },
	{ "cop run --adopt --stats=x uniquec", "uniquecommand",
	  "run|--adopt|--stats=x|uniquecommand" },
	{ "cop run uniquecommand al", "alpha", "run|uniquecommand|alpha" },
	{ "cop run --adopt=udp:1 -- uniquecommand be", "beta",
	  "run|--adopt=udp:1|--|uniquecommand|beta" },
	{ "cop run uniquecommand --debug be", "beta",
	  "run|uniquecommand|--debug|beta" },
};

#define COMPLETED (sizeof(completions) / sizeof(*completions))

/* A command that nothing else is named like, which takes alpha and beta. */
static void make_command(void)
{
	scratch_make();
	scratch_must("echo >uniquecommand && chmod +x uniquecommand && "
		     ": >figures && mkdir -p folder/etc/systemd/system && "
		     ": >folder/etc/systemd/system/uniqueunit.service");
}

static void complete_bash(const struct completion *row, const char *rc)
{
	scratch_shell(&result,
		      "PATH=$PWD:$PATH bash --norc -c '%s; "
		      ". " COMPLETIONS "/cop; "
		      "complete -W \"alpha beta\" uniquecommand; "
		      "COMP_LINE=\"%s\"; COMP_POINT=${#COMP_LINE}; "
		      "COMP_WORDS=(${COMP_LINE//=/ = }); "
		      "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _cop; "
		      "printf \"%%s\\n\" \"${COMPREPLY[@]}\"'",
		      rc, row->line);
}

static void expect_bash(const char *rc, bool has_commands)
{
	for (size_t i = 0; i < COMPLETED; i++) {
		char line[64];

		if (!has_commands && strstr(completions[i].line, "command "))
			continue;
		complete_bash(&completions[i], rc);
		snprintf(line, sizeof(line), "%s\n", completions[i].bash);
		cr_expect_eq(strncmp(result.out, line, strlen(line)), 0,
			     "%s: %s", completions[i].line, result.out);
	}
}

Test(manual, bash_completes_alone, .init = make_command)
{
	expect_bash(":", false);
}

Test(manual, bash_completes_a_commands_own_words, .init = make_command)
{
	expect_bash(". /usr/share/bash-completion/bash_completion", true);
}

/* All of them in one terminal, since zsh takes long to start. */
static void complete_zsh(void)
{
	char lines[COMPLETED * 64] = "";

	for (size_t i = 0; i < COMPLETED; i++) {
		strcat(lines, " '");
		strcat(lines, completions[i].line);
		strcat(lines, "'");
	}
	scratch_shell(&result,
		      "PATH=$PWD:$PATH zsh -f " SCRIPTS
		      "complete.zsh " COMPLETIONS "%s",
		      lines);
	if (result.status == RUN_SKIP)
		cr_skip_test("zsh has no terminal here: %s", result.err);
	cr_assert_eq(result.status, 0, "%s", result.err);
}

Test(manual, zsh_completes, .init = make_command)
{
	char *line, *rest = result.out;

	complete_zsh();
	for (size_t i = 0; i < COMPLETED; i++) {
		line = strsep(&rest, "\n");
		cr_assert_not_null(line, "%s: nothing", completions[i].line);
		cr_expect_str_eq(line, completions[i].zsh, "%s: %s",
				 completions[i].line, line);
	}
}
