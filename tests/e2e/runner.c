// SPDX-License-Identifier: MIT
/*
 * runner.c - run a program with or without libcop and keep what it says.
 *
 * Each program leads a process group, which is killed as a whole when its time
 * is up; nothing that a test starts outlives the test.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define MAX_ARGS 32

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void set_env(bool preload, const char *const extra_env[])
{
	unsetenv("COP_ADOPT");
	unsetenv("COP_STATS");
	unsetenv("COP_DEBUG");
	if (preload)
		setenv("LD_PRELOAD", COP_LIB, 1);
	else
		unsetenv("LD_PRELOAD");
	for (; extra_env && *extra_env; extra_env++) {
		if (strchr(*extra_env, '='))
			putenv((char *)*extra_env);
		else
			unsetenv(*extra_env);
	}
}

/* Only what a program expects to be open is open in it. */
static void set_fds(int in, int out, int err)
{
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	close_range(3, ~0U, 0);
}

static void exec_child(const char *const argv[], bool preload,
		       const char *const extra_env[])
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	set_env(preload, extra_env);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void close_pair(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

int run_start(struct run_child *child, struct run_result *res,
	      const char *const argv[], bool preload,
	      const char *const extra_env[])
{
	int in[2], out[2], err[2];

	memset(child, 0, sizeof(*child));
	res->status = -1;
	res->timed_out = false;
	res->out_len = res->err_len = 0;
	res->out[0] = res->err[0] = '\0';
	if (pipe2(in, O_CLOEXEC))
		return -1;
	if (pipe2(out, O_CLOEXEC))
		goto out_close_in;
	if (pipe2(err, O_CLOEXEC))
		goto out_close_out;

	child->pid = fork();
	if (child->pid < 0)
		goto out_close_err;
	if (!child->pid) {
		set_fds(in[0], out[1], err[1]);
		exec_child(argv, preload, extra_env);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	signal(SIGPIPE, SIG_IGN);
	child->in = in[1];
	child->out = out[0];
	child->err = err[0];
	child->res = res;
	return 0;

out_close_err:
	close_pair(err);
out_close_out:
	close_pair(out);
out_close_in:
	close_pair(in);
	return -1;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Read what there is; at its end the descriptor is closed. */
static void gather(int *fd, char *buf, size_t *len)
{
	char rest[4096];
	bool full = *len == RUN_MAX;
	ssize_t n = read(*fd, full ? rest : buf + *len,
			 full ? sizeof(rest) : RUN_MAX - *len);

	if (n <= 0) {
		close_end(fd);
		return;
	}
	if (!full)
		*len += n;
	buf[*len] = '\0';
}

/* One round of waiting; false when there is nothing more to wait for. */
static bool pump(struct run_child *child, int timeout_ms)
{
	struct run_result *res = child->res;
	struct pollfd pfd[2] = {
		{ .fd = child->out, .events = POLLIN },
		{ .fd = child->err, .events = POLLIN },
	};

	if (timeout_ms < 0 || (child->out < 0 && child->err < 0))
		return false;
	if (poll(pfd, 2, timeout_ms) <= 0)
		return false;
	if (pfd[0].revents)
		gather(&child->out, res->out, &res->out_len);
	if (pfd[1].revents)
		gather(&child->err, res->err, &res->err_len);
	return true;
}

bool run_expect(struct run_child *child, const char *text, int timeout_ms)
{
	struct run_result *res = child->res;
	long end = now_ms() + timeout_ms;

	do {
		if (strstr(res->out, text) || strstr(res->err, text))
			return true;
	} while (pump(child, end - now_ms()));
	return false;
}

bool run_write(struct run_child *child, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(child->in, text, len);

		if (n <= 0)
			return false;
		text += n;
		len -= n;
	}
	return true;
}

/* Closed outputs do not mean that a program has ended, nor the reverse. */
static bool reap(struct run_child *child, int *status, long end)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (;;) {
		if (waitpid(child->pid, status, WNOHANG) == child->pid)
			return true;
		if (now_ms() >= end)
			return false;
		nanosleep(&pause, NULL);
	}
}

int run_finish(struct run_child *child, int timeout_ms)
{
	struct run_result *res = child->res;
	long end = now_ms() + timeout_ms;
	int status = 0;

	close_end(&child->in);
	while (timeout_ms && pump(child, end - now_ms()))
		;
	if (!reap(child, &status, end)) {
		res->timed_out = true;
		kill(-child->pid, SIGKILL);
		kill(child->pid, SIGKILL);
		waitpid(child->pid, &status, 0);
		while (pump(child, 100))
			;
	}
	close_end(&child->out);
	close_end(&child->err);
	res->status = WIFEXITED(status) ? WEXITSTATUS(status)
					: 128 + WTERMSIG(status);
	return res->timed_out ? -1 : res->status;
}

int run(struct run_result *res, const char *const argv[], bool preload,
	const char *const extra_env[])
{
	struct run_child child;

	if (run_start(&child, res, argv, preload, extra_env))
		return -1;
	return run_finish(&child, RUN_TIMEOUT_MS);
}

static int run_prog_env(struct run_result *res, const char *dir,
			const char *name, const char *args, bool preload,
			const char *const env[])
{
	char path[4096], copy[1024], *save = NULL;
	const char *argv[MAX_ARGS + 1] = { path };
	int n = 1;

	snprintf(path, sizeof(path), "%s/tests/%s/%s", COP_BUILD_DIR, dir,
		 name);
	snprintf(copy, sizeof(copy), "%s", args);
	for (char *arg = strtok_r(copy, " ", &save); arg && n < MAX_ARGS;
	     arg = strtok_r(NULL, " ", &save))
		argv[n++] = arg;
	return run(res, argv, preload, env);
}

int run_prog(struct run_result *res, const char *name, const char *args,
	     bool preload)
{
	return run_prog_env(res, "progs", name, args, preload, NULL);
}

void run_expect_no_fault(const struct run_result *res)
{
	static const char *const faults[] = { "refcnt=", "reference too many" };

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		cr_expect_null(strstr(res->err, faults[i]), "%s", res->err);
}

/* Who plays a scenario, and on what. */
struct leg {
	const char *kind; /* the program's first argument */
	bool preload;
	const char *setting[4]; /* of the environment, NULL: no more */
};

static const struct leg udp = { "udp", false, { NULL } };
static const struct leg unadopted = { "udp", true, { NULL } };
static const struct leg cop = { "cop", true, { NULL } };
static const struct leg cop_debug = { "cop", true, { "COP_DEBUG=1" } };
static const struct leg adopted = { "adopted", true, { "COP_ADOPT=udp" } };
static const struct leg adopted_debug = { "adopted",
					  true,
					  { "COP_ADOPT=udp", "COP_DEBUG=1" } };

static const struct leg listed = { "listed", true, { NULL } };

static bool is_debugged(const struct leg *leg)
{
	return leg == &cop_debug || leg == &adopted_debug;
}

/* Each program is there twice: progs/inet6.h. */
struct family {
	const char *name;
	const char *dir;      /* of the programs */
	const char *loopback; /* of the environment, NULL: none */
};

static const struct family inet = { "IPv4", "progs", "PROG_LOOPBACK" };
static const struct family inet6 = { "IPv6", "progs6", "PROG_LOOPBACK" };
static const struct family mapped = { "IPv4 on IPv6", "progs6",
				      "PROG_LOOPBACK=::ffff:127.0.0.1" };

/* Without the right to set it up the new network would be of no use. */
static void loopback_up_or_go_back(int old)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		setns(old, CLONE_NEWNET);
	close(fd);
}

