// SPDX-License-Identifier: MIT
/*
 * bench_bind.c - how long a real socket takes to get its port.
 *
 * Runs in its own network namespace, so that it can fill the ephemeral range.
 * COP sockets of this process fill it, or UDP sockets of another process; for
 * the kernel's UDP, which is measured in this process, too, that makes no
 * difference. For UDP the benchmark calls libc's own functions, past the
 * library.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cop.h"
#include "harness.h"

#define LOW	  32768
#define HIGH	  60999
#define SPARE_FDS 256 /* descriptors that hold no ports */
#define PORT_FILE "/proc/sys/net/ipv4/ip_local_port_range"

struct kind {
	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
	int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
	ssize_t (*sendto)(int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t alen);
	ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
	int (*close)(int fd);
	int type;
	int family;
	int fd;		       /* the socket that is measured */
	struct bench_end addr; /* it binds to this address */
	int sink;	       /* a socket to send to */
	struct bench_end to;   /* the sink's address */
};

static struct kind cop = { .socket = socket,
			   .bind = bind,
			   .connect = connect,
			   .sendto = sendto,
			   .recv = recv,
			   .close = close,
			   .type = SOCK_COP };
static struct kind udp = { .type = SOCK_DGRAM };

/* ---- what is measured ------------------------------------------------------ */

static void open_socket(void *arg)
{
	struct kind *k = arg;

	k->fd = k->socket(k->family, k->type, 0);
	if (k->fd < 0)
		bench_die("socket");
}

static void close_socket(void *arg)
{
	struct kind *k = arg;

	k->close(k->fd);
}

/* A port below the ephemeral range. The two sides never use the same port. */
static int next_port(void)
{
	static unsigned int step;

	step = (step + 7919) % 20000;
	return 10000 + step;
}

static void open_any(void *arg)
{
	struct kind *k = arg;

	open_socket(k);
	bench_any(&k->addr, k->family, next_port());
}

static void open_one(void *arg)
{
	struct kind *k = arg;

	open_socket(k);
	bench_loopback(&k->addr, k->family, next_port());
}

static void open_zero(void *arg)
{
	struct kind *k = arg;

	open_socket(k);
	bench_any(&k->addr, k->family, 0);
}

static void open_one_zero(void *arg)
{
	struct kind *k = arg;

	open_socket(k);
	bench_loopback(&k->addr, k->family, 0);
}

static void run_bind(void *arg, unsigned int n)
{
	struct kind *k = arg;

	(void)n;
	if (k->bind(k->fd, &k->addr.sa, k->addr.len))
		bench_die("bind");
}

static void run_connect(void *arg, unsigned int n)
{
	struct kind *k = arg;

	(void)n;
	if (k->connect(k->fd, &k->to.sa, k->to.len))
		bench_die("connect");
}

static void run_sendto(void *arg, unsigned int n)
{
	struct kind *k = arg;

	(void)n;
	if (k->sendto(k->fd, "x", 1, 0, &k->to.sa, k->to.len) != 1)
		bench_die("sendto");
}

static void drain_close(void *arg)
{
	struct kind *k = arg;
	char c;

	if (k->recv(k->sink, &c, 1, 0) != 1)
		bench_die("recv");
	close_socket(k);
}

static void choose_zero(void *arg)
{
	struct kind *k = arg;

	bench_any(&k->addr, k->family, 0);
}

static void choose_port(void *arg)
{
	struct kind *k = arg;

	bench_any(&k->addr, k->family, next_port());
}

static void run_whole(void *arg, unsigned int n)
{
	open_socket(arg);
	run_bind(arg, n);
	close_socket(arg);
}

static void compare(const char *name, struct bench_op op,
		    const struct bench_goal *goal)
{
	struct bench_op a = op, b = op;
	struct bench_side ours = { .op = &a }, kernel = { .op = &b };
	struct bench_result res = { 0 };

	a.arg = &cop;
	b.arg = &udp;
	a.n = b.n = 1;
	bench_rounds(&res, &ours, &kernel, 60, 50);
	bench_report(name, &res, goal);
}

/* ---- filling the range ------------------------------------------------------ */

static unsigned int range_low, range_size;
static unsigned int held_count;
static struct {
	unsigned int port; /* ports come in random order, not an allocator's */
	int fd;
} * held;

static void hold_next(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int type = bench_peer_role() ? SOCK_DGRAM : SOCK_COP;
	int fd = socket(AF_INET, type, 0);

	any.sin_port = htons(held[held_count].port);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)))
		bench_die("a socket to hold a port");
	held[held_count++].fd = fd;
}

static void hold(unsigned int wanted)
{
	while (held_count < wanted)
		hold_next();
	while (held_count > wanted)
		close(held[--held_count].fd);
}

static void hold_init(void)
{
	held = calloc(range_size, sizeof(*held));
	if (!held)
		bench_die("calloc");
	for (unsigned int i = 0; i < range_size; i++) {
		unsigned int j = random() % (i + 1);

		held[i].port = held[j].port;
		held[j].port = range_low + i;
	}
}

static long hold_there(long wanted)
{
	hold(wanted);
	return 0;
}

static unsigned int share(double percent)
{
	return range_size * percent / 100;
}

/* ---- tables ----------------------------------------------------------------- */

