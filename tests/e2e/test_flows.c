// SPDX-License-Identifier: MIT
/*
 * test_flows.c - the figures of flows, end to end: a sender, a receiver, and a
 * relay between them that loses, doubles and holds back what a script says, so
 * that what COP_STATS prints is known to the last datagram. progs/flows.c and
 * scripts/relay.py have the ends and the relay.
 *
 * Nothing is sent that the receiver's queue has no room for, and no test waits for
 * a time. Jitter and gap lie between bounds that the relay takes the times of.
 */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define PYTHON	"/usr/bin/python3"
#define RELAY	COP_TEST_DIR "/e2e/scripts/relay.py"
#define FLOWS	COP_BUILD_DIR "/tests/progs/flows"
#define WAIT_MS 20000
#define MAX_TX	8

static struct run_result receiver, relay, sender[MAX_TX];
static struct run_child receiving, relaying, sending[MAX_TX];

static const char *const kinds[] = { "cop", "adopted" };

static const char *const stats_env[] = { "COP_STATS=stderr", NULL };
static const char *const adopted_env[] = { "COP_STATS=stderr", "COP_ADOPT=udp",
					   NULL };

TestSuite(e2e_flows, .timeout = 120);

/* ---- lines ----------------------------------------------------------------- */

/* The value of a key in a line, at its end a space or the line's end; or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key), end = strcspn(line, "\n");
	const char *at = line;

	while ((at = strstr(at, key)) && (size_t)(at - line) < end) {
		if (at > line && at[-1] == ' ' && strchr("=<>", at[len]))
			return at + len + strcspn(at + len, "=") + 1;
		at += len;
	}
	return NULL;
}

static long long number_of(const char *line, const char *key)
{
	const char *value = value_of(line, key);

	cr_assert_not_null(value, "no %s in: %s", key, line);
	return strtoll(value, NULL, 10);
}

static bool same_value(const char *one, const char *two)
{
	size_t len = one ? strcspn(one, " \n") : 0;

	return one && two && len == strcspn(two, " \n") &&
	       !strncmp(one, two, len);
}

/* The n-th line that begins so, or NULL. */
static const char *line_of(const char *text, const char *begin, int n)
{
	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, begin, strlen(begin)) && !n--)
			return text;
	}
	return NULL;
}

static int lines_of(const char *text, const char *begin)
{
	int n = 0;

	while (line_of(text, begin, n))
		n++;
	return n;
}

/* The line of a flow that has the same peer as another line. */
static const char *flow_like(const char *text, const char *line)
{
	const char *flow;

	for (int i = 0; (flow = line_of(text, "flow ", i)); i++)
		if (same_value(value_of(flow, "peer"), value_of(line, "peer")))
			return flow;
	return NULL;
}

/* What the relay knows is what the flow has: =, or a bound. */
static void expect_figure(const char *flow, const char *known)
{
	char key[32] = { 0 };
	size_t len = strcspn(known, "=<>");
	long long want, has;

	memcpy(key, known, len < sizeof(key) ? len : sizeof(key) - 1);
	want = strtoll(known + len + strcspn(known + len, "=") + 1, NULL, 10);
	has = number_of(flow, key);
	cr_expect(known[len] == '>'   ? has >= want
		  : known[len] == '<' ? has <= want
				      : has == want,
		  "%s is %lld, want %c %lld: %s", key, has, known[len], want,
		  flow);
}

/* All of the relay's figures in a line, but for those that are named. */
static void expect_figures(const char *flow, const char *line,
			   const char *without)
{
	const char *end = line + strcspn(line, "\n");

	line = strstr(line, " rx=");
	while (line && line < end) {
		char key[32];

		line++;
		snprintf(key, sizeof(key), " %.*s ", (int)strcspn(line, "=<>"),
			 line);
		if (!strstr(without, key))
			expect_figure(flow, line);
		line += strcspn(line, " \n");
	}
}

/* "lost=3 tx=2", written down by hand. */
static void expect_text(const char *flow, const char *figures)
{
	while (*figures) {
		expect_figure(flow, figures);
		figures += strcspn(figures, " ");
		figures += strspn(figures, " ");
	}
}

/* ---- programs -------------------------------------------------------------- */

