// SPDX-License-Identifier: MIT
/*
 * test_relay.c - scripts/relay.py: a network that loses, delays, reorders and
 * duplicates by percentage and seed.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"

#define RELAY COP_TEST_DIR "/../scripts/relay.py "
#define LOSSY "python3 " COP_TEST_DIR "/e2e/scripts/lossy.py "
#define UDP   LOSSY "2 17 "
#define COP                                                           \
	"PYTHON=$(python3 -c 'import sys; print(sys.executable)'); "  \
	"COP_STATS=stats.jsonl LD_PRELOAD=$LIB $PYTHON " COP_TEST_DIR \
	"/e2e/scripts/lossy.py 7 253 "

TestSuite(relay, .init = scratch_make, .timeout = 60);

static struct run_result result;

/* One line of the shell, which succeeds. */
static const char *output(const char *line)
{
	scratch_shell(&result, "%s", line);
	cr_assert_eq(result.status, 0, "%s: %s%s", line, result.out,
		     result.err);
	return result.out;
}

static void says(const char *line, const char *text)
{
	cr_expect_not_null(strstr(output(line), text), "no \"%s\" in: %s%s",
			   text, result.out, result.err);
}

Test(relay, without_an_option_all_arrives_in_order)
{
	cr_expect_str_eq(
		output(UDP "10 " RELAY "--both"),
		"0 1 2 3 4 5 6 7 8 9\n[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
		"client 1 to server: came=10 lost=0 duplicated=0 reordered=0\n"
		"server to client 1: came=10 lost=0 duplicated=0 "
		"reordered=0\n");
}

#define ALL_FAULTS "--loss 10 --duplicate 10 --reorder 10 --seed "

Test(relay, the_same_seed_treats_the_same_datagrams_in_the_same_way)
{
	char *first = strdup(output(UDP "60 " RELAY ALL_FAULTS "5"));

	cr_expect_str_eq(output(UDP "60 " RELAY ALL_FAULTS "5"), first);
	cr_expect_str_neq(output(UDP "60 " RELAY ALL_FAULTS "6"), first);
	free(first);
}

Test(relay, one_option_does_not_change_what_another_one_chooses)
{
	char *first = strdup(output(UDP "40 " RELAY "--loss 20"));

	output(UDP "40 " RELAY "--loss 20 --delay 2 --jitter 2");
	cr_expect_str_eq(result.out, first);
	free(first);
}

Test(relay, about_as_many_are_lost_as_the_option_says)
{
	int lost;

	output(UDP "1000 " RELAY "--loss 10");
	cr_assert_eq(sscanf(strstr(result.out, "came"), "came=1000 lost=%d",
			    &lost),
		     1, "%s", result.out);
	cr_expect(lost > 60 && lost < 140, "%d", lost);
	says(UDP "20 " RELAY "--loss 100", "came=20 lost=20 ");
	says(UDP "20 " RELAY "--duplicate 100", "came=20 lost=0 duplicated=20");
}

Test(relay, a_datagram_that_nothing_overtakes_goes_alone)
{
	says(UDP "1 " RELAY "--reorder 100", "0\n");
	says(UDP "1 " RELAY "--reorder 100", "reordered=0");
}

/* From the first datagram on, to the end, which the relay waits for. */
Test(relay, a_delay_is_kept)
{
	says("python3 " RELAY
	     "--delay 150 --limit 1 --idle 20 4000 4001 >out & "
	     "python3 -c 'import socket, time\n"
	     "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
	     "s.bind((\"127.0.0.1\", 4001))\n"
	     "c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
	     "while \":0FA0 \" not in open(\"/proc/net/udp\").read(): pass\n"
	     "then = time.monotonic()\n"
	     "c.sendto(b\"late\", (\"127.0.0.1\", 4000))\n"
	     "print(s.recv(9), time.monotonic() - then >= 0.15)'; wait",
	     "b'late' True\n");
}

Test(relay, it_stands_between_addresses_of_IPv6)
{
	scratch_shell(&result, "grep -q ' lo$' /proc/net/if_inet6");
	if (result.status)
		cr_skip("there is no IPv6");
	says("python3 " RELAY
	     "--limit 1 --idle 20 [::1]:4010 [::1]:4011 >out & "
	     "python3 -c 'import socket, time\n"
	     "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
	     "s.bind((\"::1\", 4011))\n"
	     "while \":0FAA \" not in open(\"/proc/net/udp6\").read(): pass\n"
	     "s.sendto(b\"six\", (\"::1\", 4010))\n"
	     "print(s.recv(9))'; wait",
	     "b'six'\n");
}

Test(relay, a_wrong_option_is_refused)
{
	static const char *const wrong[] = { "--loss 101 1 2", "--delay -1 1 2",
					     "--loss x 1 2", "1 host:2", "1" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		scratch_shell(&result, "python3 " RELAY "%s", wrong[i]);
		cr_expect_eq(result.status, 2, "%s: %s", wrong[i], result.err);
	}
}

/* ---- what libcop's figures say of it --------------------------------------- */

/* A number behind NAME= of the relay, or behind "NAME": of the receiver's flow. */
static int number(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	cr_assert_not_null(at, "no %s in: %s", name, text);
	return atoi(at + strlen(name));
}

/* The first and the last datagram arrive with this seed: a loss there shows nowhere. */
Test(relay, the_figures_of_a_flow_are_what_the_relay_did)
{
	char *relay = strdup(output(COP "200 " RELAY ALL_FAULTS "2"));
	const char *flow;

	cr_assert(!strncmp(relay, "0 ", 2) && strstr(relay, " 199\n"), "%s",
		  relay);
	flow = output("grep '\"flow\"' stats.jsonl | grep -v '\"rx\":0'");
	cr_expect_eq(number(flow, "\"lost\":"), number(relay, "lost="));
	cr_expect_eq(number(flow, "\"duplicated\":"),
		     number(relay, "duplicated="));
	cr_expect_eq(number(flow, "\"reordered\":"),
		     number(relay, "reordered="), "%s%s", flow, relay);
	cr_expect_gt(number(relay, "lost="), 0);
	cr_expect_gt(number(relay, "duplicated="), 0);
	cr_expect_gt(number(relay, "reordered="), 0);
	free(relay);
}

Test(relay, jitter_shows_in_the_figures_and_the_order_stays)
{
	const char *flow;

	output(COP "100 " RELAY "--jitter 10");
	flow = output("grep '\"flow\"' stats.jsonl | grep -v '\"rx\":0'");
	cr_expect_eq(number(flow, "\"reordered\":"), 0, "%s", flow);
	cr_expect_eq(number(flow, "\"lost\":"), 0, "%s", flow);
	cr_expect_gt(number(flow, "\"jitter_us\":"), 500, "%s", flow);
}
