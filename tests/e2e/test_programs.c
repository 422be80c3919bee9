// SPDX-License-Identifier: MIT
/*
 * test_programs.c - programs that nobody recompiled: python3, socat and perl,
 * each as client and as server, and python in each way of waiting there is.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define PYTHON	"/usr/bin/python3"
#define SCRIPTS COP_TEST_DIR "/e2e/scripts/"
#define WAIT_MS 10000

/* A server that is never spoken to must not outlive its test. */
#define AT_MOST "timeout", "20"

enum program { PYTHON3, SOCAT, PERL, PROGRAMS };

static const char *const name_of[] = { "python3", "socat", "perl" };

static struct run_result client_result, server_result;

/* Below the ephemeral ports, so that no autobind takes it meanwhile. */
static unsigned int free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	unsigned int port = 20000 + getpid() % 10000;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	do {
		addr.sin_port = htons(++port);
	} while (port < 32000 &&
		 bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
	return port;
}

/* The kernel's list of UDP sockets shows a COP port as soon as it is bound. */
static bool is_bound(unsigned int port)
{
	FILE *udp = fopen("/proc/net/udp", "r");
	char line[256], local[32];
	bool found = false;

	snprintf(local, sizeof(local), ": 0100007F:%04X ", port);
	while (udp && !found && fgets(line, sizeof(line), udp))
		found = strstr(line, local);
	if (udp)
		fclose(udp);
	return found;
}