static const char *kind; /* of the sockets */

static unsigned int port_of(const struct run_result *res)
{
	unsigned int port = 0;

	cr_assert_eq(sscanf(res->out, "port %u", &port), 1, "no port: %s%s",
		     res->out, res->err);
	return port;
}

/* Start a program with arguments in one string; it says its port. */
static void start(struct run_child *child, struct run_result *res,
		  const char *program, const char *fmt, ...)
{
	static char lines[MAX_TX + 2][512];
	static unsigned int used;
	char *line = lines[used++ % (MAX_TX + 2)], *save = NULL;
	const char *argv[40] = { program };
	bool ours = program[0] != '/' || !strcmp(program, FLOWS);
	va_list ap;
	int n = 1;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(lines[0]), fmt, ap);
	va_end(ap);
	for (char *word = strtok_r(line, " ", &save); word && n < 39;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	cr_assert_eq(run_start(child, res, argv, ours,
			       !ours			  ? NULL
			       : !strcmp(kind, "adopted") ? adopted_env
							  : stats_env),
		     0);
	cr_assert(run_expect(child, "\n", WAIT_MS), "nothing said: %s",
		  res->err);
}

static void start_ends(const char *way, int count, const char *ending,
		       const char *script)
{
	start(&receiving, &receiver, FLOWS, "%s recv %s %d %s", kind, way,
	      count, ending);
	start(&relaying, &relay, PYTHON, RELAY " %u %s", port_of(&receiver),
	      script);
}

static void start_sender(int i, const char *role, const char *way, int count)
{
	start(&sending[i], &sender[i], FLOWS, "%s %s %s %d %u", kind, role, way,
	      count, port_of(&relay));
}

static void finish(struct run_child *child, struct run_result *res)
{
	cr_assert_eq(run_finish(child, WAIT_MS), 0, "%s%s", res->out, res->err);
}

static void send_all(const char *way, int count)
{
	start_sender(0, "send", way, count);
	finish(&sending[0], &sender[0]);
}

static void finish_ends(void)
{
	finish(&receiving, &receiver);
	finish(&relaying, &relay);
}

/* The receiver's flow of what the relay's n-th line tells. */
static const char *received(int n)
{
	const char *line = line_of(relay.out, "receiver ", n);
	const char *flow;

	cr_assert_not_null(line, "%s", relay.out);
	flow = flow_like(receiver.err, line);
	cr_assert_not_null(flow, "%s%s", line, receiver.err);
	return flow;
}

static void expect_received(int n, const char *without)
{
	expect_figures(received(n), line_of(relay.out, "receiver ", n),
		       without);
}

static const char *socket_line(const struct run_result *res)
{
	const char *line = line_of(res->err, "cop ", 0);

	cr_assert_not_null(line, "%s", res->err);
	return line;
}

/* On COP sockets, and on UDP that is put on COP. */
#define for_each_kind for (size_t k_ = 0; k_ < 2 && (kind = kinds[k_]); k_++)

/* ---- losses that are known -------------------------------------------------- */

static const struct {
	const char *script;
	int sent, come;
	const char *figures; /* by hand, whatever the relay says */
} losses[] = {
	{ "", 100, 100, "lost=0 reordered=0 duplicated=0" },
	{ "drop@3", 20, 19, "lost=1 reordered=0 duplicated=0" },
	{ "drop@1", 20, 19, "lost=0 reordered=0 duplicated=0" },
	{ "drop@20", 20, 19, "lost=0 reordered=0 duplicated=0" },
	{ "drop%5", 101, 81, "lost=20 reordered=0 duplicated=0" },
	{ "drop@10,11,12,13,14,15,16,17,18,19", 100, 90, "lost=10" },
	{ "double@7", 20, 21, "lost=0 reordered=0 duplicated=1" },
	{ "double@1,2,20", 20, 23, "lost=0 reordered=0 duplicated=3" },
	{ "double%2", 60, 90, "lost=0 reordered=0 duplicated=30" },
	{ "again30@5", 60, 61, "lost=0 reordered=0 duplicated=1" },
	{ "again63@2 double@3", 100, 102, "lost=0 duplicated=2" },
	{ "late1@5", 20, 20, "lost=0 reordered=1 duplicated=0" },
	{ "late1@1", 20, 20, "lost=0 reordered=1 duplicated=0 restarts=0" },
	{ "late9@5", 20, 20, "lost=0 reordered=1 duplicated=0" },
	{ "late80@5", 100, 100, "lost=0 reordered=1 duplicated=0" },
	{ "late1%2", 61, 61, "lost=0 reordered=30 duplicated=0" },
	{ "late3@4,5,6", 20, 20, "lost=0 reordered=3 duplicated=0" },
	{ "late4@3 again6@3 drop@9", 20, 20,
	  "lost=1 reordered=1 duplicated=1" },
	{ "drop@3,4 double@7,8 late2@10 late5@15", 40, 40,
	  "lost=2 reordered=2 duplicated=2" },
	{ "stray@1,2,9 drop@4", 20, 19, "lost=1 rx=19" },
};

