// SPDX-License-Identifier: MIT
/*
 * interpose/fd.c - the calls that close, duplicate and steer descriptors.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * fs/open.c, fs/file.c and fs/fcntl.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "lib/scratch.h"
#include "cop_table.h"
#include "socket/identify.h"

static int close_ours(int fd)
{
	int cancel = cancel_off();
	struct fd_change change;
	int err;

	fd_change_begin(&change, fd, NULL);
	err = cop_libc_result(cop_libc.close(fd));
	fd_change_end(&change, true);
	cancel_on(cancel);
	return err;
}

static noinline int sys_close(int fd)
{
	int saved = errno;
	int err;

	pthread_testcancel();
	err = close_ours(fd);
	stdio_follow(fd);
	return cop_return(err, saved);
}

EXPORT int close(int fd)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.close(fd);
	return sys_close(fd);
}

static noinline void close_unseen(int fd)
{
	int cancel = cancel_off();

	cop_libc.close(fd);
	cancel_on(cancel);
}

/* Closes the duplicate and returns -errno if the table has no room for it. */
static int install_or_close(int fd, struct socket *sock)
{
	int err = fd_install(fd, sock);

	if (unlikely(err))
		close_unseen(fd);
	return err ? err : fd;
}

/*
 * @fd is a new duplicate, or -1; @sock is its socket, or NULL if it is foreign.
 */
static int dup_install(int fd, struct socket *sock)
{
	int saved = errno;

	if (!sock)
		return foreign_fd(fd);
	if (fd < 0) {
		fd_drop(sock);
		errno = saved;
		return fd;
	}
	return cop_return(stdio_follow(install_or_close(fd, sock)), saved);
}

static noinline int sys_dup(int fd)
{
	struct socket *sock = sockfd_get(fd);

	fd_identify_copied(sock, fd);
	return dup_install(cop_libc.dup(fd), sock);
}

EXPORT int dup(int fd)
{
	if (likely(!any_ours()))
		return cop_libc.dup(fd);
	if (likely(!sockfd_lookup(fd)))
		return foreign_fd(cop_libc.dup(fd));
	return sys_dup(fd);
}

static int next_dup3(int fd, int newfd, int flags, bool is_dup2)
{
	return is_dup2 ? cop_libc.dup2(fd, newfd)
		       : cop_libc.dup3(fd, newfd, flags);
}

/*
 * The kernel closes @newfd and makes it a duplicate in one step. If that step
 * fails, @newfd stays what it was.
 */
static int dup_over(int fd, int newfd, int flags, bool is_dup2)
{
	struct fd_change change;
	struct socket *sock;
	int ret;

	if (flags & ~O_CLOEXEC)
		return cop_libc_result(next_dup3(fd, newfd, flags, is_dup2));
	sock = sockfd_get(fd);
	if (!sock && cop_libc.fcntl(fd, F_GETFD) < 0)
		return cop_libc_result(next_dup3(fd, newfd, flags, is_dup2));
	fd_identify_copied(sock, fd);
	ret = fd_change_begin(&change, newfd, sock);
	if (ret) /* a number beyond the table is beyond the kernel's limit, too */
		return ret == -EMFILE ? -EBADF : ret;
	ret = cop_libc_result(next_dup3(fd, newfd, flags, is_dup2));
	fd_change_end(&change, ret >= 0);
	return ret;
}

static noinline int sys_dup3(int fd, int newfd, int flags, bool is_dup2)
{
	int saved = errno;
	int ret;

	if (fd == newfd)
		return next_dup3(fd, newfd, flags, is_dup2);
	ret = dup_over(fd, newfd, flags, is_dup2);
	if (ret >= 0)
		stdio_follow(newfd);
	return cop_return(ret, saved);
}

EXPORT int dup2(int fd, int newfd)
{
	if (likely(!sockfd_lookup(fd) && !sockfd_lookup(newfd)))
		return cop_libc.dup2(fd, newfd);
	return sys_dup3(fd, newfd, 0, true);
}

