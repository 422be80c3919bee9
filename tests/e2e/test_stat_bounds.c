// SPDX-License-Identifier: MIT
/*
 * test_stat_bounds.c - cop stat comes to an end, in time and with little memory,
 * and says what it has left out. progs/liar.c has too much to read.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

#define SHOWN  COP_BUILD_DIR "/tests/progs/shown"
#define LIAR   COP_BUILD_DIR "/tests/progs/liar"
#define PYTHON "/usr/bin/python3"

TestSuite(stat_bounds, .init = scratch_make, .timeout = 120);

static struct run_result result;

/* In namespaces without other processes. Its argument has no single quotes. */
#define ALONE "unshare -pnm -f --mount-proc bash -c "

static void skip_unless_alone(void)
{
	if (scratch_shell(&result, ALONE "true"))
		cr_skip_test("no namespaces here: %s", result.err);
}

/* Four processes with 250,000 flows each. */
#define LIARS                                                   \
	"ip link set lo up; for i in 1 2 3 4; do (sleep 100 | " \
	"LD_PRELOAD=$LIB " LIAR " many 1000 >ready$i) & done; " \
	"until [ $(cat ready? | wc -l) = 4 ]; do sleep 0.1; done; "

#define IS_GONE                                                          \
	"is_gone() { for i in $(seq 100); do case $(ps -o stat= -p $1) " \
	"in Z*|\"\") return 0; esac; sleep 0.05; done; return 1; }; "

/* Sets $cop and $worker. Nobody reads the output. */
#define UNREAD                                                          \
	"mkfifo fifo; sleep 100 <fifo & $COP stat -fj >fifo & cop=$!; " \
	"until worker=$(pgrep -P $cop); do :; done; "

static void expect_err(const char *text)
{
	cr_expect_not_null(strstr(result.err, text), "no %s in %s", text,
			   result.err);
}

/* Each line of the file list is an object. */
#define VALID                                                             \
	PYTHON " -c \"import json; [json.loads(l) for l in open(\\\"list" \
	       "\\\")]\"; "

/* ---- no process is left -------------------------------------------------- */

static void expect_no_process_left(const char *before)
{
	skip_unless_alone();
	scratch_shell(&result,
		      ALONE "'" LIARS IS_GONE UNREAD
			    "%s kill -KILL $cop; is_gone $worker && "
			    "is_gone $cop && echo gone'",
		      before);
	cr_expect_str_eq(result.out, "gone\n", "%s%s", result.out, result.err);
}

Test(stat_bounds, a_kill_leaves_no_busy_worker)
{
	expect_no_process_left("");
}

Test(stat_bounds, a_kill_leaves_no_worker_whose_output_is_not_read)
{
	expect_no_process_left("sleep 0.5;");
}

Test(stat_bounds, a_kill_leaves_no_stopped_worker)
{
	expect_no_process_left("kill -STOP $worker;");
}

Test(stat_bounds, a_watch_ends_when_its_reader_has_gone)
{
	scratch_shell(&result, "(timeout 20 $COP stat -w 1000 -p $$; "
			       "echo status $? >status) | head -n 1; "
			       "grep -v 124 status");
	cr_expect_not_null(strstr(result.out, "status "), "%s", result.out);
}

/* ---- a worker that does not go on ---------------------------------------- */

/* Its output is in the middle of something when it is stopped. */
Test(stat_bounds, a_stopped_worker_is_given_up)
{
	skip_unless_alone();
	scratch_shell(&result,
		      ALONE "'" LIARS "pid=$(pgrep -x liar | head -n 1); "
			    "($COP stat -fj -p $pid; echo $? >status) | "
			    "(read line; kill -STOP $(pgrep -n -x cop-stat); "
			    "cat) >list; cat status; wc -l <list; " VALID "'");
	cr_expect_eq(strncmp(result.out, "1\n", 2), 0, "%s", result.out);
	cr_expect_lt(atoi(result.out + 2), 200000);
	expect_err(" (liar): looking at it did not end\n");
	cr_expect_eq(result.status, 0, "%s", result.err);
}

