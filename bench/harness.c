// SPDX-License-Identifier: MIT
/*
 * harness.c - compares two ways to do the same work.
 *
 * A peer is the same program in another process. A pipe tells it the address of
 * the function to measure. Both processes run the same file, so an address
 * minus the program's load address means the same in both.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define SAMPLES_MAX 4096
#define CLOCK_TRIES 1001

extern char **environ;

static const char *bench_name;
static const char *table_title = "";
static double clock_cost;

void bench_die(const char *what)
{
	fprintf(stderr, "bench_%s: ", bench_name);
	perror(what);
	exit(1);
}

/* ---- work that is measured --------------------------------------------------- */

void bench_sendto(void *pair, unsigned int n)
{
	static unsigned char out[BENCH_PAYLOAD_MAX], in[BENCH_PAYLOAD_MAX];
	const struct bench_pair *p = pair;
	struct sockaddr_in6 from;

	while (n--) {
		socklen_t alen = sizeof(from);

		bench_expect(p->sendto(p->tx, out, p->len, 0, &p->to.sa,
				       p->to.len),
			     p->len);
		bench_expect(p->recvfrom(p->rx, in, sizeof(in), 0,
					 (struct sockaddr *)&from, &alen),
			     p->len);
	}
}

/* ---- statistics ----------------------------------------------------------- */

static void vec_add(struct bench_vec *vec, double value)
{
	if (vec->n == vec->room) {
		vec->room = vec->room ? 2 * vec->room : 1024;
		vec->v = realloc(vec->v, vec->room * sizeof(*vec->v));
		if (!vec->v)
			bench_die("realloc");
	}
	vec->v[vec->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), compare);
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

/* The array must be sorted. */
static double percentile(const double *v, size_t n, double p)
{
	return n ? v[(size_t)(p * (n - 1))] : 0;
}

/* ---- time ------------------------------------------------------------------ */

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/*
 * Measures a sample that does nothing; its time is subtracted from all others.
 */
static double measure_clock(void)
{
	double v[CLOCK_TRIES];

	for (int i = 0; i < CLOCK_TRIES; i++) {
		double start = now_ns();

		v[i] = now_ns() - start;
	}
	return median(v, CLOCK_TRIES);
}

static void sample_here(const struct bench_op *op, double *ns, unsigned int n)
{
	double start;

	for (unsigned int i = 0; i < n; i++) {
		if (op->before)
			op->before(op->arg);
		start = now_ns();
		op->run(op->arg, op->n);
		ns[i] = (now_ns() - start - clock_cost) / op->n;
		if (op->after)
			op->after(op->arg);
	}
}

/* ---- start ------------------------------------------------------------------ */

static int cpu_choose(void)
{
	const char *wanted = getenv("BENCH_CPU");
	cpu_set_t cpus;
	int cpu;

	if (wanted)
		return atoi(wanted);
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return 0;
	for (cpu = CPU_SETSIZE - 1; cpu > 0; cpu--)
		if (CPU_ISSET(cpu, &cpus))
			break;
	return cpu;
}

void bench_begin(const char *name)
{
	cpu_set_t cpus;

	bench_name = name;
	CPU_ZERO(&cpus);
	CPU_SET(cpu_choose(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	clock_cost = measure_clock();
	setvbuf(stdout, NULL, _IOLBF, 0);
}

const char *bench_lib(void)
{
	const char *lib = getenv("COP_LIB");

	if (lib && *lib == '/')
		return lib;
	fprintf(stderr, "bench_%s: COP_LIB is to be libcop.so's whole path\n",
		bench_name);
	exit(1);
}

void bench_preload(char **argv)
{
	const char *loaded = getenv("LD_PRELOAD");

	if (loaded && !strcmp(loaded, bench_lib()))
		return;
	setenv("LD_PRELOAD", bench_lib(), 1);
	execv("/proc/self/exe", argv);
	bench_die("/proc/self/exe");
}

void *bench_libc(const char *name)
{
	static void *libc;
	void *sym;

	if (!libc)
		libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	sym = libc ? dlsym(libc, name) : NULL;
	if (!sym)
		bench_die(name);
	return sym;
}

/* ---- families --------------------------------------------------------------- */

const struct bench_family bench_families[BENCH_FAMILIES] = {
	{ AF_INET, "IPv4", "UDP" },
	{ AF_INET6, "IPv6", "UDPv6" },
};

bool bench_has(const struct bench_family *family)
{
	const char *wanted = getenv("BENCH_FAMILY");
	struct bench_end end;
	int fd, err;

	if (wanted && *wanted && strcmp(wanted, family->name))
		return false;
	fd = socket(family->family, SOCK_DGRAM, 0);
	bench_loopback(&end, family->family, 0);
	err = fd < 0 || bind(fd, &end.sa, end.len);
	if (fd >= 0)
		close(fd);
	return !err;
}

void bench_any(struct bench_end *end, int family, int port)
{
	memset(end, 0, sizeof(*end));
	end->sa.sa_family = family;
	if (family == AF_INET) {
		end->len = sizeof(end->in);
		end->in.sin_port = htons(port);
	} else {
		end->len = sizeof(end->in6);
		end->in6.sin6_port = htons(port);
	}
}

void bench_loopback(struct bench_end *end, int family, int port)
{
	bench_any(end, family, port);
	if (family == AF_INET)
		end->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		end->in6.sin6_addr = in6addr_loopback;
}

int bench_bound(int family, int type, int protocol, struct bench_end *end)
{
	int fd = socket(family, type, protocol);

	bench_loopback(end, family, 0);
	if (fd < 0 || bind(fd, &end->sa, end->len) ||
	    getsockname(fd, &end->sa, &end->len))
		bench_die("a bound socket");
	return fd;
}

void bench_each_family(void (*run)(const struct bench_family *family))
{
	for (size_t f = 0; f < BENCH_FAMILIES; f++)
		if (bench_has(&bench_families[f]))
			run(&bench_families[f]);
}

/* ---- peers ------------------------------------------------------------------ */

struct bench_peer {
	pid_t pid;
	int in, out; /* pipes from the peer, to the peer */
};

/* A request to a peer: measure an op, or call a function. */
struct order {
	uintptr_t op;	/* address minus the load address; 0: a call */
	uintptr_t fn;	/* address minus the load address, for a call */
	long arg;	/* the call's argument */
	unsigned int n; /* how many samples */
};

#define PEER_IN	 198
#define PEER_OUT 199

/* Any address in the program can serve as its load address. */
static uintptr_t here(const void *p)
{
	return (uintptr_t)p - (uintptr_t)&bench_name;
}

static void *there(uintptr_t offset)
{
	return (void *)(offset + (uintptr_t)&bench_name);
}

static void write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = write(fd, p, len);
		if (n <= 0)
			bench_die("a peer has ended: write");
	}
}

