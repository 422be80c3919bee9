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
 * worker that was left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "say.h"
#include "supervise.h"

#define PATIENCE_MS 500 /* how long a worker may make no progress */
#define PATIENT	    8	/* so many times; after that it may wait less */
#define HURRY_MS    50

struct worker {
	pid_t pid;
	int out, err; /* its two pipes; -1: at the end */
	int beats;
	struct timespec heard; /* time of the last progress */
};

static struct progress *progress; /* NULL: there is no worker */

void supervise_beat(void)
{
	if (progress)
		atomic_fetch_add(&progress->beats, 1);
}

/* ---- a worker ------------------------------------------------------------ */

static void become_worker(pid_t parent, int out, int err)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_USAGE);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ * 8);
}

static bool start(struct worker *w, int (*work)(void *, struct progress *),
		  void *arg)
{
	pid_t self = getpid();
	int out[2], err[2], status;

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
	w->out = out[0];
	w->err = err[0];
	clock_gettime(CLOCK_MONOTONIC, &w->heard);
	return true;

out_close_err:
	close(err[0]);
	close(err[1]);
out_close_out:
	close(out[0]);
	close(out[1]);
	return false;
}

/* ---- its output ---------------------------------------------------------- */

static void look_at_terminal(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	bool is_terminal = isatty(STDOUT_FILENO);

	if (is_terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	atomic_store(&progress->rows, is_terminal ? size.ws_row : 0);
	atomic_store(&progress->columns, is_terminal ? size.ws_col : 0);
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
	return true;
}

/* Returns whether it could write the worker's output. */
static bool relay(int *from, int to)
{
	char text[64 * 1024];
	ssize_t n = read(*from, text, sizeof(text));

	if (n > 0)
		return write_all(to, text, n);
	close(*from);
	*from = -1;
	return true;
}

/* ---- whether it still works ---------------------------------------------- */

static long ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

/* A worker that runs, or could run, does not wait: the machine is busy. */
static bool sleeps(pid_t pid)
{
	char path[32], text[256], *state;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	state = strrchr(text, ')');
	return state && (state[2] == 'S' || state[2] == 'D');
}

static int patience_ms(void)
{
	return progress->n_skipped < PATIENT ? PATIENCE_MS : HURRY_MS;
}

static bool is_stuck(struct worker *w)
{
	int beats = atomic_load(&progress->beats);

	if (beats != w->beats || !atomic_load(&progress->at)) {
		w->beats = beats;
		clock_gettime(CLOCK_MONOTONIC, &w->heard);
		return false;
	}
	return ms_since(&w->heard) >= patience_ms() && sleeps(w->pid);
}

/*
 * A worker that can't be killed stays; it holds nothing that its parent needs.
 */
static void give_up(struct worker *w)
{
	kill(w->pid, SIGKILL);
	if (w->out >= 0)
		close(w->out);
	if (w->err >= 0)
		close(w->err);
}

/*
 * Returns whether the next worker can go on, behind the process that is stuck.
 */
static bool skip(void)
{
	struct target t = { .pid = atomic_load(&progress->at) };

	if (!t.pid)
		return false;
	progress->skipped[progress->n_skipped++ % SKIPPED_MAX] = t.pid;
	progress->after = t.pid;
	if (!target_open(&t, t.pid)) {
		target_name(&t);
		target_close(&t);
	}
	refused_add(&progress->refused.stuck, &t);
	return true;
}

/* ---- both ---------------------------------------------------------------- */

enum end { ENDED, STUCK, UNHEARD };

/*
 * Watches until the worker ends or is stuck, or nobody reads the output any
 * more.
 */
static enum end attend(struct worker *w)
{
	while (w->out >= 0 || w->err >= 0) {
		struct pollfd fds[] = { { w->out, POLLIN, 0 },
					{ w->err, POLLIN, 0 } };
		bool is_heard = true;

		if (poll(fds, 2, patience_ms() / 5) <= 0) {
			look_at_terminal();
			if (is_stuck(w))
				return STUCK;
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &w->heard);
		if (fds[0].revents)
			is_heard = relay(&w->out, STDOUT_FILENO);
		if (fds[1].revents)
			relay(&w->err, STDERR_FILENO);
		if (!is_heard)
			return UNHEARD;
	}
	return ENDED;
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
	if (end == STUCK) {
		give_up(w);
		return !skip();
	}
	if (waitpid(w->pid, status, 0) != w->pid)
		*status = 0;
	if (WIFSIGNALED(*status) && skip())
		return false;
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status)
				     : 128 + WTERMSIG(*status);
	return true;
}

int supervise(int (*work)(void *arg, struct progress *p), void *arg)
{
	struct worker w = { 0 };
	int status = EXIT_USAGE;

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
