// SPDX-License-Identifier: MIT
/*
 * bench_descriptors.c - what it costs to open, duplicate and close a COP
 * socket, compared with a UDP socket in a process without the library.
 *
 * With BENCH_AGAINST=FILE the other side is COP, too, with FILE as its library.
 * That shows what a change of the library costs.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

static int fd, other;
static bool cop;

static int make(void)
{
	int made = cop ? socket(AF_INET, SOCK_COP, IPPROTO_COP)
		       : socket(AF_INET, SOCK_DGRAM, 0);

	if (made < 0)
		bench_die("socket");
	return made;
}

static void run_dup_close(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		close(dup(fd));
}

static void run_dup2(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		dup2(fd, other);
}

static void run_close_range(void *arg, unsigned int n)
{
	(void)arg;
	while (n--) {
		int made = dup(fd);

		close_range(made, made, 0);
	}
}

static void run_socket_close(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		close(make());
}

static const struct bench_op ops[] = {
	{ .run = run_dup_close, .n = 500 },
	{ .run = run_dup2, .n = 500 },
	{ .run = run_close_range, .n = 500 },
	{ .run = run_socket_close, .n = 100 },
};

#define OPS (sizeof(ops) / sizeof(*ops))

static const struct {
	const char *name;
	struct bench_goal goal;
} variants[OPS] = {
	{ "dup + close", { .ratio = 1.25 } },
	{ "dup2 over a socket", { .ratio = 1.25 } },
	{ "dup + close_range of one", { .ratio = 1.25 } },
	{ "socket + close", { .ratio = 1.25 } },
};

static long start(long is_cop)
{
	cop = is_cop;
	fd = make();
	other = make();
	return 0;
}

int main(void)
{
	static struct bench_result res[OPS];
	const char *against = getenv("BENCH_AGAINST");
	struct bench_peer *ours, *theirs;

	bench_begin("descriptors");
	if (bench_peer_role())
		bench_peer_serve();
	ours = bench_peer_start("peer", bench_lib());
	theirs = bench_peer_start("peer", against);
	if (bench_peer_call(ours, start, 1) ||
	    bench_peer_call(theirs, start, against != NULL))
		bench_die("sockets");
	for (size_t i = 0; i < OPS; i++) {
		struct bench_side a = { &ops[i], ours };
		struct bench_side b = { &ops[i], theirs };

		bench_rounds(&res[i], &a, &b, 100, 4);
	}
	bench_peer_stop(ours);
	bench_peer_stop(theirs);
	bench_title("ns", "COP", against ? "the other build" : "UDP");
	for (size_t i = 0; i < OPS; i++)
		bench_report(variants[i].name, &res[i], &variants[i].goal);
	return 0;
}