static void read_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = read(fd, p, len);
		if (n <= 0)
			bench_die("a peer has ended: read");
	}
}

static pid_t peer_spawn(int in, int out)
{
	posix_spawn_file_actions_t fa;
	char *argv[] = { "/proc/self/exe", NULL };
	pid_t pid;
	int err;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, PEER_IN);
	posix_spawn_file_actions_adddup2(&fa, out, PEER_OUT);
	err = posix_spawn(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (err) {
		errno = err;
		bench_die("posix_spawn");
	}
	return pid;
}

struct bench_peer *bench_peer_start(const char *role, const char *preload)
{
	struct bench_peer *peer = calloc(1, sizeof(*peer));
	int to[2], from[2];

	if (!peer || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bench_die("pipe");
	setenv("BENCH_ROLE", role, 1);
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	else
		unsetenv("LD_PRELOAD");
	peer->pid = peer_spawn(to[0], from[1]);
	unsetenv("LD_PRELOAD");
	unsetenv("BENCH_ROLE");
	close(to[0]);
	close(from[1]);
	peer->in = from[0];
	peer->out = to[1];
	return peer;
}

long bench_peer_call(struct bench_peer *peer, long (*fn)(long arg), long arg)
{
	struct order order = { .fn = here((const void *)fn), .arg = arg };
	long ret;

	write_all(peer->out, &order, sizeof(order));
	read_all(peer->in, &ret, sizeof(ret));
	return ret;
}

void bench_peer_stop(struct bench_peer *peer)
{
	close(peer->out);
	close(peer->in);
	waitpid(peer->pid, NULL, 0);
	free(peer);
}

const char *bench_peer_role(void)
{
	return getenv("BENCH_ROLE");
}

void bench_peer_serve(void)
{
	double ns[SAMPLES_MAX];
	struct order order;

	signal(SIGPIPE, SIG_DFL);
	while (read(PEER_IN, &order, sizeof(order)) == sizeof(order)) {
		if (order.op) {
			sample_here(there(order.op), ns, order.n);
			write_all(PEER_OUT, ns, order.n * sizeof(*ns));
		} else {
			long (*fn)(long) = (long (*)(long))there(order.fn);
			long ret = fn(order.arg);

			write_all(PEER_OUT, &ret, sizeof(ret));
		}
	}
	exit(0);
}

/* ---- measuring --------------------------------------------------------------- */

static void sample(const struct bench_side *side, double *ns, unsigned int n)
{
	struct order order = { .op = here(side->op), .n = n };

	if (!side->peer) {
		sample_here(side->op, ns, n);
		return;
	}
	write_all(side->peer->out, &order, sizeof(order));
	read_all(side->peer->in, ns, n * sizeof(*ns));
}

static void keep(struct bench_vec *vec, const double *ns, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		vec_add(vec, ns[i]);
}

static void one_round(struct bench_result *res, const struct bench_side *a,
		      const struct bench_side *b, unsigned int n)
{
	static double ours[SAMPLES_MAX], kernel[SAMPLES_MAX];
	double x, y;

	sample(a, ours, n);
	if (b) {
		sample(b, kernel, n);
		sample(b, kernel + n, n);
	}
	sample(a, ours + n, n);
	keep(&res->ours, ours, 2 * n);
	res->iterations += 2ul * n * a->op->n;
	if (!b)
		return;
	keep(&res->kernel, kernel, 2 * n);
	x = median(ours, 2 * n);
	y = median(kernel, 2 * n);
	vec_add(&res->ratio, x / y);
	vec_add(&res->diff, x - y);
}

/* The first round only warms the caches up; it does not count. */
void bench_rounds(struct bench_result *res, const struct bench_side *ours,
		  const struct bench_side *kernel, unsigned int rounds,
		  unsigned int samples)
{
	struct bench_result warm = { 0 };

	one_round(&warm, ours, kernel, samples);
	free(warm.ours.v);
	free(warm.kernel.v);
	free(warm.ratio.v);
	free(warm.diff.v);
	for (unsigned int i = 0; i < rounds; i++)
		one_round(res, ours, kernel, samples);
}

/* ---- reporting ---------------------------------------------------------------- */

void bench_title(const char *title, const char *ours, const char *kernel)
{
	table_title = title;
	printf("\n%s: %s\n", bench_name, title);
	printf("%-34s %9s %10s %10s %10s %10s %7s  %s\n", "", "iterations",
	       ours, "p99", kernel ? kernel : "", kernel ? "p99" : "",
	       kernel ? "ratio" : "", "goal");
}

static bool goal_met(const struct bench_goal *goal, double ns, double ratio,
		     double diff)
{
	return (!goal->ratio || ratio <= goal->ratio) &&
	       (!goal->diff || diff <= goal->diff) &&
	       (!goal->ns || ns <= goal->ns);
}

static void print_goal(const struct bench_goal *goal, bool met, double diff)
{
	if (goal->ratio)
		printf("  <= %.4g", goal->ratio);
	if (goal->diff)
		printf("  %+.1f us, <= %.0f", diff / 1e3, goal->diff / 1e3);
	if (goal->ns)
		printf("  <= %.0f ns", goal->ns);
	if ((goal->ratio || goal->diff || goal->ns) && !met)
		printf("  MISSED");
}

static FILE *json_open(void)
{
	const char *path = getenv("BENCH_JSON");

	return path && *path ? fopen(path, "ae") : NULL;
}

static void json_report(const char *name, const struct bench_result *res,
			double ns, double kernel, double ratio, bool met)
{
	FILE *f = json_open();

	if (!f)
		return;
	fprintf(f,
		"{\"bench\":\"%s\",\"table\":\"%s\",\"name\":\"%s\","
		"\"iterations\":%zu,\"ns_median\":%.1f,\"ns_p99\":%.1f",
		bench_name, table_title, name, res->iterations, ns,
		percentile(res->ours.v, res->ours.n, .99));
	if (res->kernel.n)
		fprintf(f,
			",\"kernel_ns_median\":%.1f,\"kernel_ns_p99\":%.1f,"
			"\"ratio\":%.4f",
			kernel, percentile(res->kernel.v, res->kernel.n, .99),
			ratio);
	fprintf(f, ",\"goal_met\":%s}\n", met ? "true" : "false");
	fclose(f);
}

void bench_report(const char *name, struct bench_result *res,
		  const struct bench_goal *goal)
{
	static const struct bench_goal none;
	double ns = median(res->ours.v, res->ours.n);
	double kernel = median(res->kernel.v, res->kernel.n);
	double ratio = median(res->ratio.v, res->ratio.n);
	double diff = median(res->diff.v, res->diff.n);
	bool met = goal_met(goal ? goal : &none, ns, ratio, diff);

	printf("%-34s %9zu %10.1f %10.1f", name, res->iterations, ns,
	       percentile(res->ours.v, res->ours.n, .99));
	if (res->kernel.n)
		printf(" %10.1f %10.1f %7.3f", kernel,
		       percentile(res->kernel.v, res->kernel.n, .99), ratio);
	else
		printf(" %10s %10s %7s", "", "", "");
	print_goal(goal ? goal : &none, met, diff);
	putchar('\n');
	json_report(name, res, ns, kernel, ratio, met);
	free(res->ours.v);
	free(res->kernel.v);
	free(res->ratio.v);
	free(res->diff.v);
	memset(res, 0, sizeof(*res));
}

void bench_figure(const char *name, double value, const char *unit,
		  double limit)
{
	bool met = !limit || value <= limit;
	FILE *f = json_open();

	printf("%-58s %10.0f %s", name, value, unit);
	if (limit)
		printf("  <= %.0f%s", limit, met ? "" : "  MISSED");
	putchar('\n');
	if (!f)
		return;
	fprintf(f,
		"{\"bench\":\"%s\",\"name\":\"%s\",\"value\":%.0f,"
		"\"unit\":\"%s\",\"goal_met\":%s}\n",
		bench_name, name, value, unit, met ? "true" : "false");
	fclose(f);
}

void bench_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}
