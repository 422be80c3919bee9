// SPDX-License-Identifier: MIT
/*
 * test_mixed.c - an adopted program among others that are not: it hears nothing
 * of them, whatever way it waits, and with COP_DEBUG=1 says once of each that it
 * is not COP.
 *
 * Four processes of progs/mixed.c: one that is adopted, and waits; two of plain
 * UDP; and one that is adopted, so that there is something to wait for. In the scenes
 * of IPv6 the first one takes both families, and one of plain UDP has IPv4.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define WAIT_MS 20000
#define AT_ONCE 3 /* datagrams of each who is plain */

/* A plain datagram that is too short to have a header is one all the same. */
static const char *const plain_text[] = { "short",
					  "long-enough-to-have-a-header" };
#define PLAIN 2

struct peer {
	struct run_child child;
	struct run_result result;
	const char *way;
	int family; /* 4 or 6 */
	int port;
};

static struct peer waiter, plain[PLAIN], cop;

#define COP_ENV "COP_ADOPT=udp", "COP_STATS=stderr"
static const char *const plain_env[] = { "COP_DEBUG", "COP_STATS", NULL };
static const char *const quiet_env[] = { COP_ENV, "COP_DEBUG", NULL };
static const char *const debug_env[] = { COP_ENV, "COP_DEBUG=1", NULL };

/* ---- to tell them what to do -------------------------------------------- */

static void told(struct peer *peer, const char *answer)
{
	cr_assert(run_expect(&peer->child, answer, WAIT_MS),
		  "%s: no '%s' in:\n%s%s", peer->way, answer, peer->result.out,
		  peer->result.err);
}

#define tell(peer, ...)                                      \
	do {                                                 \
		char line_[128];                             \
		snprintf(line_, sizeof(line_), __VA_ARGS__); \
		cr_assert(run_write(&(peer)->child, line_)); \
	} while (0)

static void start(struct peer *peer, int family, const char *way,
		  const char *nonblocking, const char *const env[])
{
	const char *const argv[] = { COP_BUILD_DIR "/tests/progs/mixed",
				     family == 6 ? "6" : "4", way, nonblocking,
				     NULL };

	peer->way = way;
	peer->family = family;
	cr_assert_eq(run_start(&peer->child, &peer->result, argv,
			       env != plain_env, env),
		     0);
}

static void bind_it(struct peer *peer)
{
	const char *port;

	tell(peer, "bind\n");
	told(peer, "port ");
	told(peer, "\n");
	port = strstr(peer->result.out, "port ");
	peer->port = atoi(port + 5);
}

/* By which address one reaches the other. */
static const char *address(const struct peer *from, const struct peer *to)
{
	return from->family == 4 || to->family == 4 ? "127.0.0.1" : "::1";
}

static void end(struct peer *peer)
{
	cr_expect_eq(run_finish(&peer->child, WAIT_MS), 0, "%d: %s%s",
		     peer->result.status, peer->result.out, peer->result.err);
}

/* ---- what they say ------------------------------------------------------- */

static int count(const char *in, const char *what)
{
	int n = 0;

	for (in = strstr(in, what); in; in = strstr(in + 1, what))
		n++;
	return n;
}

/* The sum over all sockets' lines of the performance data. */
static int counter(const struct peer *peer, const char *name)
{
	const char *line = peer->result.err, *at;
	int sum = 0;

	while ((line = strstr(line, "cop pid="))) {
		at = strstr(line, name);
		line = strchrnul(line, '\n');
		if (at && at < line)
			sum += atoi(at + strlen(name));
	}
	return sum;
}

static int strays(const struct peer *peer)
{
	return counter(peer, " stray_short=") + counter(peer, " stray_magic=") +
	       counter(peer, " kernel_drops=");
}

static void expect_told_of(const struct peer *peer, const struct peer *other)
{
	const char *const addresses[] = { "127.0.0.1", "[::ffff:127.0.0.1]",
					  "[::1]" };
	char message[80];

	snprintf(message, sizeof(message), "datagrams from %s:%d are not COP",
		 addresses[(peer->family == 6) + (other->family == 6)],
		 other->port);
	cr_expect_eq(count(peer->result.err, message), 1, "no '%s' in:\n%s",
		     message, peer->result.err);
}

