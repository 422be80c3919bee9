// SPDX-License-Identifier: MIT
/*
 * test_stat.c - cop stat: what it shows of a program is what the program has done,
 * by the program's own account, the library's (COP_STATS) and the kernel's (ss);
 * and nothing in a process can harm it. progs/shown.c has the sockets,
 * progs/liar.c lies, and progs/slowfs.c never answers.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/version.h"
#include "scratch.h"

#define SCRIPTS	   COP_TEST_DIR "/e2e/scripts/"
#define SHOWN	   COP_BUILD_DIR "/tests/progs/shown"
#define LIAR	   COP_BUILD_DIR "/tests/progs/liar"
#define SLOWFS	   COP_BUILD_DIR "/tests/progs/slowfs"
#define PYTHON	   "/usr/bin/python3"
#define TIMEOUT_MS 30000

static struct run_result result, said;
static struct run_child program;

/* ---- the program --------------------------------------------------------- */

static void must_be_ready(void)
{
	bool is_ready = run_expect(&program, "ready\n", TIMEOUT_MS);

	if (!is_ready && run_finish(&program, 1000) == RUN_SKIP)
		cr_skip_test("%s", said.err);
	cr_assert(is_ready, "%s%s", said.out, said.err);
}

/* It, and what it is started by, may only become one another. */
static void start(const char *const argv[], const char *const env[])
{
	cr_assert_eq(run_start(&program, &said, argv, true, env), 0);
	must_be_ready();
}

static void begin(const char *scenario)
{
	const char *const argv[] = { SHOWN, "cop", scenario, NULL };

	start(argv, NULL);
}

static void end(void)
{
	cr_expect_eq(run_finish(&program, TIMEOUT_MS), 0, "%s%s", said.out,
		     said.err);
}

/* A number that it has said. */
static int told(const char *name)
{
	char text[32];
	const char *at;

	snprintf(text, sizeof(text), "%s=", name);
	at = strstr(said.out, text);
	cr_assert_not_null(at, "%s in %s", name, said.out);
	return atoi(at + strlen(text));
}

/* ---- what is shown of it ------------------------------------------------- */

static void show(const char *options)
{
	cr_expect_eq(scratch_shell(&result, "$COP stat %s -p %d >list", options,
				   (int)program.pid),
		     0, "%s", result.err);
	cr_expect_str_empty(result.err, "%s", result.err);
}

/* An expression of what was shown, see shown.py. */
static const char *value(const char *expression)
{
	const char *const argv[] = { PYTHON, SCRIPTS "shown.py", "list",
				     expression, NULL };

	run(&result, argv, false, NULL);
	cr_assert_eq(result.status, 0, "%s: %s", expression, result.err);
	result.out[strcspn(result.out, "\n")] = '\0';
	return result.out;
}

static void expect_value(const char *expression, const char *expected)
{
	cr_expect_str_eq(value(expression), expected, "%s: %s, not %s",
			 expression, result.out, expected);
}

static void expect_number(const char *expression, int expected)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", expected);
	expect_value(expression, text);
}

/* ---- against others' accounts -------------------------------------------- */

/*
 * What COP_STATS prints a moment later, once the program closes them: the same but
 * for the times, which each makes of the clock by itself.
 */
static void expect_same_as_stats(const char *scenario, int rows)
{
	const char *const argv[] = { SHOWN, "cop", scenario, NULL };
	const char *const env[] = { "COP_STATS=stats.jsonl", NULL };

	start(argv, env);
	show("-j -f");
	end();
	expect_number("len(rows)", rows);
	expect_value("[sum(same(row, line) for row in rows) "
		     "for line in map(json.loads, open('stats.jsonl'))] "
		     "== [1] * len(rows)",
		     "True");
}

Test(stat, figures_are_equal_to_those_of_cop_stats, .init = scratch_make)
{
	expect_same_as_stats("exchange", 5);
	expect_value("[(s['tx'], s['tx_bytes'], s['rx'], s['rx_bytes']) "
		     "for s in socks]",
		     "[(1, 6, 3, 30), (5, 50, 0, 0), (0, 0, 0, 0)]");
}

Test(stat, errors_are_equal_to_those_of_cop_stats, .init = scratch_make)
{
	expect_same_as_stats("errors", 5);
	expect_value("[(s['tx'], s['tx_errors'], s['truncated']) "
		     "for s in socks]",
		     "[(2, 1, 0), (0, 0, 1)]");
}

Test(stat, flows_are_equal_to_those_of_cop_stats, .init = scratch_make)
{
	expect_same_as_stats("flows", 9);
}

Test(stat, names_states_and_queues_are_equal_to_those_of_ss,
     .init = scratch_make)
{
	begin("exchange");
	scratch_must("$COP stat -p %d | awk '!/^\t/ && $4 ~ /^[0-9]/ && "
		     "$5 ~ /:[0-9]+$/ { print $2, $3, $4, $5, $6 }' | "
		     "sort >ours && test $(wc -l <ours) = 2 && "
		     "ss -Huan '( sport = :%d or sport = :%d )' | "
		     "awk '{ print $1, $2, $3, $4, $5 }' | sort >its && "
		     "diff ours its",
		     (int)program.pid, told("a"), told("b"));
	show("-j");
	expect_value("[s['recv_q'] > 2 * 26 for s in socks]",
		     "[True, True, False]");
	expect_value("[s['state'] for s in socks]",
		     "['UNCONN', 'ESTAB', 'UNCONN']");
	end();
}

Test(stat, a_socket_without_a_port_is_shown_with_empty_queues,
     .init = scratch_make)
{
	begin("exchange");
	show("-j");
	expect_value("[(s['local'], s['peer'], s['recv_q'], s['send_q']) "
		     "for s in socks][2]",
		     "('0.0.0.0:0', '0.0.0.0:0', 0, 0)");
	end();
}

Test(stat, a_table_names_the_process_of_each_socket, .init = scratch_make)
{
	char users[256];

	begin("exchange");
	scratch_shell(&result, "$COP stat -n --port %d -p %d", told("b"),
		      (int)program.pid);
	snprintf(users, sizeof(users),
		 "users:((\"shown\",pid=%d,fd=4),(\"shown\",pid=%d,fd=40),"
		 "(\"shown\",pid=%d,fd=50))\n\ttx=5 tx_bytes=50 rx=0 "
		 "rx_bytes=0\n",
		 (int)program.pid, (int)program.pid, (int)program.pid);
	cr_expect_not_null(strstr(result.out, users), "%s, not %s", result.out,
			   users);
	end();
}

