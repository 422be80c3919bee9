// SPDX-License-Identifier: MIT
/*
 * bench_passthrough.c - what the library costs a program that does not use it:
 * calls on foreign descriptors, and the start of a program.
 *
 * The same program runs in three processes that share one CPU and take turns:
 * without the library, with it, and with it while a COP socket is open. The
 * place of a process's memory alone makes a difference of a per cent. So the
 * processes are started again several times, and all rounds count together. The
 * last table compares two processes without the library: it shows how exact
 * such a comparison is on this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define GENERATIONS 8
#define ROUNDS	    25
#define SAMPLES	    4
#define LEN	    64

static int udp[2], pipes[2], pair[2];
static unsigned char buf[LEN];

static void run_udp(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (send(udp[0], buf, LEN, 0) != LEN ||
		    recv(udp[1], buf, LEN, 0) != LEN)
			bench_die("UDP");
}

static void run_pipe(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (write(pipes[1], buf, LEN) != LEN ||
		    read(pipes[0], buf, LEN) != LEN)
			bench_die("pipe");
}

static void run_unix(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (send(pair[0], buf, LEN, 0) != LEN ||
		    recv(pair[1], buf, LEN, 0) != LEN)
			bench_die("UNIX socket");
}

static void run_getsockname(void *arg, unsigned int n)
{
	struct sockaddr_in addr;
	socklen_t len;

	(void)arg;
	while (n--) {
		len = sizeof(addr);
		if (getsockname(udp[0], (struct sockaddr *)&addr, &len))
			bench_die("getsockname");
	}
}

static void run_close(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (close(dup(pipes[0])))
			bench_die("close");
}

static void run_fcntl(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (fcntl(pipes[0], F_GETFL) != O_RDONLY)
			bench_die("fcntl");
}

/* Peers find these by address, so they are no stack variables. */
static const struct bench_op ops[] = {
	{ .run = run_udp, .n = 200 },	{ .run = run_pipe, .n = 400 },
	{ .run = run_unix, .n = 400 },	{ .run = run_getsockname, .n = 1000 },
	{ .run = run_close, .n = 500 }, { .run = run_fcntl, .n = 1000 },
};

#define OPS (sizeof(ops) / sizeof(*ops))

static const struct variant {
	const char *name;
	struct bench_goal goal;
} variants[OPS] = {
	{ "UDP send + recv", { .ratio = 1.01 } },
	{ "pipe write + read", { .ratio = 0 } },
	{ "UNIX socket send + recv", { .ratio = 1.01 } },
	{ "getsockname", { .ratio = 1.01 } },
	{ "close(dup()) of a pipe", { .ratio = 1.05 } },
	{ "fcntl(F_GETFL) of a pipe", { .ratio = 1.05 } },
};

static void udp_open(void)
{
	struct sockaddr_in addr[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(addr[i]);

		addr[i].sin_family = AF_INET;
		addr[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		udp[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (bind(udp[i], (struct sockaddr *)&addr[i], len) ||
		    getsockname(udp[i], (struct sockaddr *)&addr[i], &len))
			bench_die("a bound socket");
	}
	for (int i = 0; i < 2; i++)
		if (connect(udp[i], (struct sockaddr *)&addr[!i],
			    sizeof(addr[i])))
			bench_die("connect");
}

static long open_cop(long arg)
{
	(void)arg;
	return socket(AF_INET, SOCK_COP, IPPROTO_COP);
}

static void peer_main(void)
{
	udp_open();
	if (pipe(pipes) || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		bench_die("pipe");
	bench_peer_serve();
}

/* One set of processes, measured; ours[] and kernel take turns. */
static void generation(struct bench_result (*res)[OPS], const char *const *lib,
		       const bool *cop, size_t kinds)
{
	struct bench_peer *kernel = bench_peer_start("bare", NULL);

	for (size_t k = 0; k < kinds; k++) {
		struct bench_peer *ours = bench_peer_start("peer", lib[k]);

		if (cop[k] && bench_peer_call(ours, open_cop, 0) < 0)
			bench_die("socket(SOCK_COP)");
		for (size_t i = 0; i < OPS; i++) {
			struct bench_side a = { &ops[i], ours };
			struct bench_side b = { &ops[i], kernel };

			bench_rounds(&res[k][i], &a, &b, ROUNDS, SAMPLES);
		}
		bench_peer_stop(ours);
	}
	bench_peer_stop(kernel);
}

static void calls(void)
{
	static const char *const titles[] = {
		"ns, library loaded and not",
		"ns, library loaded and a COP socket open, and not",
		"ns, library in neither: what the noise is",
	};
	const char *const libs[] = { bench_lib(), bench_lib(), NULL };
	static const bool cop[] = { false, true, false };
	static struct bench_result res[3][OPS];

	for (int g = 0; g < GENERATIONS; g++)
		generation(res, libs, cop, 3);
	for (size_t k = 0; k < 3; k++) {
		bench_title(titles[k], libs[k] ? "loaded" : "without",
			    "without");
		for (size_t i = 0; i < OPS; i++)
			bench_report(variants[i].name, &res[k][i],
				     libs[k] ? &variants[i].goal : NULL);
	}
}

/* ---- the start of a program ---------------------------------------------- */

static void run_true(void *arg, unsigned int n)
{
	char *argv[] = { "true", NULL };
	char *envp[] = { arg, NULL };
	int status;
	pid_t pid;

	while (n--)
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) ||
		    waitpid(pid, &status, 0) != pid || status)
			bench_die("/bin/true");
}

/* Makes an empty library, to load in place of libcop. */
static void build_empty(const char *dir, char *path, size_t size)
{
	char command[512];

	snprintf(path, size, "%s/empty.so", dir);
	snprintf(command, sizeof(command),
		 "echo | ${CC:-cc} -shared -fPIC -x c -o %s -", path);
	if (system(command))
		bench_die(command);
}

static void start_up(void)
{
	static const struct bench_goal goal = { .diff = 60000 };
	char dir[] = "/tmp/bench.XXXXXX", empty[64];
	char ours_env[512], empty_env[128];
	struct bench_op a = { .run = run_true, .arg = ours_env, .n = 1 };
	struct bench_op b = { .run = run_true, .arg = empty_env, .n = 1 };
	struct bench_side ours = { .op = &a }, kernel = { .op = &b };
	struct bench_result res = { 0 };

	if (!mkdtemp(dir))
		bench_die(dir);
	build_empty(dir, empty, sizeof(empty));
	snprintf(ours_env, sizeof(ours_env), "LD_PRELOAD=%s", bench_lib());
	snprintf(empty_env, sizeof(empty_env), "LD_PRELOAD=%s", empty);
	bench_title(
		"ns to run /bin/true, libcop preloaded and an empty library",
		"libcop", "empty");
	bench_rounds(&res, &ours, &kernel, 100, 4);
	bench_report("/bin/true", &res, &goal);
	unlink(empty);
	rmdir(dir);
}

int main(void)
{
	bench_begin("passthrough");
	if (bench_peer_role())
		peer_main();
	calls();
	start_up();
	return 0;
}
