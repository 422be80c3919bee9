// SPDX-License-Identifier: MIT
/*
 * test_launcher.c - cop run: the environment that a program gets, and that the
 * program is all there is then. env(1) finds and starts programs as cop run is
 * to, so it says what comes of a command.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/version.h"
#include "scratch.h"

#define COMPANY COP_BUILD_DIR "/tests/progs/company"
#define HAS_COP "socket(PF_INET, SOCK_COP, IPPROTO_COP) = 3\n"

static struct run_result result, expected;

/* One line, as every error is. */
static void expect_line(const char *text)
{
	const char *end = strchr(result.err, '\n');

	cr_expect_str_empty(result.out);
	cr_expect(end && !end[1], "%s", result.err);
	cr_expect_eq(strncmp(result.err, "cop: ", 5), 0, "%s", result.err);
	cr_expect_not_null(strstr(result.err, text), "not %s: %s", text,
			   result.err);
}

/* ---- the environment ----------------------------------------------------- */

#define ARGS		4
#define PRELOAD(before) "LD_PRELOAD=" before COP_LIB "\n"
#define OLD		"COP_ADOPT=udp:7", "COP_DEBUG=0", "COP_STATS=x"

static const struct environment {
	const char *before[ARGS], *options[ARGS], *after;
} environments[] = {
	{ { "A=1" }, { NULL }, "A=1\n" PRELOAD("") },
	{ { "A=1" }, { "--" }, "A=1\n" PRELOAD("") },
	{ { NULL }, { "--adopt" }, "COP_ADOPT=udp\n" PRELOAD("") },
	{ { NULL }, { "--adopt=udp" }, "COP_ADOPT=udp\n" PRELOAD("") },
	{ { NULL },
	  { "--adopt=udp:5000-5999,7000" },
	  "COP_ADOPT=udp:5000-5999,7000\n" PRELOAD("") },
	{ { NULL }, { "--stats" }, "COP_STATS=stderr\n" PRELOAD("") },
	{ { NULL }, { "--stats=a=b c" }, "COP_STATS=a=b c\n" PRELOAD("") },
	{ { NULL }, { "--debug" }, "COP_DEBUG=1\n" PRELOAD("") },
	{ { NULL },
	  { "--deb", "--ad=udp:7" },
	  "COP_DEBUG=1\nCOP_ADOPT=udp:7\n" PRELOAD("") },
	{ { NULL },
	  { "--debug", "--stats", "--adopt", "--" },
	  "COP_DEBUG=1\nCOP_STATS=stderr\nCOP_ADOPT=udp\n" PRELOAD("") },
	{ { "COP_MODULES=x" },
	  { "--modules", "/a", "--load", "/b.so" },
	  "COP_MODULES=/a\nCOP_LOAD=/b.so\n" PRELOAD("") },
	{ { NULL },
	  { "--modules=/a", "--modules", "/b", "--" },
	  "COP_MODULES=/a:/b\n" PRELOAD("") },
	{ { NULL },
	  { "--adopt=udp:1", "--adopt=udp:2" },
	  "COP_ADOPT=udp:2\n" PRELOAD("") },
	{ { OLD },
	  { NULL },
	  "COP_ADOPT=udp:7\nCOP_DEBUG=0\nCOP_STATS=x\n" PRELOAD("") },
	{ { OLD },
	  { "--adopt", "--debug", "--stats" },
	  "COP_ADOPT=udp\nCOP_DEBUG=1\nCOP_STATS=stderr\n" PRELOAD("") },
	{ { "LD_PRELOAD=" }, { NULL }, PRELOAD("") },
	{ { "LD_PRELOAD=./a.so" }, { NULL }, PRELOAD("./a.so:") },
	{ { "LD_PRELOAD=./a.so:./b.so" }, { NULL }, PRELOAD("./a.so:./b.so:") },
	{ { "LD_PRELOAD=./a.so ./b.so" }, { NULL }, PRELOAD("./a.so ./b.so:") },
	{ { "LD_PRELOAD=" COP_LIB }, { NULL }, PRELOAD("") },
	{ { "LD_PRELOAD=" COP_LIB " ./a.so" },
	  { NULL },
	  "LD_PRELOAD=" COP_LIB " ./a.so\n" },
	{ { "LD_PRELOAD=./a.so:./copy/libcop.so" },
	  { NULL },
	  "LD_PRELOAD=./a.so:./copy/libcop.so\n" },
	{ { "LD_PRELOAD=./a.so:./gone/libcop.so" },
	  { NULL },
	  PRELOAD("./a.so:./gone/libcop.so:") },
	{ { "LD_PRELOAD=./copy/libcop.so.old" },
	  { NULL },
	  PRELOAD("./copy/libcop.so.old:") },
};

