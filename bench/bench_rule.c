// SPDX-License-Identifier: MIT
/*
 * bench_rule.c - bind() to port 0 with a transport's own rule for ports, beside COP's.
 *
 * The rule takes the lowest free port of a queue. Another process holds the lowest
 * ones. So the rule would meet them again in each bind, if the library did not remember
 * for a second which ports another process has.
 *
 * Calls the library's functions: a socket without the table of descriptors. Runs in a
 * network namespace of its own, so that no other process holds a port.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cop.h"
#include "cop_port.h"
#include "cop_table.h"
#include "harness.h"
#include "inet/af_inet.h"
#include "inet/kernel.h"
#include "lib/libc.h"
#include "port/port_crowd.h"
#include "port/range.h"
#include "socket/socket.h"

#define SOCK_RULE 9
#define QUEUE	  5
#define HELD	  40 /* ports of another process */
#define GOAL_NS	  10000

struct side {
	int type;
	struct socket *sock;
	int fd;
};

static struct side rule = { .type = SOCK_RULE };
static struct side cop = { .type = SOCK_COP };

/* ---- the transport -------------------------------------------------------- */

static struct module module;

static int lowest_free(struct sock *sk, uint16_t snum)
{
	uint16_t p = 0;

	(void)sk;
	if (snum)
		return module.kernel->claim_port(snum) ? snum : -EADDRINUSE;
	while ((p = module.kernel->next_port(QUEUE, p)))
		if (module.kernel->claim_port(p))
			return p;
	return 0;
}

static struct proto prot = { .name = "RULE",
			     .owner = &module,
			     .get_port = lowest_free };
static struct inet_protosw protosw = { .type = SOCK_RULE,
				       .protocol = 254,
				       .prot = &prot };

static int begin(void)
{
	return module.kernel->proto_register(&prot)
		       ?: module.kernel->inet_register_protosw(&protosw);
}

static struct module module = { .name = "rule", .init = begin };

static void library_init(void)
{
	cop_libc_init();
	inet_init();
	modules_init();
	if (module_begin(&module))
		bench_die("the transport");
	cop_port_refresh();
}

/* ---- what is measured ------------------------------------------------------ */

static void open_side(void *arg)
{
	struct side *s = arg;

	if (sock_create(AF_INET, s->type, 0, &s->sock))
		bench_die("socket");
	s->fd = s->sock->sk->sk_prot->open(s->sock->sk, SOCK_CLOEXEC);
	if (s->fd < 0)
		bench_die("socket");
}

static void close_side(void *arg)
{
	struct side *s = arg;

	close(s->fd);
	fd_drop(s->sock);
}

static void run_bind(void *arg, unsigned int n)
{
	struct side *s = arg;
	struct bench_end any;

	(void)n;
	bench_any(&any, AF_INET, 0);
	if (s->sock->ops->bind(s->sock, s->fd, &any.sa, any.len))
		bench_die("bind");
}

/* As at the beginning of a second. */
static void open_forgetful(void *arg)
{
	open_side(arg);
	cop_port_forget_foreign();
}

static void compare(const char *name, void (*before)(void *arg),
		    const struct bench_goal *goal)
{
	struct bench_op a = { .run = run_bind,
			      .before = before,
			      .after = close_side,
			      .arg = &rule,
			      .n = 1 };
	struct bench_op b = a;
	struct bench_side ours = { .op = &a }, theirs = { .op = &b };
	struct bench_result res = { 0 };

	b.arg = &cop;
	bench_rounds(&res, &ours, &theirs, 40, 50);
	bench_report(name, &res, goal);
}

/* All binds of some seconds: also the ones that find out again who has a port. */
static double mean_of_seconds(int seconds)
{
	struct timespec a, b;
	double ns = 0;
	long n = 0;
	time_t end = time(NULL) + seconds;

	for (; time(NULL) < end; n++) {
		open_side(&rule);
		clock_gettime(CLOCK_MONOTONIC, &a);
		run_bind(&rule, 1);
		clock_gettime(CLOCK_MONOTONIC, &b);
		close_side(&rule);
		ns += (b.tv_sec - a.tv_sec) * 1e9 + b.tv_nsec - a.tv_nsec;
	}
	return ns / n;
}

/* ---- the other process ----------------------------------------------------- */

static long hold_lowest(long wanted)
{
	struct bench_end any;
	uint16_t p = 0;
	int fd;

	while (wanted-- && (p = module.kernel->next_port(QUEUE, p))) {
		bench_any(&any, AF_INET, p);
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd < 0 || bind(fd, &any.sa, any.len))
			bench_die("a socket to hold a port");
	}
	return 0;
}

static void enter_namespace(void)
{
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		perror("bench_rule: skipped, no network namespace to be had");
		exit(0);
	}
}

int main(void)
{
	static const struct bench_goal goal = { .ns = GOAL_NS };
	struct bench_peer *peer;
	char name[64];

	bench_begin("rule");
	if (!bench_peer_role())
		enter_namespace();
	library_init();
	if (bench_peer_role())
		bench_peer_serve();
	bench_title("ns for bind(0), the rule takes the lowest free port",
		    "rule", "COP");
	compare("no port taken", open_side, &goal);
	peer = bench_peer_start("holder", NULL);
	bench_peer_call(peer, hold_lowest, HELD);
	snprintf(name, sizeof(name), "%d lowest taken elsewhere", HELD);
	compare(name, open_side, &goal);
	compare("the first bind of a second", open_forgetful, NULL);
	bench_figure("mean of all binds of 3 seconds", mean_of_seconds(3), "ns",
		     GOAL_NS);
	bench_peer_stop(peer);
	return 0;
}
