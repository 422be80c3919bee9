// SPDX-License-Identifier: MIT
/*
 * interpose/splice.c - sendfile and splice. Into a COP socket they send the
 * data of the file or the pipe as one datagram, as they do on UDP. Out of a COP
 * socket they fail as on a file that can't be spliced, because COP's headers
 * would come along.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * do_sendfile() in fs/read_write.c, do_splice() in fs/splice.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "lib/scratch.h"
#include "lib/splice.h"
#include "cop_table.h"
#include "lib/uaccess.h"

static bool is_ours(int fd)
{
	return sockfd_lookup(fd) && !fd_forget_gone(fd);
}

static bool is_pipe(int fd)
{
	struct stat64 st;

	return !fstat64(fd, &st) && S_ISFIFO(st.st_mode);
}

/*
 * Whether the kernel would put datagrams into a pipe, each with COP's header.
 */
static bool shows_headers(int in, int out)
{
	int mode = cop_libc.fcntl(out, F_GETFL) & O_ACCMODE;

	return is_ours(in) && is_pipe(out) && mode != O_RDONLY;
}

/* ---- sendfile ----------------------------------------------------------- */

static bool goes_beyond(off64_t pos, size_t n)
{
	return n > (size_t)(INT64_MAX - pos);
}

/*
 * The kernel checks everything but the data, in a sendfile64() that moves none.
 * It checks for a position that no file has before one that this file does not
 * have.
 */
static ssize_t judge_sendfile(int fd, int in, off64_t *off, size_t n)
{
	ssize_t ret = cop_libc_result(
		cop_libc.sendfile64(fd, in, off, n > SSIZE_MAX ? n : 0));

	return ret == -EOVERFLOW && off && goes_beyond(*off, n) ? -EINVAL : ret;
}

static ssize_t sendfile_through(int fd, int in, off64_t *off, size_t n,
				void *buf)
{
	off64_t pos = off ? *off : lseek64(in, 0, SEEK_CUR);
	ssize_t ret;

	if (pos < 0)
		return -errno;
	if (goes_beyond(pos, n))
		return -EINVAL;
	ret = cop_file_peek(in, pos, buf, min_t(size_t, n, COP_SPLICE_MAX));
	if (ret > 0)
		ret = cop_libc_result(send(fd, buf, ret, 0));
	if (ret > 0 && off)
		*off = pos + ret;
	else if (ret > 0)
		lseek64(in, pos + ret, SEEK_SET);
	return ret;
}

static ssize_t sendfile_from(int fd, int in, off64_t *off, size_t n)
{
	ssize_t ret = judge_sendfile(fd, in, off, n);
	void *buf;

	if (ret < 0 || !n)
		return ret;
	buf = cop_splice_map();
	if (!buf)
		return -ENOBUFS;
	ret = sendfile_through(fd, in, off, n, buf);
	cop_splice_unmap(buf);
	return ret;
}

/* The kernel reads the program's position first of all, and writes it last. */
static ssize_t sock_sendfile(int fd, int in, off64_t *uoff, size_t n)
{
	off64_t off;
	ssize_t ret;

	if (!uoff)
		return sendfile_from(fd, in, NULL, n);
	if (!user_readable(fd, uoff, sizeof(*uoff)))
		return -EFAULT;
	off = *uoff;
	ret = sendfile_from(fd, in, &off, n);
	return copy_to_user(uoff, &off, sizeof(off)) ? -EFAULT : ret;
}

/* sendfile() is no cancellation point; calls that it makes here are. */
static noinline ssize_t sys_sendfile(int out, int in, off64_t *off, size_t n)
{
	int saved = errno;
	int cancel = cancel_off();
	ssize_t ret;

	if (is_ours(out))
		ret = sock_sendfile(out, in, off, n);
	else if (n && !off && shows_headers(in, out))
		ret = -EINVAL;
	else
		ret = cop_libc_result(cop_libc.sendfile64(out, in, off, n));
	cancel_on(cancel);
	return cop_return(ret, saved);
}

/*
 * A position of 32 bits. As in the kernel, no byte beyond the last position is sent,
 * and the program's position is written even if the call fails.
 */
static noinline ssize_t sys_sendfile32(int out, int in, int32_t *uoff, size_t n)
{
	int32_t off32;
	off64_t off;
	ssize_t ret;

	if (!uoff)
		return sys_sendfile(out, in, NULL, n);
	if (!user_readable(out, uoff, sizeof(*uoff))) {
		errno = EFAULT;
		return -1;
	}
	off = *uoff;
	if (off >= 0)
		n = min_t(size_t, n, INT32_MAX - off);
	ret = sys_sendfile(out, in, &off, n);
	off32 = off;
	if (!copy_to_user(uoff, &off32, sizeof(off32)))
		return ret;
	errno = EFAULT;
	return -1;
}

