// SPDX-License-Identifier: MIT
/*
 * lib/output.c - writes lines for people: to the standard error that the
 * program was started with, or to a file. A write never waits and never raises
 * a signal.
 *
 * Owns: which file standard error was, and how many lines were lost. Protected
 * by: written once, when the library starts; an atomic count. Counterpart in
 * the kernel: printk().
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/output.h"

static bool had_stderr;
static dev_t stderr_dev;
static ino64_t stderr_ino;

static _Atomic(uint32_t) lost;

void cop_output_init(void)
{
	struct stat64 st;

	had_stderr = !fstat64(STDERR_FILENO, &st);
	if (!had_stderr)
		return;
	stderr_dev = st.st_dev;
	stderr_ino = st.st_ino;
}

static bool was_stderr(int fd)
{
	struct stat64 st;

	return !fstat64(fd, &st) && st.st_dev == stderr_dev &&
	       st.st_ino == stderr_ino;
}

/*
 * Returns a duplicate, because the program may replace descriptor 2 at any
 * time.
 */
int cop_output_stderr(void)
{
	int fd;

	if (!had_stderr)
		return -EBADF;
	if (cop_confined())
		return STDERR_FILENO;
	fd = cop_libc_result(cop_libc.fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
	if (fd < 0 || was_stderr(fd))
		return fd;
	cop_libc.close(fd);
	return -EBADF;
}

/* Refuses a pipe: its reader would see a writer come and go. */
static bool may_be_opened(const char *path)
{
	struct stat64 st;

	return lstat64(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
}

int cop_output_file(const char *path)
{
	struct stat64 st;
	int fd;

	if (cop_confined())
		return -EPERM;
	if (!may_be_opened(path))
		return -EINVAL;
	fd = cop_libc_result(open64(path,
				    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
					    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
				    0644));
	if (fd < 0 || (!fstat64(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	cop_libc.close(fd);
	return -EINVAL;
}

void cop_output_close(int fd)
{
	if (fd != STDERR_FILENO)
		cop_libc.close(fd);
}

/* ---- one write ----------------------------------------------------------- */

static bool is_writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return cop_libc.poll(&pfd, 1, 0) == 1 && pfd.revents & POLLOUT;
}

static ssize_t write_if_writable(int fd, const char *text, size_t len)
{
	if (!is_writable(fd))
		return -EAGAIN;
	return cop_libc_result(cop_libc.write(fd, text, len));
}

/*
 * Before Linux 6.4 a pipe does not know RWF_NOWAIT: then poll() is asked first.
 */
static ssize_t write_pipe(int fd, const char *text, size_t len)
{
	struct iovec iov = { (void *)text, len };
	ssize_t n = cop_libc_result(
		cop_libc.pwritev64v2(fd, &iov, 1, -1, RWF_NOWAIT));

	return n == -EOPNOTSUPP || n == -EINVAL || n == -ENOSYS
		       ? write_if_writable(fd, text, len)
		       : n;
}

/* Refuses a UDP socket: the text would be a datagram without COP's header. */
static ssize_t write_socket(int fd, const char *text, size_t len)
{
	socklen_t size = sizeof(int);
	int protocol = IPPROTO_UDP;

	cop_libc.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
	if (protocol == IPPROTO_UDP)
		return -ENOTCONN;
	return cop_libc_result(
		cop_libc.send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/*
 * Writes all or nothing: at the limit the kernel would write a part of a line.
 */
static ssize_t write_file(int fd, const char *text, size_t len, off64_t size)
{
	struct rlimit64 limit;

	if (!getrlimit64(RLIMIT_FSIZE, &limit) &&
	    limit.rlim_cur != RLIM64_INFINITY &&
	    size + (off64_t)len > (off64_t)limit.rlim_cur)
		return -EFBIG;
	return cop_libc_result(cop_libc.write(fd, text, len));
}

static ssize_t write_once(int fd, const char *text, size_t len)
{
	struct stat64 st;

	if (cop_confined())
		return cop_libc_result(cop_libc.write(fd, text, len));
	if (fstat64(fd, &st))
		return -errno;
	if (S_ISFIFO(st.st_mode))
		return write_pipe(fd, text, len);
	if (S_ISSOCK(st.st_mode))
		return write_socket(fd, text, len);
	if (S_ISREG(st.st_mode))
		return write_file(fd, text, len, st.st_size);
	return write_if_writable(fd, text, len);
}

/* ---- signals ------------------------------------------------------------- */

/*
 * The signals that a write may raise in this thread. The caller's scratch part
 * blocks them; cop_output_write() takes back the one that its write has raised.
 */
static const int raised[] = { SIGPIPE, SIGXFSZ };

static void raised_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_SIZE(raised); i++)
		sigaddset(set, raised[i]);
}

/*
 * A signal that was pending before is not ours to take: the program blocks it.
 */
static void leave_pending(sigset_t *set)
{
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_SIZE(raised); i++)
		if (sigismember(&pending, raised[i]))
			sigdelset(set, raised[i]);
}

static uint32_t lines_in(const char *text, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

int cop_output_write(int fd, const char *text, size_t len)
{
	static const struct timespec now;
	sigset_t set;
	ssize_t n;

	if (!cop_confined()) {
		raised_set(&set);
		leave_pending(&set);
	}
	n = write_once(fd, text, len);
	if ((n == -EPIPE || n == -EFBIG) && !cop_confined())
		sigtimedwait(&set, NULL, &now);
	if (n == (ssize_t)len)
		return 0;
	atomic_fetch_add(&lost, lines_in(text, len));
	return n < 0 ? n : -EAGAIN;
}

uint32_t cop_output_lost(void)
{
	return READ_ONCE(lost) ? atomic_exchange(&lost, 0) : 0;
}