/* ---- IPv6 ---------------------------------------------------------------- */

Test(stat, ipv6_sockets_are_those_that_are_printed_at_the_end,
     .init = scratch_make)
{
	expect_same_as_stats("families", 9);
	expect_value("[(s['tx'], s['rx']) for s in socks]",
		     "[(1, 3), (0, 0), (1, 0), (0, 0), (2, 0)]");
}

/* As ss(8) does: "*" is the wildcard of both families, "[::]" of IPv6 alone. */
Test(stat, ipv6_names_are_those_that_ss_shows, .init = scratch_make)
{
	begin("families");
	scratch_must("$COP stat -p %d | awk '!/^\t/ && !/^Type/ "
		     "{ print $2, $3, $4, $5, $6 }' | sort >ours && "
		     "ss -Huan | awk '{ print $1, $2, $3, $4, $5 }' | "
		     "sort >its && test $(wc -l <ours) = 5 && "
		     "comm -23 ours its | diff - /dev/null",
		     (int)program.pid);
	scratch_must("grep -q ' \\*:%d \\*:\\*$' ours && "
		     "grep -q ' \\[::\\]:%d \\[::\\]:\\*$' ours",
		     told("a"), told("b"));
	end();
}

Test(stat, json_has_the_addresses_of_ipv6_and_whether_it_is_alone,
     .init = scratch_make)
{
	char text[512];

	begin("families");
	show("-j");
	snprintf(
		text, sizeof(text),
		"[('[::]:%d', '[::]:0', False), ('[::]:%d', '[::]:0', True), "
		"('[::1]:%d', '[::]:0', True), ('[::1]:%d', '[::1]:%d', None), "
		"('[::ffff:127.0.0.1]:%d', '[::ffff:127.0.0.1]:%d', None)]",
		told("a"), told("b"), told("c"), told("d"), told("a"),
		told("e"), told("a"));
	expect_value("[(s['local'], s['peer'], s.get('v6only')) "
		     "for s in socks]",
		     text);
	show("-fj");
	snprintf(text, sizeof(text),
		 "[('[::1]:%d', 1, 1), ('[::ffff:127.0.0.1]:%d', 0, 2)]",
		 told("c"), told("e"));
	expect_value("sorted((f['peer'], f['tx'], f['rx']) for f in flows "
		     "if f['fd'] == 3)",
		     text);
	end();
}

/* By IPV6_ADDRFORM, in this process or in another one. */
Test(stat, an_ipv6_socket_that_became_one_of_ipv4_is_shown_as_such,
     .init = scratch_make)
{
	char text[256];

	begin("reformed");
	show("-fj");
	snprintf(text, sizeof(text),
		 "[('127.0.0.1:%d', '127.0.0.1:%d'), "
		 "('127.0.0.1:%d', '127.0.0.1:%d')]",
		 told("b"), told("a"), told("c"), told("a"));
	expect_value("[(s['local'], s['peer']) for s in socks[1:]]", text);
	snprintf(text, sizeof(text),
		 "[('127.0.0.1:%d', 2), ('127.0.0.1:%d', 2), ('[::1]:%d', 1), "
		 "('[::1]:%d', 1)]",
		 told("a"), told("a"), told("a"), told("a"));
	expect_value("sorted((f['peer'], f['tx']) for f in flows)", text);
	end();
}

#define THERE "nsenter -t %d -n "

/* What another process has bound is known by the kernel alone, with its scope. ss
 * has the interface's name behind the address, and no scope of a peer. */
Test(stat, link_local_names_have_the_scope, .init = scratch_make)
{
	int pid;

	begin("scoped");
	pid = program.pid;
	if (scratch_shell(&result, THERE "true", pid))
		cr_skip_test("another network can't be entered: %s",
			     result.err);
	scratch_must("$COP stat -fj -p %d >list", pid);
	expect_value("[s['local'].split(']')[0] for s in socks]",
		     "['[fe80::77%1', '[fe80::77%1', '[fe80::77%1']");
	expect_number("port(socks[1]['peer'])", told("f"));
	expect_value("[s['peer'].split(']')[0] for s in socks]",
		     "['[::', '[fe80::77%1', '[::']");
	expect_value("[f['peer'].split(']')[0] for f in flows]",
		     "['[fe80::77%1', '[fe80::77%1']");
	scratch_must("$COP stat -p %d | awk '!/^\t/ && !/^Type/ "
		     "{ sub(/%%1]/, \"]\", $6); print $2, $3, $4, $5, $6 }' | "
		     "sort >ours && " THERE "ss -Huan | "
		     "sed 's/]%%lo:/%%1]:/' | "
		     "awk '{ print $1, $2, $3, $4, $5 }' | sort >its && "
		     "diff ours its",
		     pid, pid);
	end();
}

/* ---- descriptors --------------------------------------------------------- */

Test(stat, duplicates_are_one_socket, .init = scratch_make)
{
	char fds[64];

	begin("exchange");
	show("-j");
	snprintf(fds, sizeof(fds), "[[%d], [%d, 40, 50], [%d]]", told("fds"),
		 told("fds") + 1, told("fds") + 2);
	expect_value("[s['fds'] for s in socks]", fds);
	end();
}

Test(stat, many_sockets_are_all_there_once, .init = scratch_make)
{
	begin("many");
	show("-j");
	expect_value("len(socks), len(by_port), len({s['inode'] "
		     "for s in socks})",
		     "(700, 700, 700)");
	expect_value("[s['fd'] for s in socks] == list(range(3, 703))", "True");
	end();
}

Test(stat, numbers_that_were_closed_unseen_are_not_shown, .init = scratch_make)
{
	char fds[64];

	begin("stale");
	show("-j");
	snprintf(fds, sizeof(fds), "[[%d, 62]]", told("fds"));
	expect_value("[s['fds'] for s in socks]", fds);
	end();
}

/* ---- processes ----------------------------------------------------------- */

/* What it has bound its parent can't know but from the kernel. */
Test(stat, a_forked_child_has_its_own_figures_and_the_same_names,
     .init = scratch_make)
{
	int bound;

	begin("forked");
	bound = told("bound");
	show("-j");
	expect_value("[(s['tx'], s['rx']) for s in socks]",
		     "[(0, 0), (1, 0), (0, 0)]");
	expect_number("port(socks[0]['local'])", bound);
	scratch_must("cp list parents; $COP stat -j -p %d >list",
		     told("child"));
	expect_value("[(s['tx'], s['rx']) for s in socks]",
		     "[(0, 0), (1, 0), (0, 1)]");
	expect_value("[s['inode'] for s in socks] == "
		     "[json.loads(l)['inode'] for l in open('parents')]",
		     "True");
	end();
}