static size_t add(const char **argv, size_t n, const char *const *more)
{
	for (size_t i = 0; i < ARGS && more[i]; i++)
		argv[n++] = more[i];
	return n;
}

static void make_libraries(void)
{
	scratch_make();
	scratch_must("echo | cc -shared -fPIC -x c -o a.so - && "
		     "cp a.so b.so && mkdir copy && cp $LIB copy && "
		     "cp a.so copy/libcop.so.old");
}

Test(launcher, a_program_gets_just_this_environment, .init = make_libraries)
{
	for (size_t i = 0; i < sizeof(environments) / sizeof(*environments);
	     i++) {
		const struct environment *row = &environments[i];
		const char *argv[4 + 2 * ARGS] = { "env", "-i" };
		size_t n = add(argv, 2, row->before);

		argv[n++] = COP_BIN;
		argv[n++] = "run";
		n = add(argv, n, row->options);
		argv[n] = "env";
		run(&result, argv, false, NULL);
		cr_expect_eq(result.status, 0, "row %zu: %s", i, result.err);
		cr_expect_str_eq(result.out, row->after, "row %zu:\n%s", i,
				 result.out);
		if (!strstr(row->after, "gone"))
			cr_expect_str_empty(result.err, "%s", result.err);
	}
}

Test(launcher, a_program_that_runs_another_so_has_the_library_once,
     .init = scratch_make)
{
	cr_assert_eq(scratch_shell(&result, "$COP run sh -c '$COP run env'"),
		     0);
	cr_expect_not_null(strstr(result.out, "\n" PRELOAD("")), "%s",
			   result.out);
}

Test(launcher, a_program_has_cop)
{
	const char *const argv[] = {
		COP_BIN, "run", COMPANY, "cop", "ask", NULL
	};

	cr_expect_eq(run(&result, argv, false, NULL), 0);
	cr_expect_not_null(strstr(result.out, HAS_COP), "%s", result.out);
	cr_expect_str_empty(result.err);
}

#define OPEN_AND_CLOSE \
	" /usr/bin/python3 -c 'import socket; socket.socket(2, 7).close()'"

Test(launcher, stats_names_the_file_of_the_figures, .init = scratch_make)
{
	cr_expect_eq(scratch_shell(&result,
				   "$COP run --stats=figures" OPEN_AND_CLOSE
				   " && cat figures"),
		     0);
	cr_expect_str_empty(result.err, "%s", result.err);
	cr_expect_eq(strncmp(result.out, "cop pid=", 8), 0, "%s", result.out);
	cr_expect_eq(scratch_shell(&result, "$COP run --stats" OPEN_AND_CLOSE),
		     0);
	cr_expect_eq(strncmp(result.err, "cop pid=", 8), 0, "%s", result.err);
}

/* ---- what --adopt understands -------------------------------------------- */

static const struct adopt {
	const char *value;
	bool is_understood;
} adopts[] = {
	{ "udp", true },
	{ "udp:1", true },
	{ "udp:65535", true },
	{ "udp:1-65535", true },
	{ "udp:7-7", true },
	{ "udp:0080", true },
	{ "udp:5000-5999,7000", true },
	{ "udp:1,2,3,2-4", true },
	{ "", false },
	{ "udp:", false },
	{ "UDP", false },
	{ "tcp", false },
	{ "udp ", false },
	{ "udp,tcp", false },
	{ "udp:0", false },
	{ "udp:65536", false },
	{ "udp:18446744073709551617", false },
	{ "udp:-5", false },
	{ "udp:5-", false },
	{ "udp:+5", false },
	{ "udp: 5", false },
	{ "udp:0x50", false },
	{ "udp:9-3", false },
	{ "udp:1-2-3", false },
	{ "udp:5,", false },
	{ "udp:,5", false },
	{ "udp:5,,6", false },
	{ "udp:5;6", false },
	{ "udp:5 ", false },
	{ "udp:domain", false },
};

#define ADOPTS (sizeof(adopts) / sizeof(*adopts))