EXPORT ssize_t sendfile(int out, int in, off_t *off, size_t n)
{
	if (likely(!sockfd_lookup(out) && !sockfd_lookup(in)))
		return cop_libc.sendfile(out, in, off, n);
	if (sizeof(off_t) < sizeof(off64_t))
		return sys_sendfile32(out, in, (int32_t *)(void *)off, n);
	return sys_sendfile(out, in, (off64_t *)off, n);
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *off, size_t n)
{
	if (likely(!sockfd_lookup(out) && !sockfd_lookup(in)))
		return cop_libc.sendfile64(out, in, off, n);
	return sys_sendfile(out, in, off, n);
}

/* ---- splice ------------------------------------------------------------- */

/* splice()'s arguments. */
struct splice_call {
	int in, fd; /* the pipe, the COP socket */
	size_t n;
	unsigned int flags;
};

#define SPLICE_F_ALL \
	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* If not, the kernel gets the call: it refuses it, and moves nothing. */
static bool can_splice(const struct splice_call *call)
{
	return call->n && call->n <= SSIZE_MAX &&
	       !(call->flags & ~SPLICE_F_ALL) && is_pipe(call->in) &&
	       !(cop_libc.fcntl(call->fd, F_GETFL) & O_APPEND);
}

#define TAKEN_BY_ANOTHER (-ENODATA) /* another reader was there first */

static ssize_t pipe_look(const struct splice_call *call, void *buf)
{
	struct cop_scratch part;
	int copy[2];
	ssize_t ret;

	cop_scratch_begin(&part);
	ret = cop_pipe_open(copy, call->in);
	if (!ret) {
		ret = cop_pipe_peek(copy, call->in, buf,
				    min_t(size_t, call->n, COP_SPLICE_MAX));
		cop_pipe_close(copy);
	}
	cop_scratch_end(&part);
	return ret;
}

/* Without a descriptor for the second pipe, a read takes the data away. */
static void pipe_drop(int in, void *buf, size_t n)
{
	struct cop_scratch part;
	int copy[2];

	cop_scratch_begin(&part);
	if (!cop_pipe_open(copy, in)) {
		cop_pipe_take(copy, in, n);
		cop_pipe_close(copy);
	} else if (cop_libc.read(in, buf, n) < 0) {
		/* another reader was there first */
	}
	cop_scratch_end(&part);
}

/*
 * The send may wait, or a signal may end it: the second pipe is closed before.
 */
static ssize_t splice_through(const struct splice_call *call, void *buf)
{
	int flags = call->flags & SPLICE_F_MORE ? MSG_MORE : 0;
	ssize_t ret = pipe_look(call, buf);

	if (ret == -EAGAIN)
		return TAKEN_BY_ANOTHER;
	if (ret > 0)
		ret = cop_libc_result(send(call->fd, buf, ret, flags));
	if (ret > 0)
		pipe_drop(call->in, buf, ret);
	return ret;
}

static ssize_t splice_now(const struct splice_call *call)
{
	void *buf = cop_splice_map();
	ssize_t ret;

	if (!buf)
		return -ENOBUFS;
	ret = splice_through(call, buf);
	cop_splice_unmap(buf);
	return ret;
}

/* Allows cancellation only during the wait, when the thread holds nothing. */
static ssize_t sock_splice(const struct splice_call *call)
{
	bool waits = !(call->flags & SPLICE_F_NONBLOCK);
	ssize_t ret;
	int cancel;

	do {
		ret = waits ? cop_pipe_wait(call->in) : 1;
		if (ret <= 0)
			return ret;
		cancel = cancel_off();
		ret = splice_now(call);
		cancel_on(cancel);
	} while (ret == TAKEN_BY_ANOTHER && waits);
	return ret == TAKEN_BY_ANOTHER ? -EAGAIN : ret;
}

static noinline ssize_t sys_splice(int in, off64_t *inoff, int out,
				   off64_t *outoff, size_t n,
				   unsigned int flags)
{
	struct splice_call call = { in, out, n, flags };
	int saved = errno;
	ssize_t ret;

	pthread_testcancel();
	if (inoff || outoff)
		ret = cop_libc_result(
			cop_libc.splice(in, inoff, out, outoff, n, flags));
	else if (is_ours(out) && can_splice(&call))
		ret = sock_splice(&call);
	else if (n && shows_headers(in, out))
		ret = -EINVAL;
	else
		ret = cop_libc_result(
			cop_libc.splice(in, NULL, out, NULL, n, flags));
	return cop_return(ret, saved);
}

EXPORT ssize_t splice(int in, off64_t *inoff, int out, off64_t *outoff,
		      size_t n, unsigned int flags)
{
	if (likely(!sockfd_lookup(out) && !sockfd_lookup(in)))
		return cop_libc.splice(in, inoff, out, outoff, n, flags);
	return sys_splice(in, inoff, out, outoff, n, flags);
}
