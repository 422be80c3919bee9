// SPDX-License-Identifier: MIT
/*
 * bench_udplite.c - the UDP-Lite of transports/udplite beside the kernel's own, and its
 * checksum beside a copy of the same bytes.
 *
 * The module is loaded when the program starts, so the kernel's sockets come from libc's
 * own socket().
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "transports/udplite/checksum.h"

#define UDPLITE	   136
#define SEND_CSCOV 10

struct calls {
	int (*socket)(int family, int type, int protocol);
	int (*setsockopt)(int fd, int level, int optname, const void *optval,
			  socklen_t optlen);
};

struct pair {
	struct bench_pair way;
	struct calls calls;
};

static struct pair module, kernel;

static unsigned char out[BENCH_PAYLOAD_MAX], in[BENCH_PAYLOAD_MAX];

static int opened(const struct pair *p, int family, bool any,
		  struct bench_end *end)
{
	int fd = p->calls.socket(family, SOCK_DGRAM, UDPLITE);

	if (fd < 0)
		bench_die("a UDP-Lite socket");
	if (any)
		bench_any(end, family, 0);
	else
		bench_loopback(end, family, 0);
	if (bind(fd, &end->sa, end->len) ||
	    getsockname(fd, &end->sa, &end->len))
		bench_die("bind");
	return fd;
}

/* The receiver is at one address, or at all of them. */
static void pair_open(struct pair *p, int family, bool any)
{
	struct bench_end at;
	int port;

	p->way.tx = opened(p, family, any, &at);
	p->way.rx = opened(p, family, any, &p->way.to);
	port = ntohs(p->way.to.in.sin_port);
	bench_loopback(&p->way.to, family, port);
}

static void pair_close(struct pair *p)
{
	close(p->way.tx);
	close(p->way.rx);
}

static void cover(struct pair *p, int coverage)
{
	if (p->calls.setsockopt(p->way.tx, UDPLITE, SEND_CSCOV, &coverage,
				sizeof(coverage)))
		bench_die("UDPLITE_SEND_CSCOV");
}

/* Where a socket has no address, the kernel must say where each datagram was sent to. */
static const struct bench_goal bound_goal = { .ratio = 1.15 };
static const struct bench_goal any_goal = { .ratio = 1.2 };

static void compare(size_t len, int coverage, const char *where,
		    const struct bench_goal *goal)
{
	struct bench_op a = { .run = bench_sendto, .arg = &module, .n = 1 };
	struct bench_op b = { .run = bench_sendto, .arg = &kernel, .n = 1 };
	struct bench_side ours = { .op = &a }, kernels = { .op = &b };
	struct bench_result res = { 0 };
	char name[64];

	module.way.len = kernel.way.len = len;
	cover(&module, coverage);
	cover(&kernel, coverage);
	bench_rounds(&res, &ours, &kernels, 60, 200);
	snprintf(name, sizeof(name), "%zu bytes, %s covered, %s", len,
		 coverage ? "8" : "all", where);
	bench_report(name, &res, goal);
}

static void compare_at(int family, bool any, const char *where)
{
	static const size_t lens[] = { 64, BENCH_PAYLOAD_MAX };

	pair_open(&module, family, any);
	pair_open(&kernel, family, any);
	for (int i = 0; i < 4; i++)
		compare(lens[i / 2], i % 2 ? 8 : 0, where,
			any ? &any_goal : &bound_goal);
	pair_close(&module);
	pair_close(&kernel);
}

static void compare_family(const struct bench_family *family)
{
	char title[64];

	snprintf(title, sizeof(title),
		 "ns for one UDP-Lite datagram sent and received, %s",
		 family->name);
	bench_title(title, "module", "kernel");
	compare_at(family->family, false, "loopback");
	compare_at(family->family, true, "wildcard");
}

/* ---- the checksum ------------------------------------------------------------- */

static bool avx2;
static volatile uint64_t sink;
static size_t sum_len;

static void run_sum(void *arg, unsigned int n)
{
	(void)arg;
	while (n--) {
		__asm__ volatile("" : : "r"(out) : "memory");
		sink = csum_partial(out, sum_len, avx2);
	}
}

static void run_copy(void *arg, unsigned int n)
{
	(void)arg;
	while (n--) {
		__asm__ volatile("" : : "r"(out), "r"(in) : "memory");
		memcpy(in, out, sum_len);
	}
}

static void compare_sums(void)
{
	static const struct bench_goal goal = { .ratio = 2.0 };
	static const size_t lens[] = { 64, 512, BENCH_PAYLOAD_MAX };
	struct bench_op a = { .run = run_sum, .n = 200 };
	struct bench_op b = { .run = run_copy, .n = 200 };
	struct bench_side sum = { .op = &a }, copy = { .op = &b };
	struct bench_result res;
	char name[64];

	avx2 = csum_has_avx2();
	bench_title("ns for a checksum, and for a copy", "sum", "memcpy");
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		res = (struct bench_result){ 0 };
		sum_len = lens[i];
		bench_rounds(&res, &sum, &copy, 60, 50);
		snprintf(name, sizeof(name), "%zu bytes", lens[i]);
		bench_report(name, &res, &goal);
	}
}

static void set_calls(void)
{
	module.calls = (struct calls){ socket, setsockopt };
	module.way.sendto = sendto;
	module.way.recvfrom = recvfrom;
	kernel.calls.socket = bench_libc("socket");
	kernel.calls.setsockopt = bench_libc("setsockopt");
	kernel.way.sendto = bench_libc("sendto");
	kernel.way.recvfrom = bench_libc("recvfrom");
}

/* The module lies below the directory of this program. */
static void load_module(const char *self)
{
	char path[4096];
	const char *slash = strrchr(self, '/');

	snprintf(path, sizeof(path),
		 "%.*s/../modules/net-pf-2-proto-136-type-2.so",
		 slash ? (int)(slash - self) : 1, slash ? self : ".");
	setenv("COP_LOAD", realpath(path, NULL) ?: path, 0);
}

int main(int argc, char **argv)
{
	int fd;

	(void)argc;
	bench_begin("udplite");
	load_module(argv[0]);
	bench_preload(argv);
	set_calls();
	compare_sums();
	fd = kernel.calls.socket(AF_INET, SOCK_DGRAM, UDPLITE);
	if (fd < 0) {
		bench_note("this kernel has no UDP-Lite to compare with");
		return 0;
	}
	close(fd);
	bench_each_family(compare_family);
	return 0;
}