/* Of whom it is told, which nobody asked for without COP_DEBUG. */
static void expect_messages(const struct peer *peer, bool debug, int others)
{
	cr_expect_eq(count(peer->result.err, "are not COP"), debug ? others : 0,
		     "%s", peer->result.err);
	for (int i = 0; debug && i < others; i++)
		expect_told_of(peer, &plain[i]);
	if (!debug)
		cr_expect_eq(count(peer->result.err, "\n"),
			     count(peer->result.err, "cop pid=") +
				     count(peer->result.err, "flow pid="),
			     "%s", peer->result.err);
}

/* Whatever else was asked of it before it waited. */
static void expect_heard(const struct peer *peer, const char *expected)
{
	const char *heard = strstr(peer->result.out, "got ");

	cr_expect_str_eq(heard ?: "nothing", expected);
}

/* ---- what they do -------------------------------------------------------- */

struct scene {
	char way[16];
	bool nonblocking, debug, ip6;
};

/* The first are those that the others go through. */
static const char *const ways[] = { "recvfrom",	  "poll",  "select", "epoll",
				    "epoll_edge", "recv",  "read",   "recvmsg",
				    "recvmmsg",	  "ppoll", "pselect" };

#define MAIN_WAYS 5
#define ALL_WAYS  (sizeof(ways) / sizeof(ways[0]))

/* Some ways, and the main ways with IPv6. */
static struct criterion_test_params scenes_of(size_t n_ways)
{
	static struct scene scenes[(ALL_WAYS + MAIN_WAYS) * 4];
	size_t n = (n_ways + MAIN_WAYS) * 4;

	for (size_t i = 0; i < n; i++) {
		scenes[i].ip6 = i / 4 >= n_ways;
		strcpy(scenes[i].way,
		       ways[scenes[i].ip6 ? i / 4 - n_ways : i / 4]);
		scenes[i].nonblocking = i & 1;
		scenes[i].debug = i & 2;
	}
	return cr_make_param_array(struct scene, scenes, n);
}

static int family(const struct scene *scene)
{
	return scene->ip6 ? 6 : 4;
}

static const char *nonblocking(const struct scene *scene)
{
	return scene->nonblocking ? "nonblocking" : NULL;
}

static void start_all(const struct scene *scene)
{
	const char *const *env = scene->debug ? debug_env : quiet_env;

	start(&waiter, family(scene), scene->way, nonblocking(scene), env);
	start(&cop, family(scene), "recvfrom", NULL, env);
	for (int i = 0; i < PLAIN; i++) {
		start(&plain[i], i ? family(scene) : 4, "recvfrom", NULL,
		      plain_env);
		bind_it(&plain[i]);
	}
	bind_it(&waiter);
}

/* A datagram on loopback is in its queue when it has been sent. */
static void send_strays(const char *when)
{
	for (int i = 0; i < PLAIN; i++)
		tell(&plain[i], "send %d %s %d %s-%s\n", AT_ONCE,
		     address(&plain[i], &waiter), waiter.port, plain_text[i],
		     when);
	for (int i = 0; i < PLAIN; i++)
		told(&plain[i], when);
}

static void send_cop(const char *text)
{
	tell(&cop, "send 1 %s %d %s\n", address(&cop, &waiter), waiter.port,
	     text);
	told(&cop, text);
}

/*
 * With COP_DEBUG strays are looked at as they come. One that comes amid an
 * epoll_wait() may end it, see interpose/wait_watch.c.
 */
static bool may_come_amid(const struct scene *scene)
{
	return !scene->debug || strncmp(scene->way, "epoll", 5);
}

static void wait_among_strays(const struct scene *scene, const char *when,
			      const char *text)
{
	char heard[64];

	snprintf(heard, sizeof(heard), "got %s\n", text);
	if (!may_come_amid(scene))
		send_strays(when);
	tell(&waiter, "wait\n");
	if (may_come_amid(scene))
		send_strays(when);
	send_cop(text);
	told(&waiter, heard);
}

/* What is there before anything waits is met in another way. */
static void wait_thrice(const struct scene *scene)
{
	send_strays("before");
	wait_among_strays(scene, "during", "first");
	wait_among_strays(scene, "again", "second");
	send_strays("vain");
	tell(&waiter, "wait_in_vain\n");
	told(&waiter, "nothing came\n");
}

static void end_all(void)
{
	end(&waiter);
	end(&cop);
	for (int i = 0; i < PLAIN; i++)
		end(&plain[i]);
}

static void expect_only_cop(const struct scene *scene, int n_strays)
{
	expect_heard(&waiter, "got first\ngot second\nnothing came\n");
	cr_expect_eq(strays(&waiter), n_strays, "%d: %s", n_strays,
		     waiter.result.err);
	cr_expect_eq(counter(&waiter, " rx="), 2);
	expect_messages(&waiter, scene->debug, PLAIN);
	expect_messages(&cop, scene->debug, 0);
}