static void title(const char *what, const struct bench_family *family)
{
	char text[96];

	snprintf(text, sizeof(text), "ns for a call, %s, %s", what,
		 family->name);
	bench_title(text, "COP", family->udp);
}

static void explicit_binds(const struct bench_family *family)
{
	static const struct bench_goal any = { .ratio = 1.10 };
	static const struct bench_goal one = { .diff = 15000 };
	static const struct bench_goal whole = { .ratio = 1.15 };

	title("no other port taken", family);
	compare("bind(p), any address",
		(struct bench_op){ .run = run_bind,
				   .before = open_any,
				   .after = close_socket },
		&any);
	compare("bind(p), one address",
		(struct bench_op){ .run = run_bind,
				   .before = open_one,
				   .after = close_socket },
		&one);
	compare("bind(0), one address",
		(struct bench_op){ .run = run_bind,
				   .before = open_one_zero,
				   .after = close_socket },
		NULL);
	compare("connect, unbound",
		(struct bench_op){ .run = run_connect,
				   .before = open_socket,
				   .after = close_socket },
		NULL);
	compare("sendto, unbound",
		(struct bench_op){ .run = run_sendto,
				   .before = open_socket,
				   .after = drain_close },
		NULL);
	compare("socket + bind(p) + close",
		(struct bench_op){ .run = run_whole, .before = choose_port },
		&whole);
	compare("socket + bind(0) + close",
		(struct bench_op){ .run = run_whole, .before = choose_zero },
		&whole);
}

static void bind_zero(double percent, double goal)
{
	struct bench_goal ratio = { .ratio = goal };
	char name[64];

	snprintf(name, sizeof(name), "bind(0), %g %% taken", percent);
	compare(name,
		(struct bench_op){ .run = run_bind,
				   .before = open_zero,
				   .after = close_socket },
		&ratio);
}

static void held_here(const struct bench_family *family)
{
	static const struct {
		double percent, goal;
	} steps[] = {
		{ 0, 1.15 }, { 50, 0 }, { 90, 1 }, { 99, 1 }, { 99.9, .04 }
	};

	title("random ports taken by this process", family);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		hold(share(steps[i].percent));
		bind_zero(steps[i].percent, steps[i].goal);
	}
	hold(0);
}

static void held_there(const struct bench_family *family)
{
	static const double steps[] = { 50, 90, 99 };
	struct bench_peer *peer = bench_peer_start("holder", NULL);

	title("random ports taken by another process", family);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		bench_peer_call(peer, hold_there, share(steps[i]));
		bind_zero(steps[i], 1.25);
	}
	bench_peer_stop(peer);
}

/* ---- set-up ----------------------------------------------------------------- */

/* Returns how many sockets a process may open for its ports. */
static unsigned int raise_limit(void)
{
	struct rlimit limit = { 65536, 65536 };

	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_max > 65536 ? 65536 : limit.rlim_max;
}

static void shrink_range(unsigned int fds)
{
	unsigned int size = HIGH - LOW + 1;
	int fd = open(PORT_FILE, O_WRONLY);
	char text[32];
	int n;

	if (size > fds - SPARE_FDS)
		size = fds - SPARE_FDS;
	n = snprintf(text, sizeof(text), "%u %u\n", LOW, LOW + size - 1);
	if (fd < 0 || write(fd, text, n) != n)
		bench_die(PORT_FILE);
	close(fd);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		bench_die("lo");
	close(fd);
}

/* Called before the library is loaded, so that it sees this namespace only. */
static void enter_namespace(void)
{
	if (getenv("LD_PRELOAD"))
		return;
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		perror("bench_bind: skipped, no network namespace to be had");
		exit(0);
	}
	loopback_up();
	shrink_range(raise_limit());
}

static void read_range(void)
{
	FILE *f = fopen(PORT_FILE, "re");
	unsigned int high = 0;

	if (!f || fscanf(f, "%u %u", &range_low, &high) != 2)
		bench_die(PORT_FILE);
	fclose(f);
	range_size = high - range_low + 1;
}

static void kind_init(struct kind *k, int family, int port)
{
	k->family = family;
	bench_loopback(&k->to, family, port);
	k->sink = k->socket(family, k->type, 0);
	if (k->sink < 0 || k->bind(k->sink, &k->to.sa, k->to.len))
		bench_die("a socket to send to");
}

static void libc_calls(struct kind *k)
{
	k->socket = bench_libc("socket");
	k->bind = bench_libc("bind");
	k->connect = bench_libc("connect");
	k->sendto = bench_libc("sendto");
	k->recv = bench_libc("recv");
	k->close = bench_libc("close");
}

static void measure_family(const struct bench_family *family, int port)
{
	kind_init(&cop, family->family, port);
	kind_init(&udp, family->family, port + 1);
	explicit_binds(family);
	held_here(family);
	held_there(family);
}

int main(int argc, char **argv)
{
	(void)argc;
	bench_begin("bind");
	if (!bench_peer_role()) {
		enter_namespace();
		bench_preload(argv);
	}
	raise_limit();
	read_range();
	hold_init();
	if (bench_peer_role())
		bench_peer_serve();
	libc_calls(&udp);
	for (int f = 0; f < BENCH_FAMILIES; f++)
		if (bench_has(&bench_families[f]))
			measure_family(&bench_families[f], 5001 + 2 * f);
	bench_note("ephemeral range: %u ports", range_size);
	return 0;
}
