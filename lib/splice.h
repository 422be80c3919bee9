/* SPDX-License-Identifier: MIT */
/*
 * splice.h - a datagram's payload from a file or a pipe: looked at first, taken
 * once it has been sent.
 */
#ifndef COP_SPLICE_H
#define COP_SPLICE_H

#include <stddef.h>
#include <sys/types.h>

/* More than any datagram holds: the send that refuses it says why. */
#define COP_SPLICE_MAX 65536

/**
 * cop_splice_map - a buffer of COP_SPLICE_MAX bytes
 *
 * Too large for some threads' stacks. Returns NULL where there is no memory.
 */
void *cop_splice_map(void);

/**
 * cop_splice_unmap - give the buffer back
 * @buf: from cop_splice_map()
 */
void cop_splice_unmap(void *buf);

/**
 * cop_file_peek - read a file, and leave its position where it is
 * @in: the file
 * @pos: where to begin
 * @buf: where to
 * @n: how many bytes at most
 *
 * Returns how many there are, 0 at the end of the file, or -errno as sendfile()
 * has it.
 */
ssize_t cop_file_peek(int in, off64_t pos, void *buf, size_t n);

/**
 * cop_pipe_wait - wait until there is something in a pipe, and leave it there
 * @in: the end to read from
 *
 * Returns 1, 0 where nobody writes to it any more, or -errno. Holds nothing
 * while it waits. A cancellation point.
 */
int cop_pipe_wait(int in);

/**
 * cop_pipe_open - make a second pipe, for cop_pipe_peek()
 * @copy: its ends; to be given to cop_pipe_close()
 * @in: the pipe that is to be looked at
 *
 * Returns 0 or -errno.
 */
int cop_pipe_open(int copy[2], int in);

/**
 * cop_pipe_peek - read a pipe, and leave in it what is read
 * @copy: from cop_pipe_open()
 * @in: the end to read from
 * @buf: where to
 * @n: how many bytes at most
 *
 * Returns how many there are, 0 where there is nothing and nobody writes to it
 * any more, -EAGAIN where there is nothing yet, or another -errno. Waits for
 * nothing.
 */
ssize_t cop_pipe_peek(const int copy[2], int in, void *buf, size_t n);

/**
 * cop_pipe_take - take out of a pipe what has been read from it
 * @copy: from cop_pipe_open(); good for cop_pipe_close() only, afterwards
 * @in: the end to read from
 * @n: how many bytes, of those that cop_pipe_peek() found
 */
void cop_pipe_take(const int copy[2], int in, size_t n);

/**
 * cop_pipe_close - close the second pipe
 * @copy: from cop_pipe_open()
 */
void cop_pipe_close(const int copy[2]);

#endif /* COP_SPLICE_H */