Test(stat, a_vfork_childs_memory_shows_no_sockets_of_its_own,
     .init = scratch_make)
{
	begin("vforked");
	show("-j");
	expect_value("len(socks)", "2");
	scratch_must("$COP stat -j -p %d >list", told("child"));
	expect_value("len(socks)", "0");
	end();
}

Test(stat, a_process_whose_vfork_is_over_has_its_sockets, .init = scratch_make)
{
	begin("spawned");
	show("-j");
	expect_value("len(socks)", "2");
	end();
}

/* ---- flows --------------------------------------------------------------- */

#define SENT_TO                                                         \
	"{f['peer']: (f['tx'], f['tx_bytes'], f['rx'], f['rx_bytes']) " \
	"for f in flows if port(f['local']) == %d} == "
#define AT "'127.0.0.1:%d': "

/* What lies in three places, see flows.c. */
Test(stat, each_peer_has_one_line, .init = scratch_make)
{
	char text[512];

	begin("flows");
	show("-j -f");
	snprintf(text, sizeof(text),
		 SENT_TO "{" AT "(6, 23, 1, 6), " AT "(3, 9, 0, 0), " AT
			 "(1, 4, 1, 6)}",
		 told("a"), told("b"), told("c"), told("d"));
	expect_value(text, "True");
	expect_value("all(f['first'] <= f['last'] for f in flows)", "True");
	expect_value("__import__('time').time() - 60 < "
		     "min(f['first'] for f in flows) <= "
		     "__import__('time').time()",
		     "True");
	show("-f");
	snprintf(text, sizeof(text),
		 "grep -c '^\tflow peer=127.0.0.1:%d tx=6 tx_bytes=23 rx=1 "
		 "rx_bytes=6 lost=0 ' list",
		 told("b"));
	scratch_must("%s", text);
	end();
}

Test(stat, flows_are_shown_when_asked_for, .init = scratch_make)
{
	begin("flows");
	show("-j");
	expect_value("len(flows)", "0");
	end();
}

Test(stat, of_a_crowd_there_are_as_many_flows_as_are_kept, .init = scratch_make)
{
	begin("crowd");
	show("-j --flows");
	expect_value("[(s['rx'], s['missed'], s['evicted'] + "
		     "sum(f['fd'] == s['fd'] for f in flows)) "
		     "for s in socks][1]",
		     "(1100, 0, 1100)");
	expect_value("1000 < len(flows) <= 1024, "
		     "len({f['peer'] for f in flows}) == len(flows)",
		     "(True, True)");
	end();
}

/* ---- kinds --------------------------------------------------------------- */

static void begin_adopted(const char *scenario, const char *variable)
{
	const char *const argv[] = { SHOWN, "adopted", scenario, NULL };
	const char *const env[] = { variable, NULL };

	start(argv, env);
	show("-j");
}

Test(stat, adopted_sockets_are_marked, .init = scratch_make)
{
	begin_adopted("exchange", "COP_ADOPT=udp");
	expect_value("[(s['kind'], s['tx']) for s in socks]",
		     "[('adopted', 1), ('adopted', 5), ('adopted', 0)]");
	end();
}

/* The one that is connected is to a listed port. */
Test(stat, a_pending_socket_is_not_shown_as_adopted, .init = scratch_make)
{
	begin_adopted("listed", "COP_ADOPT=udp:7");
	expect_value("[s['kind'] for s in socks]",
		     "['undecided', 'undecided', 'adopted']");
	end();
}

Test(stat, udp_sockets_are_not_shown, .init = scratch_make)
{
	begin_adopted("exchange", "A=1");
	expect_value("len(socks)", "0");
	end();
}

/* ---- filters ------------------------------------------------------------- */

static void expect_filtered(const char *option, int port, const char *fds)
{
	char options[64];

	snprintf(options, sizeof(options), "-j --%s %d", option, port);
	show(options);
	expect_value("[s['fd'] for s in socks]", fds);
}

Test(stat, filters_by_port, .init = scratch_make)
{
	begin("exchange");
	cr_assert_eq(told("fds"), 3);
	expect_filtered("port", told("a"), "[3, 4]");
	expect_filtered("port", told("b"), "[4]");
	expect_filtered("sport", told("a"), "[3]");
	expect_filtered("dport", told("a"), "[4]");
	expect_filtered("dport", told("b"), "[]");
	end();
}

Test(stat, ipv6_sockets_are_filtered_by_port, .init = scratch_make)
{
	begin("families");
	expect_filtered("port", told("a"), "[3, 6, 7]");
	expect_filtered("sport", told("b"), "[4]");
	expect_filtered("dport", told("a"), "[6, 7]");
	end();
}

Test(stat, without_the_library_there_is_nothing_to_show, .init = scratch_make)
{
	const char *const argv[] = { SHOWN, "udp", "exchange", NULL };

	cr_assert_eq(run_start(&program, &said, argv, false, NULL), 0);
	must_be_ready();
	show("-j");
	expect_value("len(rows)", "0");
	end();
}

/* ---- all processes ------------------------------------------------------- */

/* In a world where there is no process but the test's own. */
#define ALONE "unshare -pnm -f --mount-proc sh -c "

static void skip_unless_alone(void)
{
	if (scratch_shell(&result, ALONE "true"))
		cr_skip_test("no namespaces here: %s", result.err);
}

Test(stat, no_process_at_all_is_no_error, .init = scratch_make)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE "'$COP stat -f'");
	cr_expect_eq(result.status, 0);
	cr_expect_str_empty(result.err, "%s", result.err);
	cr_expect_eq(strncmp(result.out, "Type State ", 11), 0, "%s",
		     result.out);
	cr_expect_eq(strchr(result.out, '\n')[1], '\0', "%s", result.out);
	scratch_shell(&result, ALONE "'$COP stat -p 4000000'");
	cr_expect_eq(result.status, 1);
	cr_expect_str_eq(result.err, "cop: stat: there is no process 4000000\n",
			 "%s", result.err);
}

