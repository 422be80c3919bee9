// SPDX-License-Identifier: MIT
/*
 * interpose/stdio.c - stdio on a descriptor: fdopen, fclose, freopen, dprintf.
 * A stream on a COP descriptor reads and writes by the calls of the other
 * interpose files.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * none; libio in libc.
 */
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "socket/stream.h"
#include "cop_table.h"

/* ---- opening ------------------------------------------------------------ */

static noinline FILE *stdio_fdopen(int fd, const char *mode)
{
	int saved = errno;
	FILE *fp = NULL;
	int err;

	if (fd_forget_gone(fd)) {
		errno = saved;
		return cop_libc.fdopen(fd, mode);
	}
	err = cop_stream_open(fd, mode, cop_stream_io, &fp);
	return cop_return(err, saved) ? NULL : fp;
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.fdopen(fd, mode);
	return stdio_fdopen(fd, mode);
}

/* ---- closing ------------------------------------------------------------ */

/* A stream's descriptor; -1 for a stream in memory, which has none. */
static int number_of(FILE *fp)
{
	int saved = errno;
	int fd = fileno_unlocked(fp);

	errno = saved;
	return fd;
}

/*
 * Whether closing a FILE may concern the table. Looks at the FILE only if there
 * are COP descriptors.
 */
static bool is_concerned(FILE *fp)
{
	return any_ours() &&
	       (sockfd_lookup(number_of(fp)) || cop_stream_find(fp));
}

/* libc closes its own stream unseen, or does not close it at all. */
static int fclose_file(FILE *fp)
{
	int cancel = cancel_off();
	struct fd_change change;
	int ret, err;

	fd_change_begin(&change, number_of(fp), NULL);
	ret = cop_libc.fclose(fp);
	err = errno;
	fd_change_settle(&change);
	cancel_on(cancel);
	errno = err;
	return ret;
}

/*
 * The library's stream closes by stream_close(), unless freopen() made it
 * libc's.
 */
static noinline int stdio_fclose(FILE *fp)
{
	struct cop_stream *s = cop_stream_take(fp);
	int saved = errno;
	int ret, err;

	ret = s && s->fd >= 0 ? cop_libc.fclose(fp) : fclose_file(fp);
	err = errno;
	if (s)
		cop_stream_free(s);
	errno = ret ? err : saved;
	return ret;
}

EXPORT int fclose(FILE *fp)
{
	return unlikely(is_concerned(fp)) ? stdio_fclose(fp)
					  : cop_libc.fclose(fp);
}

typedef FILE *freopen_call(const char *path, const char *mode, FILE *fp);

static noinline FILE *stdio_freopen(freopen_call *next, const char *path,
				    const char *mode, FILE *fp)
{
	struct cop_stream *s = cop_stream_find(fp);
	int cancel = cancel_off();
	struct fd_change change;
	FILE *ret;
	int err;

	flockfile(fp);
	if (s && s->fd >= 0) {
		fflush(fp);
		cop_stream_release(s);
	}
	fd_change_begin(&change, number_of(fp), NULL);
	ret = next(path, mode, fp);
	err = errno;
	fd_change_settle(&change);
	funlockfile(fp);
	cancel_on(cancel);
	errno = err;
	return ret;
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *fp)
{
	return unlikely(is_concerned(fp))
		       ? stdio_freopen(cop_libc.freopen, path, mode, fp)
		       : cop_libc.freopen(path, mode, fp);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *fp)
{
	return unlikely(is_concerned(fp))
		       ? stdio_freopen(cop_libc.freopen64, path, mode, fp)
		       : cop_libc.freopen64(path, mode, fp);
}

/* ---- printing ----------------------------------------------------------- */

/*
 * libc writes a text whenever its buffer is full, and each write is a datagram.
 * Up to glibc 2.36 dprintf() uses the buffer of a stream. From 2.37 on it has a
 * buffer of PRINT_PIECE bytes, and repeats a write that a signal has
 * interrupted.
 */
#define PRINT_PIECE 2048

static bool prints_by_stream(void)
{
	char *minor;
	unsigned long major = strtoul(gnu_get_libc_version(), &minor, 10);

	return major < 2 || (major == 2 && strtoul(minor + 1, NULL, 10) < 37);
}

static int print_pieces(int fd, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t left = len - done;
		size_t size = left < PRINT_PIECE ? left : PRINT_PIECE;
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, text + done, size));

		if (n < 0)
			return -1;
		done += n;
	}
	return len;
}

static int print_long(int fd, int flag, size_t size, const char *fmt,
		      va_list ap)
{
	char *text = malloc(size);
	int n;

	if (!text)
		return -1;
	pthread_cleanup_push(free, text);
	n = __vsnprintf_chk(text, size, flag, size, fmt, ap);
	if (n > 0)
		n = print_pieces(fd, text, n);
	pthread_cleanup_pop(1);
	return n;
}

static int print_text(int fd, int flag, const char *fmt, va_list ap)
{
	char text[PRINT_PIECE + 1];
	va_list again;
	int n;

	va_copy(again, ap);
	n = __vsnprintf_chk(text, sizeof(text), flag, sizeof(text), fmt, ap);
	if (n > PRINT_PIECE)
		n = print_long(fd, flag, (size_t)n + 1, fmt, again);
	else if (n > 0)
		n = print_pieces(fd, text, n);
	va_end(again);
	return n;
}

struct print_stream {
	struct cop_stream to; /* stream_write() uses its fd only */
	FILE *fp;
	char buf[BUFSIZ];
};

/* A cancelled thread sends nothing more: fclose() must not write the rest. */
static void print_cancelled(void *arg)
{
	struct print_stream *s = arg;

	s->to.fd = -1;
	cop_libc.fclose(s->fp);
	free(s);
}

/* Sends the bytes before an error in the format, as libc does. */
static int print_stream(struct print_stream *s, int flag, const char *fmt,
			va_list ap)
{
	int n;

	pthread_cleanup_push(print_cancelled, s);
	n = __vfprintf_chk(s->fp, flag, fmt, ap);
	if (fflush(s->fp))
		n = -1;
	pthread_cleanup_pop(0);
	cop_libc.fclose(s->fp);
	free(s);
	return n;
}

static int print_by_stream(int fd, int flag, const char *fmt, va_list ap)
{
	const cookie_io_functions_t io = { .write = cop_stream_io->write };
	struct print_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	s->to.fd = fd;
	s->fp = fopencookie(s, "w", io);
	if (!s->fp) {
		free(s);
		return -1;
	}
	setvbuf(s->fp, s->buf, _IOFBF, cop_stream_buffer_size(fd));
	return print_stream(s, flag, fmt, ap);
}

/* @flag is an argument of the fortified names; 0 for the others. */
static noinline int stdio_vdprintf(int fd, int flag, const char *fmt,
				   va_list ap)
{
	return prints_by_stream() ? print_by_stream(fd, flag, fmt, ap)
				  : print_text(fd, flag, fmt, ap);
}

EXPORT int vdprintf(int fd, const char *fmt, va_list ap)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.vdprintf(fd, fmt, ap);
	return stdio_vdprintf(fd, 0, fmt, ap);
}

EXPORT int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.__vdprintf_chk(fd, flag, fmt, ap);
	return stdio_vdprintf(fd, flag, fmt, ap);
}

EXPORT int dprintf(int fd, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vdprintf(fd, fmt, ap);
	va_end(ap);
	return n;
}

EXPORT int __dprintf_chk(int fd, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vdprintf_chk(fd, flag, fmt, ap);
	va_end(ap);
	return n;
}