/* The limit ends one worker, and the next one goes on. */
Test(stat_bounds, a_limit_of_processor_time_does_not_hide_other_processes)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE
		      "'" LIARS "sleep 100 | LD_PRELOAD=$LIB " SHOWN
		      " cop exchange >s & "
		      "until grep -q ready s; do sleep 0.1; done; "
		      "(ulimit -t 1; $COP stat -fj >list); echo status $?; "
		      "grep -c shown list; " VALID "'");
	cr_expect_str_eq(result.out, "status 0\n3\n", "%s%s", result.out,
			 result.err);
	cr_expect_eq(result.status, 0, "%s", result.err);
	expect_err(" (liar): looking at it did not end\n");
}

/* ---- much to read -------------------------------------------------------- */

#define SOCKETS                                           \
	"import socket\n"                                 \
	"def open(i):\n"                                  \
	"    s = socket.socket(socket.AF_INET, 7, 253)\n" \
	"    s.bind((\"127.0.0.1\", 0))\n"                \
	"    return s\n"                                  \
	"s = [open(i) for i in range(10000)]\n"           \
	"print(\"ready\", flush=True)\n"                  \
	"input()\n"

/* TIMEFORMAT prints the processor time, so a busy machine does not matter. */
#define TIMED "TIMEFORMAT=\"took %%U %%S\"; time "

static double seconds_taken(void)
{
	const char *took = strstr(result.err, "took ");
	double user = 100, system = 100;

	if (took)
		sscanf(took, "took %lf %lf", &user, &system);
	return user + system;
}

Test(stat_bounds, ten_thousand_sockets_take_a_second_at_most)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE
		      "'ip link set lo up; ulimit -n 10100 || exit 77; "
		      "(sleep 100 | LD_PRELOAD=$LIB " PYTHON " -c \"$0\" >s) & "
		      "until grep -q ready s; do sleep 0.1; done; " TIMED
		      "$COP stat -j >list; wc -l <list' '" SOCKETS "'");
	if (result.status == RUN_SKIP)
		cr_skip_test("no limit of 10,100 descriptors here");
	cr_expect_eq(atoi(result.out), 10000, "%s%s", result.out, result.err);
	cr_expect_leq(seconds_taken(), 1.0, "%s", result.err);
}

/* Of 2,000 sockets with 1,026 flows each, all of them made up. */
Test(stat_bounds, two_thousand_lying_sockets_take_little_time_and_memory)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE
		      "'(sleep 100 | LD_PRELOAD=$LIB " LIAR " many 2000 >s) & "
		      "until grep -q ready s; do sleep 0.1; done; "
		      "ulimit -v 65536; " TIMED "$COP stat -fj >list; "
		      "wc -l <list'");
	expect_err(" (liar): cop stat reads no more\n");
	cr_expect_gt(atoi(result.out), 10000, "%s", result.out);
	cr_expect_leq(atoi(result.out), 260000, "%s", result.out);
	cr_expect_leq(seconds_taken(), 4.0, "%s", result.err);
}

/* The most memory of the worker, after a screen on a terminal. */
#define SCREENS                                                             \
	"import os, pty, re, subprocess, sys\n"                             \
	"pid, terminal = pty.fork()\n"                                      \
	"if not pid:\n"                                                     \
	"    os.system(\"stty rows 8 cols 60\")\n"                          \
	"    os.execv(sys.argv[1], sys.argv[1:])\n"                         \
	"seen = b\"\"\n"                                                    \
	"while seen.count(b\"\\x1b[H\") < 1:\n"                             \
	"    seen += os.read(terminal, 4096)\n"                             \
	"worker = subprocess.check_output([\"pgrep\", \"-P\", str(pid)])\n" \
	"status = open(f\"/proc/{int(worker)}/status\").read()\n"           \
	"print(re.search(r\"VmHWM:\\s*(\\d+)\", status)[1])\n"              \
	"os.kill(pid, 9)\n"

/* What is behind the screen's last row needs no memory. */
Test(stat_bounds, a_screen_takes_little_memory)
{
	skip_unless_alone();
	scratch_shell(&result,
		      ALONE "'" LIARS PYTHON
			    " -c \"$0\" $COP stat -fw 0.05' '" SCREENS "'");
	cr_expect_gt(atoi(result.out), 1000, "%s%s", result.out, result.err);
	cr_expect_lt(atoi(result.out), 15000, "%s%s", result.out, result.err);
}

