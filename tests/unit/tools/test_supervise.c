// SPDX-License-Identifier: MIT
/*
 * test_supervise.c - tools/supervise.c: whatever a worker does, the supervisor
 * comes to an end, and no worker is left.
 *
 * The supervisor runs in a child process of the test. The test is the reaper of
 * its workers, and reads its output from two pipes.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/atomic.h"
#include "tools/supervise.h"

#define AT	 4000001 /* beyond the kernel's numbers of processes, and the next */
#define TEXT_MAX (4 << 20)

/* A busy machine must not make a reading too long. */
static struct limits limits = {
	.patience = 100,
	.hurry = 30,
	.busy = 300,
	.reading = 30000,
};

TestSuite(supervise, .timeout = 60);

/* ---- the supervisor ------------------------------------------------------ */

static pid_t supervisor;
static int out, err;
static char out_text[TEXT_MAX], err_text[4096];
static int status;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void begin(int (*work)(void *, struct progress *))
{
	int outs[2], errs[2];

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	cr_assert_eq(pipe(outs), 0);
	cr_assert_eq(pipe(errs), 0);
	supervisor = fork();
	cr_assert_geq(supervisor, 0);
	if (!supervisor) {
		setpgid(0, 0);
		dup2(outs[1], STDOUT_FILENO);
		dup2(errs[1], STDERR_FILENO);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		_exit(supervise(work, NULL, &limits));
	}
	close(outs[1]);
	close(errs[1]);
	out = outs[0];
	err = errs[0];
}

static void read_all(int fd, char *text, size_t size)
{
	static char rest[1 << 16]; /* what there is no room for */
	size_t len = strlen(text);
	ssize_t n;

	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	if (len == size - 1)
		while (read(fd, rest, sizeof(rest)) > 0)
			;
	close(fd);
}

/* Waits until the supervisor and all its workers have ended. */
static void end(void)
{
	pid_t pid;
	int is;

	while ((pid = waitpid(-1, &is, 0)) > 0)
		if (pid == supervisor)
			status = WIFEXITED(is) ? WEXITSTATUS(is)
					       : 128 + WTERMSIG(is);
}

static void run(int (*work)(void *, struct progress *))
{
	long before = now_ms();

	begin(work);
	read_all(out, out_text, sizeof(out_text));
	read_all(err, err_text, sizeof(err_text));
	end();
	cr_expect_lt(now_ms() - before, 20000);
}

static void expect(int wanted, const char *text)
{
	cr_expect_eq(status, wanted, "%d: %s", status, err_text);
	cr_expect_str_eq(out_text, text);
}

/* ---- what workers do ----------------------------------------------------- */

static void loop(void)
{
	for (volatile int i = 0;; i++)
		;
}