#define LOSSES (sizeof(losses) / sizeof(losses[0]))

static void play_loss(size_t i)
{
	start_ends("name", losses[i].come, "close", losses[i].script);
	send_all("sendto", losses[i].sent);
	finish_ends();
	expect_received(0, "");
	expect_text(received(0), losses[i].figures);
	cr_expect_eq(number_of(received(0), "rx"), losses[i].come);
	cr_expect_eq(number_of(received(0), "unordered"), 0);
	cr_expect_eq(number_of(line_of(sender[0].err, "flow ", 0), "tx"),
		     losses[i].sent);
}

Test(e2e_flows, known_losses_are_counted_exactly)
{
	for_each_kind for (size_t i = 0; i < LOSSES; i++) play_loss(i);
}

/* ---- all ways to receive and to send ---------------------------------------- */

static const char *const ways_in[] = {
	"name",		  "recvfrom",	   "recv",     "read",
	"small",	  "peek",	   "poll",     "recvmsg",
	"recvmsg_noname", "recvmsg_short", "recvmmsg", "recvmmsg_noname",
	"recvmmsg_short", "connected",
};

static const char *const ways_out[] = { "sendto", "connected", "named",
					"write",  "sendmsg",   "sendmmsg",
					"threads" };

#define MIX	"drop@4,20,21 double@9,30 late3@12 late7@40 stray@2,33"
#define MIX_IN	60
#define MIX_OUT 59

Test(e2e_flows, each_way_to_receive_counts)
{
	for_each_kind for (size_t i = 0; i < sizeof(ways_in) / sizeof(*ways_in);
			   i++)
	{
		start_ends(ways_in[i], MIX_OUT, "close", MIX);
		send_all("sendto", MIX_IN);
		finish_ends();
		expect_received(0, "");
		expect_text(received(0), "lost=3 reordered=2 duplicated=2");
		cr_expect_eq(lines_of(receiver.err, "flow "), 1, "%s",
			     receiver.err);
	}
}

static long long bytes_of(int count)
{
	long long bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += i % 20;
	return bytes;
}

static void expect_sent(int i, int count)
{
	const char *flow = line_of(sender[i].err, "flow ", 0);
	const char *line = socket_line(&sender[i]);

	cr_assert_not_null(flow, "%s", sender[i].err);
	cr_expect_eq(lines_of(sender[i].err, "flow "), 1);
	cr_expect_eq(number_of(flow, "tx"), count, "%s", flow);
	cr_expect_eq(number_of(flow, "tx_bytes"), bytes_of(count), "%s", flow);
	cr_expect_eq(number_of(line, "tx"), count, "%s", line);
	cr_expect_eq(number_of(line, "tx_bytes"), bytes_of(count), "%s", line);
}

/* Of threads the numbers may cross on their way to the relay, which knows how. */
Test(e2e_flows, each_way_to_send_counts)
{
	for_each_kind for (size_t i = 0;
			   i < sizeof(ways_out) / sizeof(*ways_out); i++)
	{
		start_ends("recv", MIX_OUT, "close", MIX);
		send_all(ways_out[i], MIX_IN);
		finish_ends();
		expect_received(0, "");
		expect_sent(0, MIX_IN);
	}
}