EXPORT int dup3(int fd, int newfd, int flags)
{
	if (likely(!sockfd_lookup(fd) && !sockfd_lookup(newfd)))
		return cop_libc.dup3(fd, newfd, flags);
	return sys_dup3(fd, newfd, flags, false);
}

/* The descriptor may be COP's, like one that came in a message. */
EXPORT int pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	int ret = cop_libc.pidfd_getfd(pidfd, fd, flags);
	int err = ret >= 0 ? fd_received(ret) : 0;

	if (unlikely(err)) {
		close_unseen(ret);
		errno = -err;
		return -1;
	}
	return ret;
}

#define CLOSE_CHUNK 64

/* Close [first, last], which holds at most CLOSE_CHUNK descriptors. */
static int close_chunk(unsigned int first, unsigned int last, int flags)
{
	struct fd_change change[CLOSE_CHUNK];
	unsigned int n = last - first + 1;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++)
		fd_change_begin(&change[i], first + i, NULL);
	err = cop_libc_result(cop_libc.close_range(first, last, flags));
	for (i = 0; i < n; i++)
		fd_change_end(&change[i], !err);
	return err;
}

static int close_chunks(unsigned int first, unsigned int last, int flags)
{
	unsigned int max = READ_ONCE(cop_table.max);
	unsigned int end;
	int err = 0;

	while (!err && first <= last && first < max) {
		end = first +
		      min_t(unsigned int, last - first, CLOSE_CHUNK - 1);
		err = close_chunk(first, end, flags);
		first = end + 1;
	}
	if (!err && first <= last)
		err = cop_libc_result(cop_libc.close_range(first, last, flags));
	return err;
}

static int sys_close_range(unsigned int first, unsigned int last, int flags)
{
	int saved = errno;

	if (likely(first >= READ_ONCE(cop_table.max)) || first > last ||
	    flags & CLOSE_RANGE_CLOEXEC)
		return cop_libc.close_range(first, last, flags);
	return cop_return(close_chunks(first, last, flags), saved);
}

/* CLOSE_RANGE_UNSHARE first gives the thread a descriptor table of its own. */
static noinline int sys_close_range_apart(unsigned int first, unsigned int last,
					  int flags)
{
	bool parted;
	int ret;

	cop_scratch_hold();
	parted = cop_process_part();
	ret = sys_close_range(first, last, flags);
	if (ret && parted)
		cop_process_rejoin();
	cop_scratch_release();
	return ret;
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	return flags & CLOSE_RANGE_UNSHARE
		       ? sys_close_range_apart(first, last, flags)
		       : sys_close_range(first, last, flags);
}

/* COP's are closed one by one, because libc closes the rest unseen. */
static noinline void sys_closefrom(unsigned int first)
{
	int saved = errno;

	for (; first < READ_ONCE(cop_table.max); first++) {
		if (sockfd_lookup(first))
			close_ours(first);
	}
	errno = saved;
}

EXPORT void closefrom(int lowfd)
{
	if (any_ours())
		sys_closefrom(lowfd < 0 ? 0 : lowfd);
	cop_libc.closefrom(lowfd);
}

/* Only fcntl()'s commands that duplicate a descriptor concern the table. */
static bool makes_fd(int cmd)
{
	return any_ours() && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC);
}

static noinline int sys_dupfd(int fd, int cmd, long arg)
{
	struct socket *sock = sockfd_get(fd);

	fd_identify_copied(sock, fd);
	return dup_install(cop_libc.fcntl(fd, cmd, arg), sock);
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return makes_fd(cmd) ? sys_dupfd(fd, cmd, arg)
			     : cop_libc.fcntl(fd, cmd, arg);
}

EXPORT int fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return makes_fd(cmd) ? sys_dupfd(fd, cmd, arg)
			     : cop_libc.fcntl64(fd, cmd, arg);
}

EXPORT int __dup2(int fd, int newfd)
{
	return dup2(fd, newfd);
}

ALIAS(close) int __close(int fd);
ALIAS(fcntl) int __fcntl(int fd, int cmd, ...);