ParameterizedTestParameters(mixed, a_server_receives_only_cop)
{
	return scenes_of(ALL_WAYS);
}

ParameterizedTest(struct scene *scene, mixed, a_server_receives_only_cop)
{
	start_all(scene);
	wait_thrice(scene);
	end_all();
	expect_only_cop(scene, PLAIN * AT_ONCE * 4);
}

/* Let the waiter ask, and one who is plain answer. */
static void ask(struct peer *peer, const char *text)
{
	tell(peer, "answer %d %s\n", AT_ONCE, text);
	tell(&waiter, "send 1 %s %d question-to-%s\n", address(&waiter, peer),
	     peer->port, text);
	told(&waiter, text);
	told(peer, "answered");
}

ParameterizedTestParameters(mixed, a_client_receives_only_cop)
{
	return scenes_of(MAIN_WAYS);
}

ParameterizedTest(struct scene *scene, mixed, a_client_receives_only_cop)
{
	start_all(scene);
	for (int i = 0; i < PLAIN; i++)
		ask(&plain[i], plain_text[i]);
	wait_thrice(scene);
	end_all();
	expect_only_cop(scene, PLAIN * AT_ONCE * 5);
}

ParameterizedTestParameters(mixed, a_connected_client_gets_no_answer)
{
	return scenes_of(MAIN_WAYS);
}

ParameterizedTest(struct scene *scene, mixed, a_connected_client_gets_no_answer)
{
	start(&waiter, family(scene), scene->way, nonblocking(scene),
	      scene->debug ? debug_env : quiet_env);
	/* In half of IPv6's scenes it is one of IPv4. */
	start(&plain[0], scene->debug ? 4 : family(scene), "recvfrom", NULL,
	      plain_env);
	bind_it(&plain[0]);
	tell(&waiter, "connect %s %d\n", address(&waiter, &plain[0]),
	     plain[0].port);
	ask(&plain[0], "one");
	tell(&waiter, "wait_in_vain\n");
	ask(&plain[0], "two");
	tell(&waiter, "wait_in_vain\n");
	end(&waiter);
	end(&plain[0]);
	cr_expect_str_eq(waiter.result.out,
			 "connected\n"
			 "sent question-to-one\nnothing came\n"
			 "sent question-to-two\nnothing came\n");
	cr_expect_eq(strays(&waiter), AT_ONCE * 2, "%s", waiter.result.err);
	cr_expect_eq(counter(&waiter, " rx="), 0);
	expect_messages(&waiter, scene->debug, 1);
}

/* Otherwise the tests above would show nothing. */
ParameterizedTestParameters(mixed,
			    a_program_that_is_not_adopted_receives_everything)
{
	return scenes_of(ALL_WAYS);
}

ParameterizedTest(struct scene *scene, mixed,
		  a_program_that_is_not_adopted_receives_everything)
{
	start(&waiter, family(scene), scene->way, nonblocking(scene),
	      plain_env);
	start(&plain[0], family(scene), "recvfrom", NULL, plain_env);
	bind_it(&plain[0]);
	bind_it(&waiter);
	ask(&plain[0], "an-answer");
	tell(&waiter, "wait\n");
	told(&waiter, "got an-answer\n");
	end(&waiter);
	end(&plain[0]);
	cr_expect_str_empty(waiter.result.err);
}

/* ---- a program of the world's -------------------------------------------- */

Test(mixed, dig_gets_no_answer_from_a_plain_server_and_stderr_says_why)
{
	char port[16];
	const char *const argv[] = { "dig",	   "+tries=2", "+timeout=1",
				     "@127.0.0.1", "-p",       port,
				     "an.example", NULL };

	run_or_skip((const char *const[]){ "dig", "-v", NULL });
	start(&plain[0], 4, "recvfrom", NULL, plain_env);
	bind_it(&plain[0]);
	snprintf(port, sizeof(port), "%d", plain[0].port);
	tell(&plain[0], "answer 3 one\nanswer 3 two\n");
	cr_expect_eq(run(&waiter.result, argv, true, debug_env), 9, "%s",
		     waiter.result.err);
	told(&plain[0], "answered two");
	end(&plain[0]);
	cr_expect_not_null(strstr(waiter.result.out, "timed out"), "%s",
			   waiter.result.out);
	cr_expect_gt(strays(&waiter), 0, "%s", waiter.result.err);
	expect_messages(&waiter, true, 1);
}