#define ALL                                                    \
	"ip link set lo up; for kind in a b; do (sleep 100 | " \
	"LD_PRELOAD=$LIB " SHOWN " cop flows >$kind) & done; " \
	"until grep -q ready a && grep -q ready b; do sleep 0.1; done; "

Test(stat, all_processes_are_shown, .init = scratch_make)
{
	skip_unless_alone();
	scratch_must(ALONE "'" ALL "$COP stat -j >list'");
	expect_value("len(socks), len({s['pid'] for s in socks}), "
		     "{s['command'] for s in socks}",
		     "(8, 2, {'shown'})");
	expect_value("[s['pid'] for s in socks] == "
		     "sorted(s['pid'] for s in socks)",
		     "True");
}

/* Whatever each of them is about to do while it is looked at. */
#define COMERS                                                  \
	"ip link set lo up; (while [ ! -e stop ]; do "          \
	"LD_PRELOAD=$LIB " COP_BUILD_DIR "/tests/progs/asks & " \
	"LD_PRELOAD=$LIB " SHOWN " cop errors </dev/null & "    \
	"wait; done) >out & "

/*
 * As many looks as a minute allows. On a busy machine a process may end so slowly that
 * cop stat leaves it out, and says so; not more often than once in ten looks.
 */
#define LOOKS                                                       \
	"end=$(($(date +%%s) + 60)); looks=0; "                     \
	"while [ $looks -lt 20 ] || "                               \
	"[ $looks -lt 150 -a $(date +%%s) -lt $end ]; do "          \
	"looks=$((looks + 1)); $COP stat -fj >>list 2>>complaints " \
	"|| exit 1; done; echo $looks >looks; : >stop; wait"

Test(stat, processes_may_end_while_they_are_looked_at, .init = scratch_make,
     .timeout = 240)
{
	skip_unless_alone();
	scratch_must(ALONE "'" COMERS LOOKS "'");
	scratch_must("test $(grep -c 'cop 1' out) -gt 3 && "
		     "! grep -v 'looking at it did not end$' complaints && "
		     "test $(wc -l <complaints) -le $(($(cat looks) / 10)) "
		     "|| { cat complaints; false; }");
	expect_value("{s['command'] for s in socks} <= "
		     "{'shown', 'asks', 'sh'} and "
		     "all(s['tx'] <= 2 and s['tx_errors'] <= 2 "
		     "for s in socks)",
		     "True");
}

/* It ends at each read of its memory, one after the other. */
Test(stat, a_process_may_end_at_any_read, .init = scratch_make, .timeout = 120)
{
	scratch_must("cc -shared -fPIC -o ends_at.so " SCRIPTS "ends_at.c");
	scratch_says(&result, "True\n",
		     PYTHON " " SCRIPTS
			    "ends_at.py $COP $PROGRAMS/cop/cop-stat "
			    "$PWD/ends_at.so env LD_PRELOAD=$LIB " SHOWN
			    " cop exchange");
}

/* ---- namespaces ---------------------------------------------------------- */

/* The library is not where the map says, the network another. */
Test(stat, processes_in_namespaces_of_their_own_are_shown, .init = scratch_make)
{
	const char *const argv[] = {
		"unshare",
		"-nm",
		"sh",
		"-c",
		"ip link set lo up && cp " COP_LIB " . && mkdir -p lib && "
		"mount -t tmpfs none lib && cp " COP_LIB " lib/libcop.so && "
		"LD_PRELOAD=$PWD/lib/libcop.so exec " SHOWN " cop exchange",
		NULL
	};

	skip_unless_alone();
	cr_assert_eq(run_start(&program, &said, argv, false, NULL), 0);
	must_be_ready();
	show("-j");
	expect_value("[(s['tx'], s['recv_q'] > 0) for s in socks]",
		     "[(1, True), (5, True), (0, False)]");
	end();
}

/* It is number 1 there, and knows itself by that. */
Test(stat, processes_with_numbers_of_their_own_are_shown, .init = scratch_make)
{
	const char *const argv[] = { "unshare", "-pf", "--kill-child=KILL",
				     SHOWN,	"cop", "spawned",
				     NULL };

	skip_unless_alone();
	cr_assert_eq(run_start(&program, &said, argv, true, NULL), 0);
	must_be_ready();
	scratch_must("$COP stat -j -p $(ps -o pid= --ppid %d) >list",
		     (int)program.pid);
	expect_value("len(socks)", "2");
	end();
}

Test(stat, a_dash_stands_for_what_the_kernel_does_not_tell,
     .init = scratch_make)
{
	skip_unless_alone();
	begin("moved");
	show("-j");
	expect_value("[(s['tx'], s['recv_q'], s['send_q']) for s in socks]",
		     "[(1, None, None), (0, None, None)]");
	show("");
	scratch_must("test $(grep -c '^cop  UNCONN -      -  ' list) = 2");
	end();
}

/*
 * A list of sockets that is none: with addresses and ports of no length that the
 * kernel prints. Only the last line is one, but of the other family.
 */
#define ODD_LIST                                                               \
	"inode=$(stat -L -c %%i /proc/$pid/fd/3); end=\"07 00000000:00000000 " \
	"00:00000000 00000000 0 0 $inode 2 0 0\"; v6=%032d; { echo heading; "  \
	"for name in : 0:0 0:1 00000000:1 000000000:1 ${v6}:100000000000 "     \
	"${v6}0:1 ${v6}${v6}:1 g:1; do "                                       \
	"echo \" 1: $name ${v6}:0000 $end\"; "                                 \
	"echo \" 1: ${v6}:0001 $name $end\"; done; head -c 70000 /dev/zero; "  \
	"echo; %s } >odd; "

Test(stat, a_list_of_sockets_that_is_none_is_not_believed, .init = scratch_make,
     .timeout = 60)
{
	static const char v4_line[] =
		"echo \" 1: 00000000:0001 00000000:0000 $end\";";
	static const char *const last[] = { "", v4_line };
	static const char *const shown[] = { "5", "4" };

	skip_unless_alone();
	for (int i = 0; i < 2; i++) {
		scratch_shell(
			&result,
			ALONE
			"'ip link set lo up; sleep 100 | LD_PRELOAD=$LIB " SHOWN
			" cop families >a & until grep -q ready a; do "
			"sleep 0.1; done; pid=$(pgrep -x shown); " ODD_LIST
			"mkdir -p net && mv odd net/udp6 && "
			"mount --bind net /proc/$pid/net || "
			"exit 77; $COP stat -j >list'",
			0, last[i]);
		if (result.status == RUN_SKIP)
			cr_skip_test("nothing can be mounted in /proc");
		cr_expect_eq(result.status, 0, "%s", result.err);
		expect_value("len(socks)", shown[i]);
		expect_value("{s['recv_q'] for s in socks}", "{None}");
	}
}