/* Sixteen threads on either socket: what is late is so by the threads, too. */
Test(e2e_flows, sixteen_threads_lose_nothing)
{
	for_each_kind
	{
		start_ends("threads", MIX_OUT, "close", MIX);
		send_all("threads", MIX_IN);
		finish_ends();
		cr_expect_eq(number_of(socket_line(&receiver), "missed"), 0);
		expect_received(0, " reordered ");
		expect_sent(0, MIX_IN);
	}
}

/* The socket's own line says what the program got, its flow's what came. */
Test(e2e_flows, a_truncated_datagram_is_counted_whole)
{
	for_each_kind
	{
		start_ends("small", 40, "close", "");
		send_all("sendto", 40);
		finish_ends();
		expect_received(0, "");
		cr_expect_eq(number_of(received(0), "rx_bytes"), bytes_of(40));
		expect_text(socket_line(&receiver),
			    "rx=40 rx_bytes=74 truncated=34");
	}
}

Test(e2e_flows, a_look_is_no_receive)
{
	for_each_kind
	{
		start_ends("peek", 20, "close", "drop@3");
		send_all("sendto", 21);
		finish_ends();
		expect_received(0, "");
		expect_text(socket_line(&receiver), "rx=20 truncated=0");
		expect_text(received(0), "rx=20 lost=1 duplicated=0");
	}
}

Test(e2e_flows, strays_are_in_no_flow)
{
	for_each_kind
	{
		start_ends("recv", 20, "close", "stray%4 drop@2");
		send_all("sendto", 21);
		finish_ends();
		expect_received(0, "");
		/* from the first on the kernel drops them */
		cr_expect_eq(number_of(socket_line(&receiver), "stray_magic") +
				     number_of(socket_line(&receiver),
					       "kernel_drops"),
			     5);
		expect_text(received(0), "rx=20 lost=1");
	}
}

/* ---- several peers, and a sender that begins anew --------------------------- */

Test(e2e_flows, each_peer_has_its_own_figures)
{
	for_each_kind
	{
		start_ends("recvmmsg", 5 * 30 - 5 * 3 + 5, "close",
			   "drop@4,9,10 double@12 late3@15");
		for (int i = 0; i < 5; i++)
			start_sender(i, "send", ways_out[i], 30);
		for (int i = 0; i < 5; i++)
			finish(&sending[i], &sender[i]);
		finish_ends();
		cr_expect_eq(lines_of(receiver.err, "flow "), 5);
		for (int i = 0; i < 5; i++) {
			expect_received(i, "");
			expect_text(received(i),
				    "lost=3 reordered=1 duplicated=1");
			expect_sent(i, 30);
		}
		cr_expect_eq(number_of(socket_line(&receiver), "flows"), 5);
	}
}

/* A port that was free a moment ago: one of the kernel's choice ends with connect. */
static unsigned int own_port(void)
{
	start_sender(0, "send", "sendto", 0);
	finish(&sending[0], &sender[0]);
	return port_of(&sender[0]);
}

/* Unconnected, connected and no longer: the peer sees three starts, and no loss. */
Test(e2e_flows, a_connection_begins_and_ends_a_flow)
{
	for_each_kind
	{
		start_ends("recv", 60, "close", "");
		start(&sending[0], &sender[0], FLOWS, "%s send both 60 %u %u",
		      kind, port_of(&relay), own_port());
		finish(&sending[0], &sender[0]);
		finish_ends();
		expect_received(0, "");
		expect_text(received(0), "lost=0 duplicated=0 restarts=2");
		expect_sent(0, 60);
	}
}

static void play_restart(const char *script, const char *figures)
{
	start_ends("recv", 30, "close", script);
	start(&sending[0], &sender[0], FLOWS, "%s send sendto 20 %u", kind,
	      port_of(&relay));
	finish(&sending[0], &sender[0]);
	start(&sending[1], &sender[1], FLOWS, "%s send anew 14 %u %u", kind,
	      port_of(&relay), port_of(&sender[0]));
	finish(&sending[1], &sender[1]);
	finish_ends();
	expect_received(0, "");
	expect_text(received(0), figures);
	cr_expect_eq(lines_of(receiver.err, "flow "), 1);
}