static void adopt(const char *value)
{
	char option[64];
	const char *const argv[] = { COP_BIN,	 "run",	      option,
				     "printenv", "COP_ADOPT", NULL };

	snprintf(option, sizeof(option), "--adopt=%s", value);
	run(&result, argv, false, NULL);
}

Test(launcher, adopt_is_given_a_list_of_ports_or_refused)
{
	for (size_t i = 0; i < ADOPTS; i++) {
		adopt(adopts[i].value);
		if (adopts[i].is_understood) {
			cr_expect_eq(result.status, 0, "%s", result.err);
			cr_expect_eq(strncmp(result.out, adopts[i].value,
					     strlen(adopts[i].value)),
				     0);
			continue;
		}
		cr_expect_eq(result.status, 125, "%s: %d", adopts[i].value,
			     result.status);
		expect_line("as in udp:5000-5999,7000");
	}
}

/* So nothing that cop lets pass is then ignored, nor anything else refused. */
Test(launcher, adopt_is_understood_as_the_library_does)
{
	static const char *const argv[] = { "true", NULL };
	char variable[64];

	for (size_t i = 0; i < ADOPTS; i++) {
		const char *const env[] = { variable, NULL };

		snprintf(variable, sizeof(variable), "COP_ADOPT=%s",
			 adopts[i].value);
		cr_expect_eq(run(&result, argv, true, env), 0);
		cr_expect_eq(!strstr(result.err, "is ignored"),
			     adopts[i].is_understood, "%s: %s", variable,
			     result.err);
	}
}

/* ---- the program is all there is ----------------------------------------- */

Test(launcher, a_program_is_the_process_that_was_cop)
{
	const char *const argv[] = { COP_BIN, "run",	       "sh",
				     "-c",    "echo $$ $PPID", NULL };
	struct run_child child;
	char ids[64];

	cr_assert_eq(run_start(&child, &result, argv, false, NULL), 0);
	snprintf(ids, sizeof(ids), "%d %d\n", child.pid, getpid());
	cr_expect_eq(run_finish(&child, RUN_TIMEOUT_MS), 0);
	cr_expect_str_eq(result.out, ids, "%s", result.out);
}

static const char *const scenes[] = {
	"exit 0",
	"exit 1",
	"exit 125",
	"exit 255",
	"kill -TERM $$",
	"kill -KILL $$",
	"kill -SEGV $$",
	"ls /proc/self/fd",
	"ls /proc/self/task | wc -l",
	"trap '' HUP; kill -HUP $$; echo alive",
	"cat",
	"pwd; ulimit -a; umask; grep Sig[BIC] /proc/self/status",
	"echo out; echo err >&2",
	"printf '%s|' \"$0\" \"$@\"",
};

Test(launcher, a_program_does_and_ends_as_without_cop)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		const char *const argv[] = { COP_BIN,	"run",	   "sh", "-c",
					     scenes[i], "a b",	   "",	 "*",
					     "--",	"--debug", "-h", NULL };

		run(&expected, argv + 2, false, NULL);
		run(&result, argv, false, NULL);
		cr_expect_eq(result.status, expected.status, "%s: %d",
			     scenes[i], result.status);
		cr_expect_str_eq(result.out, expected.out, "%s: %s", scenes[i],
				 result.out);
		cr_expect_str_eq(result.err, expected.err, "%s: %s", scenes[i],
				 result.err);
	}
}

/* ---- finding a program --------------------------------------------------- */

/*
 * Files in directories of a PATH, whose names say what is to come of them by
 * the rules of execvp().
 */
