// SPDX-License-Identifier: MIT
/*
 * supervise.c - runs work that may never end in a child process, the worker,
 * and watches it.
 *
 * A read from another process may wait for that process, and then the reader
 * can't even be killed: it may wait for a page of a file that the process
 * itself serves (FUSE), or for a lock on the process's memory. So a worker
 * reads, and is left behind if it waits. It has two pipes and no other
 * descriptor of its parent, so a reader of cop's output does not wait for a
 * worker that was left behind. A worker that works without end is given up as
 * well.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "command.h"
#include "lines.h"
#include "say.h"
#include "supervise.h"

#define PATIENT 8 /* so many are given up with patience, then in a hurry */
#define OUTSIDE 4 /* times the patience outside a process */

struct worker {
	pid_t pid;
	struct lines out, err; /* its two pipes */
	int beats;
	int64_t silent_us; /* time since the last progress */
	int64_t busy_us;   /* its processor time at the last progress */
};

static struct progress *progress; /* NULL: there is no worker */
static const struct limits *limits;
static int64_t reading_us; /* time of this reading, by all its workers */
static int readings;

/* ---- in a worker --------------------------------------------------------- */

void supervise_beat(void)
{
	if (progress)
		atomic_fetch_add(&progress->beats, 1);
}

/*
 * The kernel ends a worker that uses the processor for longer than a reading
 * may take, even if its supervisor is stopped. The user's own limit may be
 * lower.
 */
static void limit_processor_time(void)
{
	static rlim_t own;
	struct timespec used;
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit))
		return;
	if (!own)
		own = limit.rlim_cur;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	limit.rlim_cur = used.tv_sec + limits->reading / 1000 + 1;
	if (limit.rlim_cur > own)
		limit.rlim_cur = own;
	setrlimit(RLIMIT_CPU, &limit);
}

void supervise_begin(void)
{
	atomic_store(&progress->is_paused, false);
	limit_processor_time();
}

void supervise_pause(void)
{
	atomic_fetch_add(&progress->readings, 1);
	atomic_store(&progress->is_paused, true);
}

/* The parent may have ended before prctl(). */
static void become_worker(pid_t parent, int out, int err)
{
	int null = open("/dev/null", O_RDWR);
	struct rlimit no_core = { 0, 0 };
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_USAGE);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGXCPU, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGXCPU);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ * 8);
}

/* ---- starting a worker --------------------------------------------------- */

/* Also takes leave of workers that were given up and have ended since. */
static bool start(struct worker *w, int (*work)(void *, struct progress *),
		  void *arg)
{
	pid_t self = getpid();
	int out[2], err[2], status;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	atomic_store(&progress->is_paused, false);
	if (pipe2(out, O_CLOEXEC))
		return false;
	if (pipe2(err, O_CLOEXEC))
		goto out_close_out;
	w->pid = fork();
	if (w->pid < 0)
		goto out_close_err;
	if (!w->pid) {
		become_worker(self, out[1], err[1]);
		close(out[0]);
		close(err[0]);
		close(out[1]);
		close(err[1]);
		status = work(arg, progress);
		fflush(stdout);
		_exit(status);
	}
	close(out[1]);
	close(err[1]);
	w->out.from = out[0];
	w->err.from = err[0];
	w->silent_us = w->busy_us = 0;
	return true;

out_close_err:
	close(err[0]);
	close(err[1]);
out_close_out:
	close(out[0]);
	close(out[1]);
	return false;
}