/* ---- libraries ----------------------------------------------------------- */

static void begin_with(const char *library)
{
	const char *const argv[] = { SHOWN, "cop", "exchange", NULL };
	char variable[128];
	const char *const env[] = { variable, NULL };

	snprintf(variable, sizeof(variable), "LD_PRELOAD=%s/%s", scratch_dir,
		 library);
	scratch_must("cp $LIB %s", library);
	cr_assert_eq(run_start(&program, &said, argv, false, env), 0);
	must_be_ready();
}

static void expect_exchange(void)
{
	show("-j");
	expect_value("[s['tx'] for s in socks]", "[1, 5, 0]");
	end();
}

Test(stat, a_library_that_was_deleted_is_read, .init = scratch_make)
{
	begin_with("libcop.so");
	scratch_must("rm libcop.so");
	expect_exchange();
}

/* By one in which the symbol is elsewhere, or is not at all. */
Test(stat, a_library_that_was_replaced_is_read, .init = scratch_make)
{
	begin_with("libcop.so");
	scratch_must("echo | cc -shared -fPIC -x c -o other - && "
		     "mv other libcop.so");
	expect_exchange();
}

/* As libcop.so was before there was cop stat. */
Test(stat, a_library_without_the_symbol_is_refused_with_a_message,
     .init = scratch_make)
{
	const char *const argv[] = { SHOWN, "udp", "exchange", NULL };
	const char *const env[] = { "LD_PRELOAD=./libcop.so", NULL };
	char says[128];

	scratch_must("echo 'int socket_ours;' | "
		     "cc -shared -fPIC -x c -o libcop.so -");
	cr_assert_eq(run_start(&program, &said, argv, false, env), 0);
	must_be_ready();
	scratch_shell(&result, "$COP stat -p %d", (int)program.pid);
	snprintf(says, sizeof(says),
		 "cop: stat: process %d (shown) has another version of "
		 "libcop\n",
		 (int)program.pid);
	cr_expect_eq(result.status, 1);
	cr_expect_str_eq(result.err, says, "%s", result.err);
	end();
}

Test(stat, a_library_by_another_name_is_found, .init = scratch_make)
{
	begin_with("transport.so.1");
	expect_exchange();
}

/* ---- lies ---------------------------------------------------------------- */

static const struct lie {
	const char *lie, *shows;
} lies[] = {
	{ "honest", "[(100, 5, 5)] 5" },
	{ "no_socket", "[] 0" },
	{ "no_sock", "[] 0" },
	{ "no_flow", "[(100, 5, 5)] 3" },
	{ "everywhere", "[] 0" },
	{ "ring", "[(100, 5, 5)] 5" },
	{ "endless", "[(100, 5, 5)] 1026" },
	{ "stranger", "[] 0" },
	{ "family", "[] 0" },
	{ "longest", "[(100, 5, 5)] 5" },
	/* of where things are the process is not asked */
	{ "export", "[(100, 5, 5)] 5" },
	{ "nameless", "[(100, 5, 5)] 5" },
};

static void begin_lie(const char *lie, const char *number)
{
	const char *const argv[] = { LIAR, lie, number, NULL };

	start(argv, NULL);
}

/* "honest" shows that the others are looked at. */
Test(stat, nothing_that_a_process_has_in_its_memory_is_believed,
     .init = scratch_make, .timeout = 120)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		begin_lie(lies[i].lie, NULL);
		show("-fj");
		value("str([(s['fd'], s['tx'], s['missed']) for s in socks]) + "
		      "' ' + str(len(flows))");
		cr_expect_str_eq(result.out, lies[i].shows, "%s: %s",
				 lies[i].lie, result.out);
		end();
	}
}

#define ALL_ONES "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%%4294967295]:"

Test(stat, an_address_is_shown_however_long_it_is, .init = scratch_make)
{
	begin_lie("longest", NULL);
	show("-fj");
	scratch_must("test $(grep -cF '\"local\":\"" ALL_ONES
		     "0\",\"peer\":\"" ALL_ONES "65535\"' list) = 6");
	show("-f");
	scratch_must("grep -qF ' " ALL_ONES "* " ALL_ONES "65535 users:' list "
		     "&& test $(grep -cF 'flow peer=" ALL_ONES
		     "65535 tx=5 ' list) = 5");
	end();
}

/* A thousand sockets with a thousand flows each, all of them made up. */
Test(stat, the_surplus_of_a_process_is_left_out_with_a_message,
     .init = scratch_make, .timeout = 120)
{
	char says[128];

	begin_lie("many", "1000");
	scratch_shell(&result,
		      "ulimit -v 200000; bash -c 'time $COP stat -fj -p %d' "
		      ">list && wc -l <list",
		      (int)program.pid);
	snprintf(says, sizeof(says),
		 "cop: stat: 1 process shown in part: %d (liar): cop stat "
		 "reads no more\n",
		 (int)program.pid);
	cr_expect_eq(result.status, 0, "%d", result.status);
	cr_expect_not_null(strstr(result.err, says), "%s", result.err);
	cr_expect_gt(atoi(result.out), 10000, "%s", result.out);
	cr_expect_leq(atoi(result.out), 260000, "%s", result.out);
	end();
}

/* Files of the library's name, in the map of a process. */
static const struct garbage {
	const char *make;
	bool is_library; /* as far as its first bytes tell */
} garbage[] = {
	{ ": >libcop.so", false },
	{ "echo garbage >libcop.so", false },
	{ "head -c 300 $LIB >libcop.so", true },
	{ "head -c 9000 /dev/urandom >libcop.so", false },
	{ "cp $LIB libcop.so && dd if=/dev/urandom of=libcop.so bs=1 seek=64 "
	  "count=900 conv=notrunc status=none",
	  true },
};

#define MAPS                                                    \
	"import mmap,os; f=open('libcop.so'); "                 \
	"m=mmap.mmap(f.fileno(), max(1, os.fstat(3).st_size), " \
	"prot=mmap.PROT_READ|mmap.PROT_EXEC); "                 \
	"print('ready', flush=True); input()"

