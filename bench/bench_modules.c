// SPDX-License-Identifier: MIT
/*
 * bench_modules.c - what transports that are loaded on demand cost: a socket() that no
 * module can serve, against libc's own; the first socket() of a module; a socket and a
 * datagram of the skeleton, against COP's and UDP's; and the start of a program with
 * COP_MODULES set.
 *
 * COP_BENCH_MODULES is a directory with the skeleton.
 */
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define PROGRAM "/bin/true"
#define SKEL	8   /* SOCK_SKEL */
#define NOBODY	9   /* a type that nobody has */
#define FIRSTS	101 /* processes that load a module */
#define SIZE	64  /* bytes of a datagram */

static const char *modules; /* the directory with the skeleton */
static char empty[256];	    /* four empty ones, with colons between */

/* ---- what is measured, in peers --------------------------------------------- */

static int (*libc_socket)(int family, int type, int protocol);

static void run_asked(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (socket(AF_INET, NOBODY, 254) >= 0)
			bench_die("somebody has the type");
}

static void run_libcs(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		if (libc_socket(AF_INET, NOBODY, 254) >= 0)
			bench_die("somebody has the type");
}

static int make(int type)
{
	int fd = socket(AF_INET, type, 0);

	if (fd < 0)
		bench_die("socket");
	return fd;
}

static void run_skel_socket(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		close(make(SKEL));
}

static void run_cop_socket(void *arg, unsigned int n)
{
	(void)arg;
	while (n--)
		close(make(SOCK_COP));
}

static int skel, cop, udp; /* each sends to itself */
static struct sockaddr_in to_skel, to_cop, to_udp;

static void exchange(int fd, const struct sockaddr_in *to, unsigned int n)
{
	struct sockaddr_in from;
	char data[SIZE] = "";

	while (n--) {
		socklen_t len = sizeof(from);

		if (sendto(fd, data, SIZE, 0, (const struct sockaddr *)to,
			   sizeof(*to)) != SIZE ||
		    recvfrom(fd, data, SIZE, 0, (struct sockaddr *)&from,
			     &len) != SIZE)
			bench_die("a datagram");
	}
}

static void run_skel(void *arg, unsigned int n)
{
	(void)arg;
	exchange(skel, &to_skel, n);
}

static void run_cop(void *arg, unsigned int n)
{
	(void)arg;
	exchange(cop, &to_cop, n);
}

static void run_udp(void *arg, unsigned int n)
{
	(void)arg;
	exchange(udp, &to_udp, n);
}

static const struct bench_op asked = { .run = run_asked, .n = 500 };
static const struct bench_op libcs = { .run = run_libcs, .n = 500 };
static const struct bench_op skel_socket = { .run = run_skel_socket, .n = 100 };
static const struct bench_op cop_socket = { .run = run_cop_socket, .n = 100 };
static const struct bench_op skel_data = { .run = run_skel, .n = 200 };
static const struct bench_op cop_data = { .run = run_cop, .n = 200 };
static const struct bench_op udp_data = { .run = run_udp, .n = 200 };

/* ---- preparations of the peers ---------------------------------------------- */

static long find_libc(long unused)
{
	(void)unused;
	libc_socket = (int (*)(int, int, int))bench_libc("socket");
	run_asked(NULL, 1);
	return 0;
}

static int bound(int type, struct sockaddr_in *to)
{
	socklen_t len = sizeof(*to);
	struct bench_end any;
	int fd = make(type);

	bench_loopback(&any, AF_INET, 0);
	if (bind(fd, &any.sa, any.len) ||
	    getsockname(fd, (struct sockaddr *)to, &len))
		bench_die("bind");
	return fd;
}

static long open_both(long unused)
{
	(void)unused;
	skel = bound(SKEL, &to_skel);
	cop = bound(SOCK_COP, &to_cop);
	return 0;
}

static long open_udp(long unused)
{
	(void)unused;
	udp = bound(SOCK_DGRAM, &to_udp);
	return 0;
}

static long first_ns(long type)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	make(type);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
	       from.tv_nsec;
}

/* ---- measuring ---------------------------------------------------------------- */

static void refused(const char *name, const char *dirs)
{
	static const struct bench_goal goal = { .ratio = 1.05 };
	struct bench_result res = { 0 };
	struct bench_side ours = { .op = &asked }, libc = { .op = &libcs };

	if (dirs)
		setenv("COP_MODULES", dirs, 1);
	else
		unsetenv("COP_MODULES");
	ours.peer = libc.peer = bench_peer_start("peer", bench_lib());
	bench_peer_call(ours.peer, find_libc, 0);
	bench_rounds(&res, &ours, &libc, 250, 4);
	bench_peer_stop(ours.peer);
	bench_report(name, &res, &goal);
}