static bool becomes_bound(unsigned int port)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int ms = 0; ms < WAIT_MS; ms += 10) {
		if (is_bound(port))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int start_server(struct run_child *server, enum program program,
			unsigned int port)
{
	char decimal[16], socket[64];
	const char *const argv[][8] = {
		[PYTHON3] = { AT_MOST, PYTHON, SCRIPTS "echo_server.py",
			      decimal },
		[SOCAT] = { AT_MOST, "socat", "-t", "0.1", socket,
			    "EXEC:sed -u 2q" },
		[PERL] = { AT_MOST, "perl", SCRIPTS "echo_server.pl", decimal },
	};

	snprintf(decimal, sizeof(decimal), "%u", port);
	snprintf(socket, sizeof(socket),
		 "SOCKET-RECVFROM:2:7:253:x%04x7f0000010000000000000000", port);
	return run_start(server, &server_result, argv[program], true, NULL);
}

static int start_client(struct run_child *client, enum program program,
			unsigned int port)
{
	char decimal[16], socket[64];
	const char *const argv[][8] = {
		[PYTHON3] = { AT_MOST, PYTHON, SCRIPTS "echo_client.py",
			      decimal },
		[SOCAT] = { AT_MOST, "socat", "-t", "0.1", "-", socket },
		[PERL] = { AT_MOST, "perl", SCRIPTS "echo_client.pl", decimal },
	};

	snprintf(decimal, sizeof(decimal), "%u", port);
	snprintf(socket, sizeof(socket),
		 "SOCKET-SENDTO:2:7:253:x%04x7f0000010000000000000000", port);
	return run_start(client, &client_result, argv[program], true, NULL);
}

static void talk(struct run_child *client, struct run_child *server)
{
	cr_expect(run_write(client, "first\n"));
	cr_expect(run_expect(client, "first\n", WAIT_MS));
	cr_expect(run_write(client, "second one\n"));
	cr_expect(run_expect(client, "second one\n", WAIT_MS));
	cr_expect_eq(run_finish(client, WAIT_MS), 0, "client: %d, %s",
		     client_result.status, client_result.err);
	cr_expect_eq(run_finish(server, WAIT_MS), 0, "server: %d, %s",
		     server_result.status, server_result.err);
	cr_expect_str_eq(client_result.out, "first\nsecond one\n");
	cr_expect_str_empty(client_result.err);
	cr_expect_str_empty(server_result.out);
	cr_expect_str_empty(server_result.err);
}

struct pair {
	enum program client, server;
};

ParameterizedTestParameters(programs, client_and_server_exchange_datagrams)
{
	static struct pair pair[PROGRAMS * PROGRAMS];

	for (int i = 0; i < PROGRAMS * PROGRAMS; i++)
		pair[i] = (struct pair){ i / PROGRAMS, i % PROGRAMS };
	return cr_make_param_array(struct pair, pair, PROGRAMS * PROGRAMS);
}

ParameterizedTest(struct pair *pair, programs,
		  client_and_server_exchange_datagrams)
{
	struct run_child client, server;
	unsigned int port = free_port();

	cr_assert_eq(start_server(&server, pair->server, port), 0);
	if (!becomes_bound(port)) {
		run_finish(&server, 0);
		cr_assert_fail("%s did not bind: %s", name_of[pair->server],
			       server_result.err);
	}
	if (start_client(&client, pair->client, port)) {
		run_finish(&server, 0);
		cr_assert_fail("%s did not start", name_of[pair->client]);
	}
	talk(&client, &server);
}

/* Otherwise the tests above would show nothing about the library. */
ParameterizedTestParameters(programs, nobody_has_cop_without_the_library)
{
	static enum program program[] = { PYTHON3, SOCAT, PERL };

	return cr_make_param_array(enum program, program, PROGRAMS);
}

ParameterizedTest(enum program *program, programs,
		  nobody_has_cop_without_the_library)
{
	const char *const argv[][5] = {
		[PYTHON3] = { PYTHON, "-c",
			      "import socket; socket.socket(2, 7, 253)" },
		[SOCAT] = { "socat", "-u",
			    "SOCKET-RECV:2:7:253:x00007f00000100000000000000"
			    "00",
			    "-" },
		[PERL] = { "perl", "-e", "socket(S, 2, 7, 253) or die $!" },
	};

	run(&client_result, argv[*program], false, NULL);
	cr_expect_gt(client_result.status, 0);
	cr_expect_not_null(strcasestr(client_result.err,
				      "socket type not supported"),
			   "%s said: %s", name_of[*program], client_result.err);
}

static void waits(const char *how, const char *expected)
{
	const char *const udp[] = { PYTHON, SCRIPTS "waiting.py", "udp", how,
				    NULL };
	const char *const cop[] = { PYTHON, SCRIPTS "waiting.py", "cop", how,
				    NULL };

	run(&server_result, udp, false, NULL);
	cr_expect_str_eq(server_result.out, expected, "udp: %s%s",
			 server_result.out, server_result.err);
	run(&client_result, cop, true, NULL);
	cr_expect_str_eq(client_result.out, expected, "cop: %s%s",
			 client_result.out, client_result.err);
	cr_expect_str_empty(client_result.err);
	cr_expect_eq(client_result.status, 0);
}

Test(programs, python_blocks_as_on_udp)
{
	waits("blocking", "received one\n"
			  "waited True\n"
			  "timed out\n");
}

Test(programs, python_does_not_block_as_on_udp)
{
	waits("nonblocking", "nothing there\n"
			     "received one\n"
			     "received two\n"
			     "nothing there\n");
}

Test(programs, python_polls_as_on_udp)
{
	waits("poll", "poll []\n"
		      "poll [1]\n"
		      "poll [1]\n"
		      "received one\n"
		      "poll []\n"
		      "poll [1]\n"
		      "received two\n"
		      "poll [1]\n"
		      "received three\n"
		      "poll []\n"
		      "poll [4]\n");
}

Test(programs, python_selects_as_on_udp)
{
	waits("select", "select [0, 0, 0]\n"
			"select [1, 0, 0]\n"
			"select [1, 0, 0]\n"
			"received one\n"
			"select [0, 0, 0]\n"
			"select [1, 0, 0]\n"
			"received two\n"
			"select [1, 0, 0]\n"
			"received three\n"
			"select [0, 0, 0]\n"
			"select [0, 1, 0]\n");
}

Test(programs, python_epolls_level_triggered_as_on_udp)
{
	waits("epoll_level", "epoll []\n"
			     "epoll [1]\n"
			     "epoll [1]\n"
			     "received one\n"
			     "epoll []\n"
			     "epoll [1]\n"
			     "received two\n"
			     "epoll [1]\n"
			     "received three\n"
			     "epoll []\n");
}

Test(programs, python_epolls_edge_triggered_as_on_udp)
{
	waits("epoll_edge", "epoll []\n"
			    "epoll [1]\n"
			    "epoll []\n"
			    "received one\n"
			    "epoll []\n"
			    "epoll [1]\n"
			    "received two\n"
			    "epoll []\n"
			    "received three\n"
			    "epoll []\n");
}