static void look_at_terminal(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	bool is_terminal = isatty(STDOUT_FILENO);

	if (is_terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	atomic_store(&progress->rows, is_terminal ? size.ws_row : 0);
	atomic_store(&progress->columns, is_terminal ? size.ws_col : 0);
}

/* ---- whether it still works ---------------------------------------------- */

static int patience(void)
{
	return progress->n_skipped < PATIENT ? limits->patience : limits->hurry;
}

static void pass_time(struct worker *w, int64_t us)
{
	int beats = atomic_load(&progress->beats);
	int ended = atomic_load(&progress->readings);

	reading_us += us;
	w->silent_us += us;
	if (atomic_load(&progress->is_paused) || ended != readings)
		reading_us = 0;
	else if (beats == w->beats)
		return;
	readings = ended;
	w->beats = beats;
	w->silent_us = 0;
	w->busy_us = child_busy_us(w->pid);
}

/* A worker can't be busy for longer than it is silent. */
static bool is_stuck(const struct worker *w)
{
	int ms = atomic_load(&progress->at) ? patience()
					    : OUTSIDE * limits->patience;

	if (w->silent_us >= (int64_t)limits->busy * 1000 &&
	    child_busy_us(w->pid) - w->busy_us >= (int64_t)limits->busy * 1000)
		return true;
	return w->silent_us >= (int64_t)ms * 1000 && child_sleeps(w->pid);
}

/* ---- watching it --------------------------------------------------------- */

enum end { ENDED, STUCK, LATE, UNHEARD };

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*
 * Waits for output of the worker. If it takes much longer than this has asked
 * for, then this process was stopped, and so was the worker, perhaps.
 */
static int wait_for_output(struct worker *w, struct pollfd fds[2])
{
	int ms = patience() / 5 + 1, n;
	int64_t before = now_us(), us;

	fds[0] = (struct pollfd){ w->out.from, POLLIN, 0 };
	fds[1] = (struct pollfd){ w->err.from, POLLIN, 0 };
	n = poll(fds, 2, ms);
	us = now_us() - before;
	pass_time(w, us < 2000 * ms ? us : 2000 * ms);
	return n;
}

/* Nobody will read from the pipe, or look at the terminal. */
static bool is_deserted(int fd)
{
	struct pollfd pollfd = { fd, 0, 0 };

	return poll(&pollfd, 1, 0) > 0 &&
	       (pollfd.revents & (POLLERR | POLLHUP));
}

/* Returns ENDED if the worker goes on. */
static enum end look_at(const struct worker *w)
{
	look_at_terminal();
	if (is_deserted(STDOUT_FILENO)) {
		raise(SIGPIPE);
		errno = EPIPE;
		return UNHEARD;
	}
	return is_stuck(w) ? STUCK : ENDED;
}

/*
 * Watches until the worker ends or is stuck, or nobody reads the output any
 * more.
 */
static enum end attend(struct worker *w)
{
	struct pollfd fds[2];
	enum end end = ENDED;

	while (!end && (w->out.from >= 0 || w->err.from >= 0)) {
		int n = wait_for_output(w, fds);

		if (reading_us >= (int64_t)limits->reading * 1000)
			return LATE;
		if (n <= 0)
			end = look_at(w);
		else if (fds[0].revents && !lines_relay(&w->out, STDOUT_FILENO))
			end = UNHEARD;
		else if (fds[1].revents)
			lines_relay(&w->err, STDERR_FILENO);
	}
	return end;
}

/* ---- its end ------------------------------------------------------------- */

/*
 * A worker that can't be killed stays; it holds nothing that its parent needs.
 */
static void give_up(struct worker *w)
{
	kill(w->pid, SIGKILL);
	lines_drop(&w->out);
	lines_drop(&w->err);
}

/* Returns whether there was a process that the worker was stuck with. */
static bool skip(void)
{
	struct target t = { .pid = atomic_load(&progress->at) };

	if (!t.pid)
		return false;
	atomic_store(&progress->at, 0);
	progress->skipped[progress->n_skipped++ % SKIPPED_MAX] = t.pid;
	progress->after = t.pid;
	if (!target_open(&t, t.pid)) {
		target_name(&t);
		target_close(&t);
	}
	refused_add(&progress->refused.stuck, &t);
	return true;
}

/*
 * The next worker goes on behind the process that this one was stuck with, or
 * it only reports. Returns whether there is a status instead, because the
 * worker that reports was given up.
 */
static bool replace(struct worker *w, enum end end, int *status)
{
	bool was_over = progress->is_over;
	int report = OUTSIDE * limits->patience;

	give_up(w);
	if (!skip() || end == LATE) {
		progress->is_over = true;
		reading_us = (int64_t)(limits->reading - report) * 1000;
	}
	if (was_over)
		*status = cop_fail(EXIT_CUT, "stat: the reading did not end");
	return was_over;
}

/*
 * Returns whether there is a status to exit with; if not, the next worker
 * begins.
 */
static bool finish(struct worker *w, enum end end, int *status)
{
	int err = errno;

	if (end == UNHEARD) {
		*status = cop_fail(EXIT_USAGE, "standard output: %s",
				   strerror(err));
		give_up(w);
		return true;
	}
	/* a worker may close its pipes and never end */
	if (end != ENDED ||
	    !child_reap(w->pid, status, OUTSIDE * limits->patience) ||
	    !WIFEXITED(*status))
		return replace(w, end, status);
	*status = WEXITSTATUS(*status);
	if (!lines_finish(&w->out, STDOUT_FILENO))
		*status = cop_fail(EXIT_USAGE, "standard output: %s",
				   strerror(errno));
	lines_finish(&w->err, STDERR_FILENO);
	return true;
}

/* If SIGCHLD is ignored, a child's exit status gets lost. */
int supervise(int (*work)(void *arg, struct progress *p), void *arg,
	      const struct limits *l)
{
	struct worker w = { 0 };
	int status = EXIT_USAGE;

	limits = l;
	signal(SIGCHLD, SIG_DFL);
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return cop_fail(EXIT_USAGE, "%s", strerror(errno));
	progress->is_first = true;
	look_at_terminal();
	do {
		if (!start(&w, work, arg))
			return cop_fail(EXIT_USAGE, "%s", strerror(errno));
	} while (!finish(&w, attend(&w), &status));
	return status;
}