/*
 * The test's own network, where it may have one: many scenarios bind a port again that
 * they have closed, and no other test may take it in between.
 */
static void own_network(void)
{
	static bool done;
	int old;

	if (done)
		return;
	done = true;
	old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (old >= 0 && !unshare(CLONE_NEWNET))
		loopback_up_or_go_back(old);
	close(old);
}

static struct run_result *run_on(const struct leg *leg,
				 const struct family *family, const char *name,
				 const char *what)
{
	const char *const env[] = { family->loopback, leg->setting[0],
				    leg->setting[1],  leg->setting[2],
				    leg->setting[3],  NULL };
	struct run_result *res = malloc(sizeof(*res));
	char args[1024];

	cr_assert_not_null(res);
	own_network();
	snprintf(args, sizeof(args), "%s %s", leg->kind, what);
	run_prog_env(res, family->dir, name, args, leg->preload, env);
	if (res->status == RUN_SKIP)
		cr_skip_test("%s", res->err);
	cr_expect(!res->timed_out, "%s: %s %s: no end", family->name, name,
		  args);
	cr_expect_eq(res->status, 0, "%s: %s %s: exit status %d", family->name,
		     name, args, res->status);
	if (is_debugged(leg))
		run_expect_no_fault(res);
	else
		cr_expect_eq(res->err_len, 0, "%s: %s %s: stderr:\n%s",
			     family->name, name, args, res->err);
	cr_expect_neq(res->out_len, 0, "%s: %s %s: no output", family->name,
		      name, args);
	return res;
}

static const char *next_line(const char *s)
{
	const char *end = strchrnul(s, '\n');

	return *end ? end + 1 : end;
}

/* Line by line, so that a failure shows the call that differs. */
static void expect_same_lines(const struct family *family, const char *name,
			      const char *what, const char *wanted,
			      const struct leg *leg, const char *said)
{
	while (*wanted || *said) {
		const char *wanted_end = next_line(wanted);
		const char *said_end = next_line(said);

		cr_expect(wanted_end - wanted == said_end - said &&
				  !memcmp(wanted, said, said_end - said),
			  "%s %s, %s:\n  udp: %.*s  %s: %.*s", name, what,
			  family->name, (int)(wanted_end - wanted), wanted,
			  leg->kind, (int)(said_end - said), said);
		wanted = wanted_end;
		said = said_end;
	}
}

