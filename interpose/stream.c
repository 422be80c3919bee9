// SPDX-License-Identifier: MIT
/*
 * interpose/stream.c - moves the bytes of a stream on a COP descriptor by the
 * same calls that a program makes.
 *
 * Owns: nothing. Protected by: the stream's own lock. Counterpart in the
 * kernel: none; libio's _IO_file_jumps in libc.
 */
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cop_table.h"
#include "interpose/interpose.h"
#include "socket/stream.h"

/*
 * libc reads to fill its buffer, however much the program wants. If a datagram
 * is longer than the buffer, a stream on UDP loses the rest, unless a fread()
 * wants more than a buffer. This function keeps the rest, so that the program
 * gets it in either case.
 */
static ssize_t stream_read(void *cookie, char *buf, size_t len)
{
	struct cop_stream *s = cookie;
	struct iovec iov[2] = { { buf, len } };
	ssize_t n = cop_stream_rest(s, buf, len);

	if (n)
		return n;
	iov[1].iov_base = sockfd_lookup(s->fd) ? cop_stream_room(s) : NULL;
	iov[1].iov_len = COP_STREAM_REST;
	if (!iov[1].iov_base)
		return read(s->fd, buf, len);
	n = readv(s->fd, iov, 2);
	if (n <= (ssize_t)len)
		return n;
	cop_stream_keep(s, n - len);
	return len;
}

/*
 * Writes in a loop, as _IO_new_file_write() in libc: the number may be a pipe's
 * now.
 */
static ssize_t stream_write(void *cookie, const char *buf, size_t len)
{
	struct cop_stream *s = cookie;
	size_t done = 0;
	ssize_t n;

	do {
		n = write(s->fd, buf + done, len - done);
		if (n > 0)
			done += n;
	} while (n > 0 && done < len);
	return done;
}

static int stream_seek(void *cookie, off64_t *off, int whence)
{
	struct cop_stream *s = cookie;

	*off = lseek64(s->fd, *off, whence);
	return *off < 0 ? -1 : 0;
}

static int stream_close(void *cookie)
{
	struct cop_stream *s = cookie;

	return close(s->fd);
}

const cookie_io_functions_t stream_io = {
	.read = stream_read,
	.write = stream_write,
	.seek = stream_seek,
	.close = stream_close,
};