static void expect_unharmed(const struct garbage *row)
{
	const char *const argv[] = { PYTHON, "-c", MAPS, NULL };

	scratch_must("%s; [ -s libcop.so ] || echo >libcop.so", row->make);
	cr_assert_eq(run_start(&program, &said, argv, false, NULL), 0);
	must_be_ready();
	scratch_shell(&result, "$COP stat -fj -p %d", (int)program.pid);
	cr_expect_eq(result.status, row->is_library, "%s: %d", row->make,
		     result.status);
	cr_expect_str_empty(result.out, "%s", result.out);
	cr_expect_eq(strstr(result.err, "another version") != NULL,
		     row->is_library, "%s: %s", row->make, result.err);
	run_finish(&program, 0);
}

Test(stat, files_that_are_mapped_and_no_library_are_nothing,
     .init = scratch_make)
{
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		expect_unharmed(&garbage[i]);
}

/* A file of the library's name a thousand times over, as maps.c had it. */
Test(stat, many_files_of_the_librarys_name_take_no_time, .init = scratch_make)
{
	const char *const argv[] = {
		PYTHON, "-c",
		"import mmap; f=open('libcop.so.x'); "
		"m=[mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) "
		"for i in range(1000)]; print('ready', flush=True); input()",
		NULL
	};

	scratch_must("cp $LIB libcop.so.x && printf x | dd of=libcop.so.x bs=1 "
		     "seek=536 conv=notrunc status=none");
	cr_assert_eq(run_start(&program, &said, argv, false, NULL), 0);
	must_be_ready();
	scratch_shell(&result, "timeout 5 $COP stat -p %d", (int)program.pid);
	cr_expect_eq(result.status, 1, "%d", result.status);
	cr_expect_not_null(strstr(result.err, "another version"), "%s",
			   result.err);
	run_finish(&program, 0);
}

/* ---- hostile neighbours -------------------------------------------------- */

#define SLOW                                                              \
	"mkdir slow; sleep 100 | " SLOWFS " slow >slow.out 2>slow.err & " \
	"until grep -q ready slow.out; do sleep 0.1; "                    \
	"! grep -q fuse slow.err || exit 77; done; "

/* One that can't even be killed if it waits, so it is not to begin to. */
Test(stat, a_file_that_is_never_read_to_its_end_is_left_out,
     .init = scratch_make, .timeout = 60)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE
		      "'" SLOW "timeout -s KILL 10 $COP stat; echo status $?; "
		      "timeout -s KILL 10 $COP stat -p $(sed s/[^0-9]//g "
		      "slow.out); echo status $?'");
	if (result.status == RUN_SKIP)
		cr_skip_test("no FUSE here");
	cr_expect_not_null(strstr(result.out, "Process\nstatus 0\nstatus 1\n"),
			   "%s", result.out);
	cr_expect_not_null(strstr(result.err,
				  "cop: stat: 1 process left out: "),
			   "%s", result.err);
	cr_expect_not_null(strstr(result.err,
				  " (slowfs): libcop.so is on a file system "
				  "that may never answer\n"),
			   "%s", result.err);
}

/* Where it waits all the same, since the file system passes for another one. */
Test(stat, a_process_that_does_not_answer_does_not_hide_the_rest,
     .init = scratch_make, .timeout = 60)
{
	skip_unless_alone();
	scratch_shell(
		&result, ALONE
		"'ip link set lo up; " SLOW "pid=$(sed s/[^0-9]//g slow.out); "
		"echo 1 1 $(mountpoint -d slow) / / rw - ext4 x rw >mounts; "
		"mount --bind mounts /proc/$pid/mountinfo || exit 77; "
		"sleep 100 | LD_PRELOAD=$LIB " SHOWN " cop exchange >b & "
		"until grep -q ready b; do sleep 0.1; done; "
		"timeout -s KILL 10 $COP stat -j >list; echo status $?; "
		"timeout -s KILL 10 $COP stat -j -p $pid; echo status $?'");
	if (result.status == RUN_SKIP)
		cr_skip_test(
			"no FUSE here, or nothing can be mounted in /proc");
	cr_expect_str_eq(result.out, "status 0\nstatus 1\n", "%s%s", result.out,
			 result.err);
	cr_expect_not_null(strstr(result.err,
				  " (slowfs): looking at it did not end\n"),
			   "%s", result.err);
	expect_value("{s['command'] for s in socks}, len(socks)",
		     "({'shown'}, 3)");
}

/* It has the very file, but says in its memory that this is another library. */
#define POISON                                                              \
	"cc -x c -o poison - -ldl <<END\n"                                  \
	"#define _GNU_SOURCE\n#include <link.h>\n#include <stdio.h>\n"      \
	"#include <string.h>\n#include <sys/mman.h>\n#include <unistd.h>\n" \
	"static int spoil(struct dl_phdr_info *i, size_t n, void *d) { "    \
	"if (!strstr(i->dlpi_name, \"other\")) return 0; "                  \
	"mprotect((void *)i->dlpi_addr, 4096, 7); "                         \
	"return memset((char *)i->dlpi_addr + 64, 0, 2048), 0; }\n"         \
	"int main(void) { dl_iterate_phdr(spoil, 0); "                      \
	"printf(\"ready\\n\"); fflush(stdout); pause(); return 0; }\nEND\n"

Test(stat, no_process_can_hide_another_that_has_the_same_file,
     .init = scratch_make)
{
	skip_unless_alone();
	scratch_must(POISON
		     "cp $LIB libcop.so && ln libcop.so other.so && " ALONE
		     "'ip link set lo up; "
		     "LD_PRELOAD=$PWD/other.so ./poison >a & "
		     "until grep -q ready a; do sleep 0.1; done; "
		     "sleep 100 | LD_PRELOAD=$PWD/libcop.so " SHOWN
		     " cop exchange >b & "
		     "until grep -q ready b; do sleep 0.1; done; "
		     "$COP stat -j >list'");
	expect_value("{s['command'] for s in socks}, len(socks)",
		     "({'shown'}, 3)");
}

/* ---- nothing to be seen -------------------------------------------------- */

static const struct blind {
	const char *how, *says;
} blinds[] = {
	{ "umount -l /proc && $COP stat", "/proc is not mounted" },
	{ "mount -t tmpfs none /proc && $COP stat -p 1",
	  "/proc is not mounted" },
	{ "cp -r $COP $PROGRAMS . && ./cop stat", "can't be read" },
	{ "cp -r $COP $PROGRAMS . && echo >libcop.so && ./cop stat",
	  "is no library" },
	{ "cp -r $COP $PROGRAMS . && objcopy -R .note.gnu.build-id $LIB "
	  "libcop.so && ./cop stat",
	  "has no build-id" },
	{ "cp -r $COP $PROGRAMS . && echo | cc -shared -fPIC "
	  "-Wl,--build-id -x c -o libcop.so - && ./cop stat",
	  "has no symbol libcop_export" },
};