static void make_commands(void)
{
	scratch_make();
	scratch_must(
		"mkdir a b c a/directory && ln -s nowhere a/dangling && "
		"echo 'echo a' >a/denied && echo 'echo b $0' >b/denied && "
		"echo 'echo b' >b/twice && echo 'echo c' >c/twice && "
		"echo 'echo b dir' >b/directory && echo echo >a/only && "
		"echo 'echo b $0' >b/dangling && echo 'echo here' >here && "
		"chmod +x b/* c/* here && : >c/empty && "
		"echo 'echo plain $0 $1' >c/plain && "
		"printf '#!/bin/sh' >c/unclosed && "
		"printf '#!\\necho none $1\\n' >c/none && "
		"printf '#! \\t/bin/sh -e -x\\n' >c/options && "
		"printf '#!/bin/echo  two  words \\n' >c/words && "
		"printf '#!%%s/c/words\\n' $PWD >c/nested && "
		"printf '#!/usr/bin/env echo\\n' >c/env && "
		"printf '#!/usr/bin/env -S echo -n\\n' >c/split && "
		"printf '#!/usr/bin/env nosuchprogram\\n' >c/env_nothing && "
		"printf '#!%%s/c/deep0\\n' $PWD >c/deep && "
		"for i in 0 1 2; do "
		"  printf '#!%%s/c/deep%%d\\n' $PWD $((i + 1)) >c/deep$i; "
		"done; printf '#!/bin/echo\\n' >c/deep3 && "
		"printf '#!%%s/c/loop\\n' $PWD >c/loop && "
		"printf '#!%%s/c/toodeep0\\n' $PWD >c/toodeep && "
		"for i in 0 1 2 3 4 5 6; do "
		"  printf '#!%%s/c/toodeep%%d\\n' $PWD $((i + 1)) >c/toodeep$i;"
		"done; printf '#!/bin/echo\\n' >c/toodeep7 && "
		"printf '#!/bin/%%0300d\\necho long $1\\n' 0 >c/long && "
		"printf '#!/bin/echo %%0300d\\n' 7 >c/longargument && "
		"printf '#!/tmp\\n' >c/directory_runs_it && chmod +x c/*");
}

static const char *const paths[] = {
	"PATH=a:b:c:/bin", "PATH=:a:c:/bin",
	"PATH=c::/bin",	   "PATH=",
	"PATH=b",	   "PATH=a/only:./a/../b:nowhere:/bin",
};

static const char *const names[] = {
	"denied",   "twice",	    "directory", "only",     "dangling",
	"here",	    "./here",	    "./a",	 "a/denied", "/",
	"nosuch",   "a/nosuch",	    "here/x",	 "",	     ".",
	"empty",    "plain",	    "unclosed",	 "none",     "options",
	"words",    "nested",	    "env",	 "split",    "env_nothing",
	"deep",	    "loop",	    "toodeep",	 "long",     "longargument",
	"./c/loop", "./c/unclosed", "c/plain",	 "true",     "sh",
	"ls/",	    "/bin/sh/",	    "b/twice",	 "c/none",   "./b/denied",
};

#define NAMES (sizeof(names) / sizeof(*names))

/* What comes of it is the same; what is said of it is not. */
static void expect_found(const char *path, const char *name)
{
	const char *const env[] = { path, NULL };
	const char *const argv[] = { COP_BIN,	    "run", "--", name,
				     "an argument", "-x",  NULL };
	const char *plain[] = { "/usr/bin/env", name, "an argument", "-x",
				NULL };
	bool ours;

	run(&expected, plain, false, env);
	run(&result, argv, false, env);
	ours = expected.status == 126 || expected.status == 127;
	cr_expect_eq(result.status, expected.status, "%s %s: %d, not %d: %s",
		     path, name, result.status, expected.status, result.err);
	cr_expect_str_eq(result.out, expected.out, "%s %s: %s", path, name,
			 result.out);
	if (ours && !strncmp(result.err, "cop: ", 5))
		expect_line(*name ? name : "not found");
	else
		cr_expect_str_eq(result.err, expected.err, "%s %s: %s", path,
				 name, result.err);
}

Test(launcher, a_command_is_found_as_env_finds_it, .init = make_commands)
{
	for (size_t p = 0; p < sizeof(paths) / sizeof(*paths); p++)
		for (size_t n = 0; n < NAMES; n++)
			expect_found(paths[p], names[n]);
}

Test(launcher, a_command_is_found_without_a_path, .init = make_commands)
{
	expect_found("PATH", "true");
	expect_found("PATH", "here");
	expect_found("PATH", "nosuch");
}

/* env(1) takes what is missing for the program itself. */
Test(launcher, a_program_whose_interpreter_is_missing_is_not_executable,
     .init = scratch_make)
{
	scratch_must("printf '#!/nowhere/sh\\n' >script && chmod +x script && "
		     "printf 'int main(void) { return 0; }' | cc -x c "
		     "-Wl,-dynamic-linker,/nowhere/ld-linux.so -o program -");
	cr_expect_eq(scratch_shell(&result, "$COP run ./script"), 126);
	expect_line("./script: /nowhere/sh: can't be executed: No such file");
	cr_expect_eq(scratch_shell(&result, "$COP run ./program"), 126);
	expect_line("./program: /nowhere/ld-linux.so: can't be executed: No");
}