/* Twenty thousand descriptors of one socket make a line of 100 kB. */
Test(stat_bounds, a_very_long_line_is_valid_json)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE
		      "'ulimit -n 20000 || exit 77; ip link set lo up; "
		      "(sleep 100 | LD_PRELOAD=$LIB " PYTHON " -c \"$0\" >s) & "
		      "until grep -q ready s; do sleep 0.1; done; "
		      "$COP stat -j >list; wc -l <list; wc -c <list; " VALID
		      "' 'import os, socket\n"
		      "s = socket.socket(socket.AF_INET, 7, 253)\n"
		      "d = [os.dup(s.fileno()) for i in range(19900)]\n"
		      "print(\"ready\", flush=True)\n"
		      "input()\n'");
	if (result.status == RUN_SKIP)
		cr_skip_test("no limit of 20,000 descriptors here");
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_eq(atoi(result.out), 1, "%s", result.out);
	cr_expect_gt(atoi(strchr(result.out, '\n')), 100000, "%s", result.out);
}

/* ---- what hides a process's sockets -------------------------------------- */

/* The kernel shows the groups ahead of the number in the process's namespace. */
Test(stat_bounds, a_process_with_many_groups_is_shown)
{
	skip_unless_alone();
	scratch_must(ALONE
		     "'ip link set lo up; (sleep 100 | LD_PRELOAD=$LIB setpriv "
		     "--groups=$(seq -s, 100000 102000) " SHOWN
		     " cop spawned >s) & "
		     "until grep -q ready s; do sleep 0.1; done; "
		     "$COP stat -j >list; test $(wc -l <list) = 2'");
}

/* It has read the library's file, as a debugger does. */
Test(stat_bounds, a_process_with_many_copies_of_the_library_is_named)
{
	skip_unless_alone();
	scratch_must(ALONE
		     "'(sleep 100 | LD_PRELOAD=$LIB " PYTHON " -c \"$0\" $LIB "
		     ">s) & until grep -q ready s; do sleep 0.1; done; "
		     "$COP stat -j 2>err; "
		     "grep \"shown in part: .*python\" err' "
		     "'import mmap, sys\n"
		     "f = open(sys.argv[1])\n"
		     "m = [mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ | "
		     "mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE) "
		     "for i in range(9)]\n"
		     "print(\"ready\", flush=True)\n"
		     "input()\n'");
}

/* The same code with another build-id. */
#define OTHER_BUILD                                 \
	"import sys\n"                              \
	"data = open(sys.argv[1], \"rb\").read()\n" \
	"id = bytes.fromhex(sys.argv[3])\n"         \
	"assert data.count(id) == 1\n"              \
	"data = data.replace(id, id[::-1])\n"       \
	"open(sys.argv[2], \"wb\").write(data)\n"

static void expect_other_build_named(const char *name)
{
	skip_unless_alone();
	scratch_must(PYTHON " -c '" OTHER_BUILD "' $LIB %s $(readelf -n $LIB | "
			    "sed -n 's/.*Build ID: //p')",
		     name);
	scratch_shell(&result,
		      ALONE
		      "'ip link set lo up; (sleep 100 | "
		      "LD_PRELOAD=$PWD/%s " SHOWN " cop exchange >a) & "
		      "until grep -q ready a; do sleep 0.1; done; "
		      "other=$(pgrep -x shown); "
		      "(sleep 100 | LD_PRELOAD=$LIB " SHOWN " cop exchange >b) "
		      "& until grep -q ready b; do sleep 0.1; done; "
		      "$COP stat -j >list; echo status $?; "
		      "grep -vc \"\\\"pid\\\":$other,\" list; "
		      "$COP stat -j -p $other 2>err; echo status $?; "
		      "grep -c \"process $other (shown) has another version "
		      "of libcop\" err'",
		      name);
	cr_expect_str_eq(result.out, "status 0\n3\nstatus 1\n1\n", "%s%s",
			 result.out, result.err);
	expect_err(" (shown) has another version of libcop\n");
}

Test(stat_bounds, a_process_with_another_build_is_named_and_hides_nothing)
{
	expect_other_build_named("libcop.so");
}

Test(stat_bounds, another_build_under_another_name_is_named)
{
	expect_other_build_named("transport.so.1");
}
