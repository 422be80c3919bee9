// SPDX-License-Identifier: MIT
/*
 * test_mixed_families.c - servers and clients of both families. Each is adopted by
 * all of UDP, by a list of ports, or not at all. A server on COP gives no header to
 * its program. A server on UDP gets a header only if the client alone is adopted.
 *
 * A server of progs/mixed_families.c, and for each way to be adopted a client for each
 * address.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner.h"

#define PROG	COP_BUILD_DIR "/tests/progs/mixed_families"
#define WAIT_MS 20000

static int port; /* the server's */

/* The second port of a list is the server's, or its neighbour. */
static const struct adoption {
	const char *env; /* a format with one %d */
	bool lists_another;
	bool on_cop;
} adoptions[] = {
	{ "COP_ADOPT", false, false },
	{ "COP_ADOPT=udp", false, true },
	{ "COP_ADOPT=udp:9,%d", false, true },
	{ "COP_ADOPT=udp:9,%d", true, false },
};

#define ADOPTIONS (sizeof(adoptions) / sizeof(adoptions[0]))

static struct run_child server;
static struct run_result said, client;
static char expected[4096]; /* of the server */

/* ---- to start both --------------------------------------------------------- */

/* Free at all addresses of both families, and not in the range of ephemeral ports. */
static void choose_port(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int fd, err;

	for (port = 10000 + getpid() * 7919u % 20000;; port++) {
		any.sin6_port = htons(port);
		fd = socket(AF_INET6, SOCK_DGRAM, 0);
		if (fd < 0)
			cr_skip_test("this host has no IPv6");
		err = bind(fd, (struct sockaddr *)&any, sizeof(any));
		close(fd);
		if (!err)
			return;
	}
}

static const char *const *env_of(const struct adoption *adoption)
{
	static char text[32];
	static const char *env[] = { text, NULL };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), adoption->env,
		 port + adoption->lists_another);
#pragma GCC diagnostic pop
	return env;
}

static void start_server(const char *address, const struct adoption *adoption)
{
	char number[8];
	const char *const argv[] = { PROG, "serve", address, number, NULL };

	snprintf(number, sizeof(number), "%d", port);
	cr_assert_eq(run_start(&server, &said, argv, true, env_of(adoption)),
		     0);
	cr_assert(run_expect(&server, "ready\n", WAIT_MS), "%s%s", said.out,
		  said.err);
	strcpy(expected, "ready\n");
}

static void ask(const char *address, const struct adoption *adoption,
		bool answered)
{
	char number[8];
	const char *const argv[] = { PROG,
				     "ask",
				     address,
				     number,
				     answered ? "answered" : "unanswered",
				     NULL };

	snprintf(number, sizeof(number), "%d", port);
	cr_expect_eq(run(&client, argv, true, env_of(adoption)), 0, "%s: %s",
		     address, client.err);
	cr_expect_str_eq(client.out,
			 answered ? "answer one\nanswer two\n"
				  : "no answer\nno answer\n",
			 "%s with %s", address, adoption->env);
}

/* ---- what the server must say ------------------------------------------------ */

static void expect(bool server_on_cop, bool client_on_cop)
{
	if (server_on_cop && !client_on_cop)
		return;
	strcat(expected, server_on_cop == client_on_cop
				 ? "got one\ngot two\n"
				 : "got a header and one\n"
				   "got a header and two\n");
}

struct scene {
	char address[20];    /* of the server */
	char clients[3][20]; /* "": no more */
	unsigned int server; /* how it is adopted */
};

static void play(const struct scene *scene)
{
	const struct adoption *adoption = &adoptions[scene->server];

	choose_port();
	start_server(scene->address, adoption);
	for (size_t i = 0; i < ADOPTIONS; i++)
		for (int j = 0; j < 3 && scene->clients[j][0]; j++) {
			ask(scene->clients[j], &adoptions[i],
			    adoption->on_cop == adoptions[i].on_cop);
			expect(adoption->on_cop, adoptions[i].on_cop);
		}
	cr_expect_eq(run_finish(&server, WAIT_MS), 0, "%s", said.err);
	cr_expect_str_eq(said.out, expected, "%s with %s", scene->address,
			 adoption->env);
}

#define MAPPED "::ffff:127.0.0.1"

#define SCENES(address, ...)                                              \
	{ address, { __VA_ARGS__ }, 0 }, { address, { __VA_ARGS__ }, 1 }, \
		{ address, { __VA_ARGS__ }, 2 },                          \
	{                                                                 \
		address, { __VA_ARGS__ }, 3                               \
	}

ParameterizedTestParameters(mixed_families,
			    a_header_reaches_only_one_who_is_not_adopted)
{
	static struct scene scenes[] = {
		SCENES("::", "127.0.0.1", "::1", MAPPED),
		SCENES("::1", "::1"),
		SCENES(MAPPED, "127.0.0.1", MAPPED),
		SCENES("0.0.0.0", "127.0.0.1", MAPPED),
	};

	return cr_make_param_array(struct scene, scenes,
				   sizeof(scenes) / sizeof(scenes[0]));
}

ParameterizedTest(struct scene *scene, mixed_families,
		  a_header_reaches_only_one_who_is_not_adopted)
{
	play(scene);
}