/* The shell is for what the kernel finds no way to run, and nothing else. */
Test(launcher, a_program_that_is_being_written_is_not_given_to_the_shell,
     .init = scratch_make)
{
	scratch_must("cp /bin/true program");
	scratch_shell(&expected, "exec 9>>program; env ./program");
	scratch_shell(&result, "exec 9>>program; $COP run ./program");
	cr_expect_eq(result.status, expected.status, "%d", result.status);
	if (result.status)
		expect_line("./program: can't be executed: Text file busy");
}

/* One string may have 128 kB; this one has not, before it is appended to. */
Test(launcher, an_environment_that_is_too_long_is_said, .init = scratch_make)
{
	cr_expect_eq(scratch_shell(&result,
				   "LD_PRELOAD=$(printf '%%0131050d' 0) "
				   "$COP run /bin/true"),
		     126);
	expect_line("/bin/true: can't be executed: Argument list too long");
}

/* ---- used wrongly -------------------------------------------------------- */

static const struct wrong {
	const char *args, *says;
} wrongs[] = {
	{ "", "cop help" },
	{ "frobnicate", "no subcommand frobnicate" },
	{ "-x", "no subcommand -x" },
	{ "run", "a command is missing" },
	{ "run --", "a command is missing" },
	{ "run --adopt", "a command is missing" },
	{ "run --frobnicate true", "no option --frobnicate" },
	{ "run --adopted true", "no option --adopted" },
	{ "run -d true", "no option -d" },
	{ "run --debug -x true", "no option -x" },
	{ "run --debug=1 true", "--debug takes no value" },
	{ "run --stats= true", "stderr or a file's name" },
	{ "run --load", "--load: the value must be a transport's file" },
	{ "run --modules= true", "the value must be a directory" },
	{ "run --modules .", "a command is missing" },
	{ "check true false", "one command" },
	{ "version 1", "no arguments" },
	{ "help run check", "one subcommand" },
	{ "help frobnicate", "no subcommand frobnicate" },
	{ "stat 1", "is no option" },
	{ "stat -", "is no option" },
	{ "stat -x", "no option -x" },
	{ "stat -fx", "no option -fx" },
	{ "stat -- 1", "is no option" },
	{ "stat --flowing", "no option --flowing" },
	{ "stat --p", "no option --p" },
	{ "stat --flows=1", "--flows takes no value" },
	{ "stat -p", "--pid: PID is missing" },
	{ "stat --pid", "--pid: PID is missing" },
	{ "stat --pid=", "must be the number of a process" },
	{ "stat -p -f", "must be the number of a process" },
	{ "stat -fp 0", "must be the number of a process" },
	{ "stat -p1x", "must be the number of a process" },
	{ "stat --port 65536", "must be a port" },
	{ "stat --sport=-1", "must be a port" },
	{ "stat --dport http", "must be a port" },
	{ "stat -w 0", "seconds from" },
	{ "stat -w1e9", "seconds from" },
	{ "stat --watch=x", "seconds from" },
	{ "stat --watch=1s", "seconds from" },
};

Test(launcher, wrong_use_is_125_and_a_line_with_the_right_use,
     .init = scratch_make)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		scratch_shell(&result, "$COP %s", wrongs[i].args);
		cr_expect_eq(result.status, 125, "%s: %d", wrongs[i].args,
			     result.status);
		expect_line(wrongs[i].says);
	}
}

/* ---- help ---------------------------------------------------------------- */

static void expect_says(const char *args, const char *text)
{
	scratch_shell(&result, "$COP %s", args);
	cr_expect_eq(result.status, 0, "%s: %d", args, result.status);
	cr_expect_str_empty(result.err, "%s", result.err);
	cr_expect_not_null(strstr(result.out, text), "%s: %s", args,
			   result.out);
}

/* Which mean the same. */
Test(launcher, an_option_of_stat_may_be_written_in_several_ways,
     .init = scratch_make)
{
	static const char *const ways[] = {
		"-fjp $$",	"-f -j -p$$",	"-jf --pid $$",
		"-fj --pid=$$", "-n -fjp$$ --", "--fl --js --pi $$",
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		scratch_shell(&result, "exec $COP stat %s", ways[i]);
		cr_expect_eq(result.status, 0, "%s: %s", ways[i], result.err);
		cr_expect_str_empty(result.out, "%s: %s", ways[i], result.out);
	}
	scratch_shell(&result, "timeout 1 $COP stat -w 0.1 -p $$; "
			       "timeout 1 $COP stat -w0.1 -p $$; "
			       "timeout 1 $COP stat --watch=0.1 -p $$; "
			       "timeout 1 $COP stat -w -p $$");
	cr_expect_str_empty(result.err, "%s", result.err);
	cr_expect_gt(result.out_len, 6 * 80, "%s", result.out);
}