/* Another program, from the same port. */
Test(e2e_flows, a_sender_that_begins_again_loses_nothing)
{
	for_each_kind
	{
		play_restart("drop@3,4,17 drop@29", "lost=4 restarts=1");
		play_restart("drop@21,22,23,24", "lost=0 restarts=1");
		play_restart("drop@5,21,30 drop@6", "lost=3 restarts=1");
		play_restart("late2@21 drop@1,2,3,30",
			     "lost=1 reordered=1 restarts=1");
	}
}

/* ---- jitter and gap --------------------------------------------------------- */

/* Each datagram is answered ahead of the next, so the relay knows when it came. */
static void play_times(const char *way, const char *script, long long gap_us)
{
	start_ends("echo", 40, "close", script);
	start_sender(0, "ping", way, 40);
	finish(&sending[0], &sender[0]);
	finish_ends();
	expect_received(0, "");
	cr_expect_not_null(value_of(line_of(relay.out, "receiver ", 0),
				    "jitter_us"),
			   "no bounds: %s", relay.out);
	cr_expect_geq(number_of(received(0), "gap_us"), gap_us);
	expect_figures(flow_like(sender[0].err,
				 line_of(relay.out, "sender ", 0)),
		       line_of(relay.out, "sender ", 0), "");
	cr_expect_geq(number_of(line_of(sender[0].err, "flow ", 0), "gap_us"),
		      gap_us);
	cr_expect_eq(number_of(received(0), "tx"), 40);
	cr_expect_eq(number_of(received(0), "tx_bytes"), bytes_of(40));
	cr_expect_eq(lines_of(sender[0].err, "flow "), 1);
}

Test(e2e_flows, jitter_and_gap_match_the_relays_delays)
{
	for_each_kind
	{
		play_times("ping", "", 0);
		play_times("ping", "pause60@20", 60000);
		play_times("ping_connected", "pause9%3 pause45@40", 45000);
	}
}

/* First and last are times of day, and as far apart as what the relay paused. */
Test(e2e_flows, first_and_last_are_times_of_day)
{
	kind = kinds[0];
	start_ends("echo", 10, "close", "pause30@5 pause30@6");
	start_sender(0, "ping", "ping", 10);
	finish(&sending[0], &sender[0]);
	finish_ends();
	cr_expect_geq(strtod(value_of(received(0), "last"), NULL) -
			      strtod(value_of(received(0), "first"), NULL),
		      0.0599);
}

/* ---- processes that end ----------------------------------------------------- */

/* Half by a child, whose figures are its own, and half by its parent. */
Test(e2e_flows, parent_and_child_each_count_their_own_arrivals)
{
	for_each_kind
	{
		start_ends("fork", 30, "exit", "drop@5,25");
		send_all("sendto", 32);
		finish_ends();
		cr_assert_eq(lines_of(receiver.err, "flow "), 2, "%s",
			     receiver.err);
		expect_text(line_of(receiver.err, "flow ", 0), "rx=15 lost=1");
		expect_text(line_of(receiver.err, "flow ", 1), "rx=15 lost=1");
		cr_expect_neq(
			number_of(line_of(receiver.err, "flow ", 0), "pid"),
			number_of(line_of(receiver.err, "flow ", 1), "pid"));
	}
}

static const struct {
	const char *ending;
	int status, lines;
} endings[] = {
	{ "close", 0, 1 },
	{ "exit", 0, 1 },
	{ "return", 0, 1 },
	{ "_exit", 0, 0 },
	{ "signal", 128 + SIGTERM, 0 },
};

Test(e2e_flows, a_program_reports_open_sockets_when_it_ends)
{
	for_each_kind for (size_t i = 0; i < sizeof(endings) / sizeof(*endings);
			   i++)
	{
		start_ends("recv", 10, endings[i].ending, "drop@4");
		send_all("sendto", 11);
		cr_expect_eq(run_finish(&receiving, WAIT_MS), endings[i].status,
			     "%s: %s", endings[i].ending, receiver.err);
		finish(&relaying, &relay);
		cr_expect_eq(lines_of(receiver.err, "cop "), endings[i].lines,
			     "%s", endings[i].ending);
		cr_expect_eq(lines_of(receiver.err, "flow "), endings[i].lines,
			     "%s", endings[i].ending);
		if (endings[i].lines)
			expect_received(0, "");
	}
}
