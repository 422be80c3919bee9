// SPDX-License-Identifier: MIT
/*
 * socket/stream.c - the stdio streams that were made of COP descriptors.
 *
 * libc's own streams write and read by calls inside libc, which no library can
 * interpose. So a stream on a COP descriptor comes from fopencookie(), and looks like
 * one from fdopen(): it has the descriptor's number and the size of the buffer.
 *
 * Owns: the list of streams. Protected by: atomic operations; nothing is ever
 * taken out of it. Counterpart in the kernel: none.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/libc.h"
#include "socket/stream.h"

_Atomic(struct cop_stream *) cop_streams;

const cookie_io_functions_t *cop_stream_io;

/* Stands for a FILE that is being made or closed. No FILE has this address. */
#define BUSY ((FILE *)(void *)&cop_streams)

static struct cop_stream *stream_recycle(void)
{
	struct cop_stream *s;

	for (s = atomic_load(&cop_streams); s; s = s->next) {
		FILE *none = NULL;

		if (atomic_compare_exchange_strong(&s->fp, &none, BUSY))
			break;
	}
	return s;
}

static struct cop_stream *stream_alloc(void)
{
	struct cop_stream *s = stream_recycle();

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	atomic_init(&s->fp, BUSY);
	s->next = atomic_load(&cop_streams);
	while (!atomic_compare_exchange_weak(&cop_streams, &s->next, s))
		;
	return s;
}

/* The model has no descriptor any more, so closing it closes none. */
void cop_stream_free(struct cop_stream *s)
{
	cop_libc.fclose(s->model);
	free(s->buf);
	free(s->rest);
	s->buf = s->rest = NULL;
	s->rest_len = 0;
	atomic_store(&s->fp, NULL);
}

struct cop_stream *cop_stream_take(FILE *fp)
{
	struct cop_stream *s = cop_stream_find(fp);

	if (s && !atomic_compare_exchange_strong(&s->fp, &fp, BUSY))
		s = NULL;
	return s;
}

/* Counterpart: _IO_file_doallocate() in libc. */
size_t cop_stream_buffer_size(int fd)
{
	struct stat64 st;

	if (fstat64(fd, &st) || st.st_blksize <= 0 || st.st_blksize > BUFSIZ)
		return BUFSIZ;
	return st.st_blksize;
}

/* A mode of fopencookie(). There is none for O_APPEND: the descriptor has it. */
static const char *mode_of(FILE *fp)
{
	if (!__fwritable(fp))
		return "r";
	return __freadable(fp) ? "r+" : "w";
}

/*
 * A stream of fopencookie() is for bytes only and has no data for wide characters.
 * But libc reads these data without a test, in fwide() and freopen() for instance. So
 * the stream gets those of the model.
 */
static FILE *stream_file(struct cop_stream *s, const cookie_io_functions_t *io)
{
	size_t size = cop_stream_buffer_size(s->fd);
	FILE *fp;

	s->buf = malloc(size);
	if (!s->buf)
		return NULL;
	fp = fopencookie(s, mode_of(s->model), *io);
	if (!fp)
		return NULL;
	setvbuf(fp, s->buf, _IOFBF, size);
	fp->_fileno = s->fd;
	fp->_wide_data = s->model->_wide_data;
	return fp;
}

/* libc's fdopen() checks mode and descriptor, and sets O_APPEND. */
int cop_stream_open(int fd, const char *mode, const cookie_io_functions_t *io,
		    FILE **fp)
{
	FILE *model = cop_libc.fdopen(fd, mode);
	struct cop_stream *s;

	if (!model)
		return -errno;
	model->_fileno = -1;
	s = stream_alloc();
	if (!s) {
		cop_libc.fclose(model);
		return -ENOMEM;
	}
	s->fd = fd;
	s->model = model;
	*fp = stream_file(s, io);
	if (!*fp) {
		cop_stream_free(s);
		return -ENOMEM;
	}
	atomic_store(&s->fp, *fp);
	return 0;
}

void cop_stream_release(struct cop_stream *s)
{
	s->fd = -1;
}

char *cop_stream_room(struct cop_stream *s)
{
	if (!s->rest)
		s->rest = malloc(COP_STREAM_REST);
	return s->rest;
}

void cop_stream_keep(struct cop_stream *s, size_t len)
{
	s->rest_at = 0;
	s->rest_len = len;
}

size_t cop_stream_rest(struct cop_stream *s, void *buf, size_t len)
{
	len = min_t(size_t, len, s->rest_len);
	if (!len)
		return 0;
	memcpy(buf, s->rest + s->rest_at, len);
	s->rest_at += len;
	s->rest_len -= len;
	return len;
}