static void says(const struct leg *leg, const char *name, const char *what,
		 const char *expected)
{
	struct run_result *res = run_on(leg, &inet, name, what);

	cr_expect_str_eq(res->out, expected, "%s: %s %s:\n%s", leg->kind, name,
			 what, res->out);
	free(res);
}

void run_says(const char *name, const char *what, const char *expected)
{
	says(&cop, name, what, expected);
}

void run_adopted_says(const char *name, const char *what, const char *expected)
{
	says(&adopted, name, what, expected);
}

void run_unadopted_says(const char *name, const char *what,
			const char *expected)
{
	says(&unadopted, name, what, expected);
}

void run_listed_says(const char *name, const char *what, const char *expected)
{
	says(&listed, name, what, expected);
}

static void same_of(const struct family *family, const char *name,
		    const char *what, const struct leg *const legs[])
{
	struct run_result *plain = run_on(&udp, family, name, what);

	for (; *legs; legs++) {
		struct run_result *res = run_on(*legs, family, name, what);

		expect_same_lines(family, name, what, plain->out, *legs,
				  res->out);
		free(res);
	}
	free(plain);
}

static bool has_inet6(void)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	bool has = fd >= 0 && !bind(fd, (struct sockaddr *)&addr, sizeof(addr));

	close(fd);
	return has;
}

static void same(const char *name, const char *what,
		 const struct leg *const legs[])
{
	same_of(&inet, name, what, legs);
	if (has_inet6())
		same_of(&inet6, name, what, legs);
}

static const struct leg *const all_legs[] = { &cop, &adopted, NULL };

void run_same(const char *name, const char *what)
{
	same(name, what, all_legs);
}

void run_same_inet(const char *name, const char *what)
{
	same_of(&inet, name, what, all_legs);
}

void run_same_inet6(const char *name, const char *what)
{
	if (!has_inet6())
		cr_skip_test("no IPv6 here");
	same_of(&inet6, name, what, all_legs);
}

void run_same_mapped(const char *name, const char *what)
{
	if (!has_inet6())
		cr_skip_test("no IPv6 here");
	same_of(&mapped, name, what, all_legs);
}

void run_same_without_fault(const char *name, const char *what)
{
	static const struct leg *const legs[] = { &cop_debug, &adopted_debug,
						  NULL };

	same(name, what, legs);
}

void run_same_on_cop(const char *name, const char *what)
{
	static const struct leg *const legs[] = { &cop, NULL };

	same(name, what, legs);
}

static const struct leg *const adopted_legs[] = { &adopted, &unadopted, NULL };

void run_same_adopted(const char *name, const char *what)
{
	same(name, what, adopted_legs);
}

void run_same_adopted_inet(const char *name, const char *what)
{
	same_of(&inet, name, what, adopted_legs);
}

void run_same_listed(const char *name, const char *what)
{
	static const struct leg *const legs[] = { &listed, NULL };

	same(name, what, legs);
}

static const char *modules_in(const char *dir)
{
	static char setting[4096];

	snprintf(setting, sizeof(setting), "COP_MODULES=%s", dir);
	return setting;
}

void run_same_skeleton(const char *name, const char *what, const char *modules)
{
	const struct leg skeleton = { "skeleton",
				      true,
				      { modules_in(modules) } };
	const struct leg *const legs[] = { &skeleton, NULL };

	same(name, what, legs);
}

void run_same_carried(const char *name, const char *what, const char *modules)
{
	const struct leg carried = { "adopted",
				     true,
				     { modules_in(modules), "COP_ADOPT=udp",
				       "COP_TRANSPORT=skeleton" } };
	const struct leg *const legs[] = { &carried, NULL };

	same(name, what, legs);
}

void run_same_listed_carried(const char *name, const char *what,
			     const char *modules)
{
	const struct leg carried = {
		"listed", true, { modules_in(modules), "COP_TRANSPORT=254/8" }
	};
	const struct leg *const legs[] = { &carried, NULL };

	same(name, what, legs);
}

void run_or_skip(const char *const argv[])
{
	struct run_result *res = malloc(sizeof(*res));
	int status;

	cr_assert_not_null(res);
	status = run(res, argv, false, NULL);
	if (status)
		cr_skip_test("%s does not work here (%d): %.200s", argv[0],
			     status, res->err);
	free(res);
}

void run_build(const char *cc, const char *source, const char *out, ...)
{
	char from[4096];
	const char *argv[MAX_ARGS] = { cc,   "-std=gnu11", "-D_GNU_SOURCE",
				       "-g", "-o",	   out,
				       from };
	va_list ap;
	int n = 7;

	snprintf(from, sizeof(from), "%s/e2e/progs/%s", COP_TEST_DIR, source);
	va_start(ap, out);
	while (n < MAX_ARGS - 1 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	run_or_skip(argv);
}