Test(stat, that_nothing_can_be_seen_has_a_status_of_its_own,
     .init = scratch_make)
{
	skip_unless_alone();
	for (size_t i = 0; i < sizeof(blinds) / sizeof(*blinds); i++) {
		scratch_must("rm -rf ./*");
		scratch_shell(&result, "unshare -m sh -c '%s'", blinds[i].how);
		cr_expect_eq(result.status, 2, "%s: %d: %s", blinds[i].how,
			     result.status, result.err);
		cr_expect_eq(strncmp(result.err,
				     "cop: stat: no process can be seen: ", 35),
			     0, "%s", result.err);
		cr_expect_not_null(strstr(result.err, blinds[i].says), "%s: %s",
				   blinds[i].how, result.err);
		cr_expect_str_empty(result.out, "%s", result.out);
	}
}

/* ---- rights -------------------------------------------------------------- */

#define AS_NOBODY "setpriv --reuid=65534 --regid=65534 --clear-groups "

static void make_shared(void)
{
	scratch_make();
	if (scratch_shell(&result, AS_NOBODY "true"))
		cr_skip_test("only root may be others: %s", result.err);
	scratch_must("cp -r $COP $PROGRAMS $LIB " SHOWN " . && chmod 755 *");
}

static void begin_as(const char *who, const char *scenario)
{
	char line[256];
	const char *const argv[] = { "sh", "-c", line, NULL };

	snprintf(line, sizeof(line),
		 "LD_PRELOAD=$PWD/libcop.so exec %s ./shown cop %s", who,
		 scenario);
	cr_assert_eq(run_start(&program, &said, argv, false, NULL), 0);
	must_be_ready();
}

static void expect_refused(const char *says)
{
	cr_expect_eq(result.status, 1, "%d", result.status);
	cr_expect_str_eq(result.err, says, "%s, not %s", result.err, says);
	cr_expect_null(strchr(result.out, '{'), "%s", result.out);
}

Test(stat, another_users_process_is_refused_with_a_message, .init = make_shared)
{
	begin_as("", "exchange");
	scratch_shell(&result, AS_NOBODY "./cop stat -j -p %d",
		      (int)program.pid);
	expect_refused("cop: stat: 1 process can't be read, and may or "
		       "may not have libcop: not yours (try as root)\n");
	end();
}

Test(stat, a_user_sees_his_own_process_without_root, .init = make_shared)
{
	begin_as(AS_NOBODY, "exchange");
	scratch_must(AS_NOBODY "./cop stat -j -p %d >list", (int)program.pid);
	expect_value("[s['tx'] for s in socks]", "[1, 5, 0]");
	end();
}

Test(stat, a_protected_process_is_refused_with_a_message, .init = make_shared)
{
	begin_as(AS_NOBODY, "protected");
	scratch_shell(&result, AS_NOBODY "./cop stat -j -p %d",
		      (int)program.pid);
	expect_refused("cop: stat: 1 process can't be read, and may or "
		       "may not have libcop: yours but protected (try as "
		       "root)\n");
	end();
}

/* In a world with a process of root's. */
Test(stat, an_unreadable_process_does_not_hide_the_others, .init = make_shared)
{
	skip_unless_alone();
	scratch_shell(&result, ALONE
		      "'ip link set lo up; sleep 100 | "
		      "LD_PRELOAD=$PWD/libcop.so " AS_NOBODY
		      "./shown cop exchange >out & "
		      "until grep -q ready out; do sleep 0.1; done; " AS_NOBODY
		      "./cop stat -j >list'");
	cr_expect_eq(result.status, 0);
	cr_expect_not_null(strstr(result.err,
				  " can't be read, and may or may not "),
			   "%s", result.err);
	expect_value("[s['tx'] for s in socks]", "[1, 5, 0]");
}

/* What Yama does to the one file, and says in the other. */
#define LIKE_YAMA                                         \
	"mount -t tmpfs none /proc/sys/kernel && "        \
	"mkdir /proc/sys/kernel/yama && "                 \
	"echo %d >/proc/sys/kernel/yama/ptrace_scope && " \
	": >none && chmod 0 none && mount --bind none /proc/%d/mem && "

static void expect_yama(int scope, const char *why)
{
	char says[256];

	scratch_shell(&result,
		      "unshare -m sh -c '" LIKE_YAMA AS_NOBODY
		      "./cop stat -p %d'",
		      scope, (int)program.pid, (int)program.pid);
	if (strstr(result.err, "mount"))
		cr_skip_test("nothing can be mounted in /proc: %s", result.err);
	snprintf(says, sizeof(says),
		 "cop: stat: 1 process with libcop can't be read: "
		 "%d (shown): kernel.yama.ptrace_scope is %s\n",
		 (int)program.pid, why);
	expect_refused(says);
}

Test(stat, yamas_refusal_differs_from_that_of_another_users_process,
     .init = make_shared)
{
	begin_as(AS_NOBODY, "exchange");
	expect_yama(1, "1 (try as root)");
	expect_yama(3, "3 (no user may read it)");
	end();
}

/* ---- names that harm ----------------------------------------------------- */

Test(stat, a_commands_name_may_be_any_bytes, .init = scratch_make)
{
	begin("named");
	show("-j");
	expect_value("ascii(socks[0]['command'])",
		     "'a\"\\\\\\x1b[2J\\ufffd\\xe4'");
	show("");
	scratch_must("grep -q 'pid=%d' list && ! grep -q '\033' list",
		     (int)program.pid);
	end();
}

/* C1 controls, a character that turns the direction of text, and quotes. */
Test(stat, a_commands_name_moves_no_cursor_and_forges_no_field,
     .init = scratch_make)
{
	begin_lie("name", NULL);
	show("-j");
	expect_value("ascii(socks[0]['command'])",
		     "'\\x9b\\ufffd\\u202e\",(\\\\\\x1b'");
	scratch_must("! grep -P '[^ -~]' list");
	show("");
	scratch_must("! grep -P '[^ -~\t]' list && "
		     "grep -qF 'users:((\"\\xc2\\x9b\\x9b\\xe2\\x80"
		     "\\xae\\\",(\\\\\\x1b\",pid=%d,fd=100))' list",
		     (int)program.pid);
	end();
}