static void loop_with_beats(void)
{
	for (;;)
		supervise_beat();
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void stop(void)
{
	raise(SIGSTOP);
}

static void die(void)
{
	raise(SIGKILL);
}

/* A process that waits for its child of vfork() is in state D. */
__attribute__((unused)) static void wait_in_the_kernel(void)
{
	if (!vfork()) {
		poll(NULL, 0, 2000);
		_exit(0);
	}
}

static void close_output(void)
{
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	sleep_for_ever();
}

static void print(void)
{
	for (;;)
		puts("a line");
}

static void (*misbehave)(void);

/* Two processes are read, and the first one is bad. */
static int read_two(void *arg, struct progress *p)
{
	(void)arg;
	supervise_begin();
	if (p->is_over) {
		printf("over after %d\n", p->after);
		return EXIT_CUT;
	}
	if (p->after < AT) {
		printf("whole\nhal");
		fflush(stdout);
		atomic_store(&p->at, AT);
		misbehave();
		atomic_store(&p->at, 0);
	}
	printf("next after %d\n", p->after);
	return 0;
}

/* The worker does not even begin with a process, and can't report. */
static int read_none(void *arg, struct progress *p)
{
	(void)arg;
	(void)p;
	supervise_begin();
	misbehave();
	return 0;
}

static const struct kind {
	const char *name;
	void (*misbehave)(void);
} kinds[] = {
	{ "loops", loop },
	{ "sleeps", sleep_for_ever },
	{ "is stopped", stop },
	{ "is killed", die },
#ifndef COP_TSAN /* its vfork() does not wait for the child */
	{ "is in state D", wait_in_the_kernel },
#endif
	{ "closes its output", close_output },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* ---- a worker is given up ------------------------------------------------ */

Test(supervise, a_bad_process_does_not_hide_the_next_one)
{
	for (size_t i = 0; i < KINDS; i++) {
		misbehave = kinds[i].misbehave;
		out_text[0] = '\0';
		run(read_two);
		cr_expect_eq(status, 0, "%s: %d", kinds[i].name, status);
		cr_expect_str_eq(out_text, "whole\nnext after 4000001\n",
				 "%s: %s", kinds[i].name, out_text);
	}
}

Test(supervise, a_bad_worker_outside_a_process_ends_the_reading)
{
	for (size_t i = 0; i < KINDS; i++) {
		misbehave = kinds[i].misbehave;
		out_text[0] = err_text[0] = '\0';
		run(read_none);
		expect(EXIT_CUT, "");
		cr_expect_str_eq(err_text,
				 "cop: stat: the reading did not end\n",
				 "%s: %s", kinds[i].name, err_text);
	}
}

Test(supervise, a_reading_ends_though_there_is_progress)
{
	limits.reading = 2000;
	misbehave = loop_with_beats;
	run(read_two);
	expect(EXIT_CUT, "whole\nover after 4000001\n");
}

Test(supervise, a_reading_ends_though_there_is_output)
{
	limits.reading = 2000;
	misbehave = print;
	run(read_none);
	cr_expect_eq(status, EXIT_CUT, "%d", status);
}

/* ---- a worker is not given up -------------------------------------------- */

static int pause_and_go_on(void *arg, struct progress *p)
{
	(void)arg;
	(void)p;
	supervise_begin();
	supervise_pause();
	poll(NULL, 0, limits.reading + 200);
	supervise_begin();
	printf("a line without end");
	return 7;
}

Test(supervise, a_worker_may_pause_between_readings)
{
	limits.reading = 2000;
	run(pause_and_go_on);
	expect(7, "a line without end");
}

static int print_much(void *arg, struct progress *p)
{
	(void)arg;
	supervise_begin();
	atomic_store(&p->at, AT);
	for (int i = 0; i < 100000; i++)
		printf("%06d\n", i);
	return 0;
}

Test(supervise, output_that_nobody_reads_takes_none_of_the_time)
{
	limits.reading = 2000;
	begin(print_much);
	poll(NULL, 0, limits.reading + 500);
	read_all(out, out_text, sizeof(out_text));
	read_all(err, err_text, sizeof(err_text));
	end();
	cr_expect_eq(status, 0, "%d: %s", status, err_text);
	cr_expect_eq(strlen(out_text), 7 * 100000);
}

static int stop_together(void *arg, struct progress *p)
{
	(void)arg;
	supervise_begin();
	atomic_store(&p->at, AT);
	puts("stopped");
	fflush(stdout);
	for (int i = 0; i < 50; i++) {
		poll(NULL, 0, 10);
		supervise_beat();
	}
	puts("continued");
	return 0;
}

/* As a shell does to its job. */
Test(supervise, both_may_be_stopped_for_a_long_time)
{
	pid_t group;

	begin(stop_together);
	group = supervisor; /* begin() has made it a group's leader */
	cr_assert_eq(read(out, out_text, 8), 8);
	kill(-group, SIGSTOP);
	poll(NULL, 0, 6 * limits.patience);
	kill(-group, SIGCONT);
	read_all(out, out_text, sizeof(out_text));
	read_all(err, err_text, sizeof(err_text));
	end();
	expect(0, "stopped\ncontinued\n");
}

static int exit_with_5(void *arg, struct progress *p)
{
	(void)arg;
	(void)p;
	return 5;
}

/* A program inherits from its parent that SIGCHLD is ignored. */
Test(supervise, the_status_arrives_where_sigchld_is_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	begin(exit_with_5);
	signal(SIGCHLD, SIG_DFL);
	read_all(out, out_text, sizeof(out_text));
	read_all(err, err_text, sizeof(err_text));
	end();
	expect(5, "");
}

/* ---- the supervisor ends ------------------------------------------------- */

static int tell_and_misbehave(void *arg, struct progress *p)
{
	(void)arg;
	supervise_begin();
	atomic_store(&p->at, AT);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	misbehave();
	return 0;
}

static pid_t begin_and_get_worker(void)
{
	char text[16] = "";

	begin(tell_and_misbehave);
	cr_assert_gt(read(out, text, sizeof(text) - 1), 0);
	return atoi(text);
}

Test(supervise, a_worker_dies_with_its_supervisor)
{
	static void (*const ways[])(void) = { loop_with_beats, stop,
					      sleep_for_ever };

	for (int i = 0; i < 3; i++) {
		pid_t worker;
		long before;

		misbehave = ways[i];
		worker = begin_and_get_worker();
		kill(supervisor, SIGKILL);
		before = now_ms();
		end();
		cr_expect_lt(now_ms() - before, 5000);
		cr_expect_eq(kill(worker, 0), -1);
		cr_expect_eq(errno, ESRCH);
		close(out);
		close(err);
	}
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strrchr(text, ')') ? strrchr(text, ')')[2] : '\0';
}

/* The supervisor is stopped, so only the kernel can end the worker. */
Test(supervise, a_worker_has_a_limit_of_processor_time)
{
	pid_t worker;
	int i;

	limits.reading = 1000;
	misbehave = loop_with_beats;
	signal(SIGXCPU, SIG_IGN);
	worker = begin_and_get_worker();
	kill(supervisor, SIGSTOP);
	for (i = 0; i < 400 && state_of(worker) != 'Z'; i++)
		poll(NULL, 0, 100);
	cr_expect_eq(state_of(worker), 'Z');
	kill(supervisor, SIGKILL);
	kill(supervisor, SIGCONT);
	end();
}

static int wait_for_next(void *arg, struct progress *p)
{
	(void)arg;
	(void)p;
	supervise_begin();
	supervise_pause();
	puts("first");
	fflush(stdout);
	sleep_for_ever();
	return 0;
}

Test(supervise, it_ends_when_its_reader_has_gone)
{
	begin(wait_for_next);
	cr_assert_eq(read(out, out_text, 6), 6);
	close(out);
	end();
	cr_expect_eq(status, 128 + SIGPIPE, "%d", status);
	close(err);
}
