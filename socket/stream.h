/* SPDX-License-Identifier: MIT */
/*
 * stream.h - the stdio streams that were made of COP descriptors.
 */
#ifndef COP_STREAM_H
#define COP_STREAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/compiler.h"

/* No datagram is longer. */
#define COP_STREAM_REST 65536

/*
 * The memory of a stream is never freed, so a reader may walk the list without a
 * lock. (l): under the lock of the FILE; after cop_stream_take() its caller alone.
 */
struct cop_stream {
	_Atomic(FILE *) fp;	 /* (a) the stream's FILE; NULL: unused */
	struct cop_stream *next; /* (c) */
	int fd;			 /* (l) -1: no longer read or written by us */
	char *buf;		 /* (l) the FILE's first buffer */
	char *rest;		 /* (l) NULL until something is received */
	size_t rest_at;		 /* (l) where in it the rest begins */
	size_t rest_len;	 /* (l) bytes of a datagram yet to be read */
	FILE *model;		 /* (l) libc's own stream of this kind; it has
				  * no descriptor, and no data go through it */
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
 * Its buffer has the size that libc gives to a stream on such a descriptor, so that a
 * program sends the same datagrams as on UDP. Returns 0, or the error of libc's
 * fdopen() for @fd and @mode.
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
 * cop_stream_take - separate a stream from its FILE, before the FILE is closed
 * @fp: any FILE; the function uses only its address
 *
 * Returns the stream, for cop_stream_free() after the FILE is closed; NULL if
 * cop_stream_open() has not made the FILE. As soon as the FILE is closed, another one
 * may have its address.
 */
struct cop_stream *cop_stream_take(FILE *fp);

/**
 * cop_stream_free - free the buffers and the model of a stream
 * @stream: from cop_stream_take()
 */
void cop_stream_free(struct cop_stream *stream);

/**
 * cop_stream_find - the stream of a FILE
 * @fp: any FILE; the function uses only its address
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
 * cop_stream_release - stop reading and writing for a FILE, before freopen()
 * @stream: of the FILE, which is locked and flushed
 *
 * libc's freopen() uses data of the model, which stays until cop_stream_free().
 */
void cop_stream_release(struct cop_stream *stream);

/**
 * cop_stream_room - make room for the rest of a datagram
 * @stream: the stream
 *
 * Returns COP_STREAM_REST bytes, or NULL if there is no memory.
 */
char *cop_stream_room(struct cop_stream *stream);

/**
 * cop_stream_keep - record how much of that room a receive has filled
 * @stream: the stream
 * @len: bytes of it
 */
void cop_stream_keep(struct cop_stream *stream, size_t len);

/**
 * cop_stream_rest - read the rest of a datagram
 * @stream: the stream
 * @buf: where to
 * @len: bytes there is room for
 *
 * Returns how many bytes it has copied; 0 if no datagram has a rest.
 */
size_t cop_stream_rest(struct cop_stream *stream, void *buf, size_t len);

#endif /* COP_STREAM_H */