/* ---- cop stat -w --------------------------------------------------------- */

/* A byte makes the program send ten datagrams of seven bytes. */
static void let_it_send(int times)
{
	for (int i = 0; i < times; i++) {
		said.out_len = 0;
		said.out[0] = '\0';
		cr_assert(run_write(&program, "x"));
		cr_assert(run_expect(&program, "sent\n", TIMEOUT_MS));
	}
}

static void watch(struct run_child *child, const char *options)
{
	static struct run_result seen;
	char line[256];
	const char *const argv[] = { "sh", "-c", line, NULL };

	snprintf(line, sizeof(line),
		 "exec " COP_BIN " stat %s -p %d >list 2>err", options,
		 (int)program.pid);
	cr_assert_eq(run_start(child, &seen, argv, false, NULL), 0);
}

static void wait_until_shown(const char *pattern, int times)
{
	scratch_must("n=0; until [ $(grep -c '%s' list) -ge %d ]; do "
		     "n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.05; "
		     "done",
		     pattern, times);
}

#define RATE(figure)                                                    \
	"all(abs(b['" figure "_per_s'] * (b['time'] - a['time']) - "    \
	"(b['" figure "'] - a['" figure "'])) < 0.01 * (1 + b['" figure \
	"']) for f in (3, 4) "                                          \
	"for l in [[s for s in socks if s['fd'] == f]] "                \
	"for a, b in zip(l, l[1:]))"

Test(stat, rates_count_the_time_between_two_readings, .init = scratch_make,
     .timeout = 120)
{
	struct run_child child;

	begin("paced");
	watch(&child, "-j -w 0.05");
	wait_until_shown("\"fd\":3", 1);
	let_it_send(3);
	wait_until_shown("\"tx\":30,", 2);
	let_it_send(2);
	wait_until_shown("\"tx\":50,", 2);
	run_finish(&child, 0);
	scratch_must("sed -i '$d' list && ! test -s err");
	expect_value("'tx_per_s' in socks[0], 'rx_per_s' in socks[1]",
		     "(False, False)");
	expect_value("all('tx_per_s' in s and 'rx_bytes_per_s' in s "
		     "for s in socks[2:])",
		     "True");
	expect_value("any(s['tx_per_s'] for s in socks[2:])", "True");
	expect_value(RATE("tx"), "True");
	expect_value(RATE("tx_bytes"), "True");
	expect_value(RATE("rx"), "True");
	expect_value(RATE("rx_bytes"), "True");
	end();
}

Test(stat, without_a_terminal_the_tables_follow_each_other,
     .init = scratch_make)
{
	struct run_child child;

	begin("paced");
	watch(&child, "-w0.05");
	wait_until_shown("^Type", 3);
	run_finish(&child, 0);
	scratch_shell(&result, "sed -n '1p;6p;7p' list | cut -c 1-4");
	cr_expect_str_eq(result.out, "Type\n\nType\n", "%s", result.out);
	scratch_shell(&result, "sed -n '3p;9p' list");
	cr_expect_str_eq(result.out,
			 "\ttx=0 tx_bytes=0 rx=0 rx_bytes=0\n"
			 "\ttx=0 tx_bytes=0 rx=0 rx_bytes=0 tx_per_s=0.0 "
			 "tx_bytes_per_s=0 rx_per_s=0.0 rx_bytes_per_s=0\n",
			 "%s", result.out);
	end();
}

/*
 * Of seven rows the heading takes two, the first socket two, its figures one, and
 * with rates two. The next would need three.
 */
Test(stat, a_screen_shows_as_many_sockets_as_fit, .init = scratch_make)
{
	char pid[16];
	const char *const argv[] = { PYTHON,  SCRIPTS "terminal.py",
				     COP_BIN, "stat",
				     "-w",    "0.05",
				     "-p",    pid,
				     NULL };

	begin("exchange");
	snprintf(pid, sizeof(pid), "%d", (int)program.pid);
	run(&result, argv, false, NULL);
	cr_expect_str_eq(result.out, "5 6 6\n", "%s%s", result.out, result.err);
	end();
}

/* ---- sockets that come and go -------------------------------------------- */

static long rounds(void)
{
	said.out_len = 0;
	said.out[0] = '\0';
	cr_assert(run_write(&program, "x"));
	cr_assert(run_expect(&program, "\n", TIMEOUT_MS));
	return told("rounds");
}

/* Of each socket there can be no more than what churn() makes of it. */
#define SANE                                                                 \
	"[s for s in socks if s['tx'] > 20 or s['rx'] > 20 or "              \
	"s['tx_bytes'] > 140 or s['rx_bytes'] > 140 or s['tx_bytes'] % 7 "   \
	"or s['rx_bytes'] % 7 or s['kind'] != 'cop' or s['tx_errors'] > 20 " \
	"or "                                                                \
	"s['local'].split(':')[0] not in ('0.0.0.0', '127.0.0.1') or "       \
	"s['peer'].split(':')[0] not in ('0.0.0.0', '127.0.0.1') or "        \
	"len(s['fds']) > 2 or s['missed'] or s['evicted']]"
#define SANE_FLOWS                                                        \
	"[f for f in flows if f['tx'] > 20 or f['rx'] > 20 or "           \
	"f['peer'].split(':')[0] != '127.0.0.1' or f['restarts'] > 1 or " \
	"f['jitter_us'] > 10**7 or not 0 <= f['last'] - f['first'] < 100]"

Test(stat, a_program_with_sockets_that_come_and_go_is_shown,
     .init = scratch_make, .timeout = 240)
{
	long before;

	begin("churn");
	before = rounds();
	/* the program ends by itself after 40 seconds */
	scratch_must("end=$(($(date +%%s) + 20)); for i in $(seq 200); do "
		     "$COP stat -fj -p %d >>list || exit 1; "
		     "[ $(date +%%s) -lt $end ] || break; done",
		     (int)program.pid);
	cr_expect_gt(rounds(), before);
	end();
	cr_expect_not_null(strstr(said.out, "end\n"), "%s", said.out);
	cr_expect_str_empty(said.err, "%s", said.err);
	expect_value(SANE, "[]");
	expect_value(SANE_FLOWS, "[]");
	expect_value("len(socks) > 100, len(flows) > 20", "(True, True)");
}