static void pair(const char *name, const struct bench_side *ours,
		 const struct bench_side *other, double ratio)
{
	const struct bench_goal goal = { .ratio = ratio };
	struct bench_result res = { 0 };

	bench_rounds(&res, ours, other, 100, 4);
	bench_report(name, &res, &goal);
}

static void sockets_and_datagrams(void)
{
	struct bench_peer *with, *without;

	setenv("COP_MODULES", modules, 1);
	with = bench_peer_start("peer", bench_lib());
	without = bench_peer_start("peer", NULL);
	bench_peer_call(with, open_both, 0);
	bench_peer_call(without, open_udp, 0);
	bench_title("ns", "skeleton", "COP");
	pair("socket + close", &(struct bench_side){ &skel_socket, with },
	     &(struct bench_side){ &cop_socket, with }, 1.05);
	pair("sendto + recvfrom, 64 bytes",
	     &(struct bench_side){ &skel_data, with },
	     &(struct bench_side){ &cop_data, with }, 1.02);
	bench_title("ns", "skeleton", "UDP");
	pair("sendto + recvfrom, 64 bytes",
	     &(struct bench_side){ &skel_data, with },
	     &(struct bench_side){ &udp_data, without }, 0);
	bench_peer_stop(with);
	bench_peer_stop(without);
}

static int compare(const void *a, const void *b)
{
	const long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* In a new process each time. */
static void first(const char *name, int type)
{
	long ns[FIRSTS];

	for (int i = 0; i < FIRSTS; i++) {
		struct bench_peer *peer = bench_peer_start("peer", bench_lib());

		ns[i] = bench_peer_call(peer, first_ns, type);
		bench_peer_stop(peer);
	}
	qsort(ns, FIRSTS, sizeof(*ns), compare);
	bench_figure(name, ns[FIRSTS / 2] / 1e3, "us", 0);
}

static void run_start(void *env, unsigned int n)
{
	char *argv[] = { PROGRAM, NULL };
	int status;
	pid_t pid;

	while (n--)
		if (posix_spawn(&pid, PROGRAM, NULL, NULL, argv, env) ||
		    waitpid(pid, &status, 0) != pid || status)
			bench_die(PROGRAM);
}

/* The other side has a variable of the same length, which nobody reads. */
static void start(void)
{
	static char preload[512], dirs[512], other[512];
	char *with[] = { preload, dirs, NULL };
	char *without[] = { preload, other, NULL };
	struct bench_op a = { .run = run_start, .arg = with, .n = 1 };
	struct bench_op b = { .run = run_start, .arg = without, .n = 1 };
	struct bench_side ours = { .op = &a }, plain = { .op = &b };
	const struct bench_goal goal = { .ratio = 1.02 };
	struct bench_result res = { 0 };

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", bench_lib());
	snprintf(dirs, sizeof(dirs), "COP_MODULES=%s", empty);
	snprintf(other, sizeof(other), "OTHER_THING=%s", empty);
	bench_title("ns to run " PROGRAM, "COP_MODULES", "without");
	bench_rounds(&res, &ours, &plain, 400, 2);
	bench_report("four directories", &res, &goal);
}

static char scratch[] = "/tmp/cop-bench-XXXXXX";

static void for_each_empty(int (*fn)(const char *dir))
{
	char dir[64];

	for (int i = 0; i < 4; i++) {
		snprintf(dir, sizeof(dir), "%s/%d", scratch, i);
		fn(dir);
	}
}

static int make_empty(const char *dir)
{
	const size_t at = strlen(empty);

	snprintf(empty + at, sizeof(empty) - at, "%s%s", at ? ":" : "", dir);
	if (mkdir(dir, 0755))
		bench_die(dir);
	return 0;
}

int main(void)
{
	modules = getenv("COP_BENCH_MODULES");
	bench_begin("modules");
	if (bench_peer_role())
		bench_peer_serve();
	if (!modules || !mkdtemp(scratch))
		bench_die("COP_BENCH_MODULES");
	for_each_empty(make_empty);
	bench_title("ns for a socket() that fails", "library", "libc");
	refused("no module, COP_MODULES not set", NULL);
	refused("no module, four directories", empty);
	sockets_and_datagrams();
	bench_title("the first socket() of a process", "", NULL);
	first("skeleton, with its loading", SKEL);
	first("COP", SOCK_COP);
	start();
	for_each_empty(rmdir);
	rmdir(scratch);
	return 0;
}