Test(launcher, version_is_the_librarys, .init = scratch_make)
{
	expect_says("version", "cop " COP_LIB_VERSION "\n");
	expect_says("--version", "cop " COP_LIB_VERSION "\n");
}

Test(launcher, there_are_several_ways_to_get_help, .init = scratch_make)
{
	static const char *const general[] = { "help", "--help", "-h" };
	static const char *const of_run[] = { "help run", "run --help",
					      "run -h", "--help run" };

	for (size_t i = 0; i < sizeof(general) / sizeof(*general); i++)
		expect_says(general[i], "usage: cop SUBCOMMAND");
	for (size_t i = 0; i < sizeof(of_run) / sizeof(*of_run); i++)
		expect_says(of_run[i], "usage: cop run [--adopt");
	expect_says("check --help", "usage: cop check");
	expect_says("stat --help", "usage: cop stat [-fjn]");
}

/* By the path that the kernel has started it by. */
Test(launcher, the_library_is_found_without_proc, .init = scratch_make)
{
	static const char *const ways[] = { "./cop", "PATH=$PWD:$PATH; cop",
					    "cd /; $OLDPWD/link" };

	scratch_must("cp -r $COP $PROGRAMS $LIB . && ln -s cop link");
	if (scratch_shell(&result, "unshare -m umount -l /proc"))
		cr_skip_test("/proc stays where it is: %s", result.err);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		scratch_shell(&result,
			      "unshare -m sh -c 'umount -l /proc; %s run "
			      "printenv LD_PRELOAD'",
			      ways[i]);
		cr_expect_eq(strncmp(result.out, scratch_dir,
				     strlen(scratch_dir)),
			     0, "%s: %s%s", ways[i], result.out, result.err);
	}
}

/* ---- programs of their own ----------------------------------------------- */

Test(launcher, a_subcommands_program_that_is_missing_is_said,
     .init = scratch_make)
{
	scratch_must("cp $COP .");
	if (!access("/usr/local/libexec/cop/cop-check", X_OK))
		cr_skip_test("cop is installed, which has the program");
	cr_expect_eq(scratch_shell(&result, "./cop check true"), 125);
	expect_line("/libexec/cop/cop-check: No such file");
	cr_expect_eq(scratch_shell(&result, "./cop help stat"), 125);
	expect_line("/libexec/cop/cop-stat: No such file");
}

/* What is meant for programs is not done to cop's own. */
Test(launcher, a_subcommands_program_is_not_preloaded, .init = scratch_make)
{
	scratch_must("head -c 3000 $LIB >libcop.so");
	cr_expect_eq(scratch_shell(&result, "LD_PRELOAD=./libcop.so "
					    "exec $COP stat -j -p $$"),
		     0);
	cr_expect_str_empty(result.err, "%s", result.err);
}

Test(launcher, a_subcommand_is_the_process_that_was_cop, .init = scratch_make)
{
	struct run_child child;
	const char *const argv[] = { COP_BIN, "stat", "-w", NULL };
	char is[256];

	cr_assert_eq(run_start(&child, &result, argv, false, NULL), 0);
	cr_assert(run_expect(&child, "Type", RUN_TIMEOUT_MS));
	snprintf(is, sizeof(is), "%s stat -w ", COP_BIN);
	scratch_shell(&expected, "tr '\\0' ' ' </proc/%d/cmdline", child.pid);
	cr_expect_str_eq(expected.out, is, "%s", expected.out);
	run_finish(&child, 0);
}

Test(launcher, a_command_may_be_called_help, .init = scratch_make)
{
	scratch_must("echo 'echo mine $1' >help && chmod +x help");
	cr_expect_eq(scratch_shell(&result, "PATH=$PWD:$PATH; $COP run help 1"),
		     0);
	cr_expect_str_eq(result.out, "mine 1\n", "%s", result.out);
	cr_expect_eq(scratch_shell(&result, "$COP run ./help --help"), 0);
	cr_expect_str_eq(result.out, "mine --help\n", "%s", result.out);
}
