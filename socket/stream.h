/* SPDX-License-Identifier: MIT */
/*
 * stdio.h - the stdio streams that were made of COP descriptors.
 */
#ifndef COP_STDIO_H
#define COP_STDIO_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/compiler.h"

/* No datagram is longer. */
#define COP_STREAM_REST 65536

/*
 * The memory of one is never given back, so the list may be walked without a
 * lock. Whoever has put a FILE aside by cop_stream_take() owns the rest, and
 * else whoever has locked the FILE.
 */
struct cop_stream {
	_Atomic(FILE *) fp;	 /* (a) whose stream it is; NULL: nobody's */
	struct cop_stream *next; /* (c) */
	int fd;			 /* (l) -1: no longer read or written by us */
	char *buf;		 /* (l) the FILE's first buffer */
	char *rest;		 /* (l) NULL until something is received */
	size_t rest_at;		 /* (l) where in it the rest begins */
	size_t rest_len;	 /* (l) bytes of a datagram yet to be read */
	FILE *model;		 /* (l) libc's own stream of such a kind, which
				  * has no descriptor and is used by nobody */
};

extern _Atomic(struct cop_stream *) cop_streams;

/* (c) What moves a stream's bytes; set when the library starts. */
extern const cookie_io_functions_t *cop_stream_io;

/**
 * cop_stream_open - make a stream of a descriptor, as fdopen() does
 * @fd: the descriptor
 * @mode: of the stream
 * @io: what moves its bytes; these get the struct cop_stream
 * @fp: where the stream is put
 *
 * Its buffer is of the size that libc gives to a stream on such a descriptor:
 * what is one datagram on UDP is one here. Returns 0, or what libc's fdopen()
 * says to @fd and @mode.
 */
int cop_stream_open(int fd, const char *mode, const cookie_io_functions_t *io,
		    FILE **fp);

/**
 * cop_stream_buffer_size - the size of the buffer that libc gives to a stream
 * @fd: the stream's descriptor
 *
 * Returns bytes, at most BUFSIZ.
 */
size_t cop_stream_buffer_size(int fd);

/**
 * cop_stream_take - part a stream from its FILE, before that is closed
 * @fp: any FILE; only its address is looked at
 *
 * Returns the stream, for cop_stream_free() once the FILE is gone, or NULL
 * where cop_stream_open() has not made it. The address may be another FILE's as
 * soon as this one is closed.
 */
struct cop_stream *cop_stream_take(FILE *fp);

/**
 * cop_stream_free - give back what a stream has
 * @stream: from cop_stream_take()
 */
void cop_stream_free(struct cop_stream *stream);

/**
 * cop_stream_find - the stream of a FILE
 * @fp: any FILE; only its address is looked at
 *
 * Returns it, or NULL. Lock-free.
 */
static inline struct cop_stream *cop_stream_find(const FILE *fp)
{
	struct cop_stream *s = atomic_load(&cop_streams);

	while (s && READ_ONCE(s->fp) != fp)
		s = s->next;
	return s;
}

/**
 * cop_stream_release - let go of a FILE that is to become a file's stream
 * @stream: of the FILE, which is locked and flushed
 *
 * From now on the stream moves nothing. libc's freopen() takes what it lacks
 * from the model, which stays until cop_stream_free().
 */
void cop_stream_release(struct cop_stream *stream);

/**
 * cop_stream_room - make room for the rest of a datagram
 * @stream: the stream
 *
 * Returns COP_STREAM_REST bytes, or NULL where there is no memory.
 */
char *cop_stream_room(struct cop_stream *stream);

/**
 * cop_stream_keep - note what a receive put in that room
 * @stream: the stream
 * @len: bytes of it
 */
void cop_stream_keep(struct cop_stream *stream, size_t len);

/**
 * cop_stream_rest - read on in a datagram
 * @stream: the stream
 * @buf: where to
 * @len: bytes there is room for
 *
 * Returns how many there were, 0 where no datagram is begun.
 */
size_t cop_stream_rest(struct cop_stream *stream, void *buf, size_t len);

#endif /* COP_STDIO_H */
