// SPDX-License-Identifier: MIT
/*
 * bench_process.c - what it costs a process with many COP sockets to create
 * another process, compared with a process that has as many UDP sockets and no
 * library.
 *
 * Each side is a process of its own. A child of fork() gets a copy of every
 * mapping and of every descriptor. When it ends, it closes the descriptors.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define SOCKETS	    1000
#define GENERATIONS 5

extern char **environ;

static int fds[SOCKETS];

static void await(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		bench_die("a child");
}

static void run_fork(void *arg, unsigned int n)
{
	(void)arg;
	while (n--) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		await(pid);
	}
}

static void run_vfork(void *arg, unsigned int n)
{
	char *argv[] = { "true", NULL };

	(void)arg;
	while (n--) {
		pid_t pid = vfork();

		if (!pid) {
			execve("/bin/true", argv, environ);
			_exit(1);
		}
		await(pid);
	}
}

static void run_spawn(void *arg, unsigned int n)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	(void)arg;
	while (n--) {
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ))
			pid = -1;
		await(pid);
	}
}

/* Peers find these by address, so they are no stack variables. */
static const struct bench_op ops[] = {
	{ .run = run_fork, .n = 10 },
	{ .run = run_vfork, .n = 2 },
	{ .run = run_spawn, .n = 2 },
};

#define OPS (sizeof(ops) / sizeof(*ops))

static const struct variant {
	const char *name;
	unsigned int rounds;
	struct bench_goal goal;
} variants[OPS] = {
	{ "fork + _exit + waitpid", 60, { .ratio = 1.1 } },
	{ "vfork + execve of /bin/true", 20, { .ratio = 0 } },
	{ "posix_spawn of /bin/true", 20, { .ratio = 0 } },
};

/* ---- in the peers --------------------------------------------------------- */

static long open_sockets(long is_cop)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < SOCKETS; i++) {
		fds[i] = is_cop ? socket(AF_INET, SOCK_COP, IPPROTO_COP)
				: socket(AF_INET, SOCK_DGRAM, 0);
		if (fds[i] < 0)
			return -1;
	}
	return 0;
}

static long bind_sockets(long arg)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };

	(void)arg;
	for (int i = 0; i < SOCKETS; i++)
		if (bind(fds[i], (struct sockaddr *)&addr, sizeof(addr)))
			return -1;
	return 0;
}

/* ---- measuring ------------------------------------------------------------ */

static void measure(struct bench_result *res, struct bench_peer *cop,
		    struct bench_peer *udp)
{
	for (size_t i = 0; i < OPS; i++) {
		struct bench_side a = { &ops[i], cop };
		struct bench_side b = { &ops[i], udp };

		bench_rounds(&res[i], &a, &b, variants[i].rounds, 1);
	}
}

static struct bench_peer *start(const char *lib)
{
	struct bench_peer *peer = bench_peer_start("peer", lib);

	if (bench_peer_call(peer, open_sockets, lib != NULL))
		bench_die("1,000 sockets");
	return peer;
}

static void generation(struct bench_result (*res)[OPS])
{
	struct bench_peer *cop = start(bench_lib()), *udp = start(NULL);

	measure(res[0], cop, udp);
	if (bench_peer_call(cop, bind_sockets, 0) ||
	    bench_peer_call(udp, bind_sockets, 0))
		bench_die("1,000 ports");
	measure(res[1], cop, udp);
	bench_peer_stop(cop);
	bench_peer_stop(udp);
}

int main(void)
{
	static const char *const titles[] = {
		"ns, with 1,000 sockets",
		"ns, with 1,000 sockets, each bound to a port",
	};
	static struct bench_result res[2][OPS];

	bench_begin("process");
	if (bench_peer_role())
		bench_peer_serve();
	for (int g = 0; g < GENERATIONS; g++)
		generation(res);
	for (size_t k = 0; k < 2; k++) {
		bench_title(titles[k], "COP", "UDP");
		for (size_t i = 0; i < OPS; i++)
			bench_report(variants[i].name, &res[k][i],
				     &variants[i].goal);
	}
	return 0;
}
