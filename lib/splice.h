/* SPDX-License-Identifier: MIT */
/*
 * splice.h - takes a datagram's payload from a file or a pipe: a copy first,
 * the bytes themselves once the datagram is sent.
 */
#ifndef COP_SPLICE_H
#define COP_SPLICE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * More than any datagram holds, so that the send of a longer one fails by
 * itself.
 */
#define COP_SPLICE_MAX 65536

/**
 * cop_splice_map - a buffer of COP_SPLICE_MAX bytes
 *
 * The buffer is too large for the stacks of some threads. Returns NULL if there
 * is no memory.
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
 * @pos: the first byte's position
 * @buf: the copy
 * @n: how many bytes at most
 *
 * Returns how many bytes it read, 0 at the end of the file, or sendfile()'s
 * -errno.
 */
ssize_t cop_file_peek(int in, off64_t pos, void *buf, size_t n);

/**
 * cop_pipe_wait - wait until a pipe has data, and leave the data there
 * @in: the end to read from
 *
 * Returns 1, 0 if the pipe is empty and has no writer, or -errno. Holds nothing
 * while it waits. A cancellation point.
 */
int cop_pipe_wait(int in);

/**
 * cop_pipe_open - make a second pipe, for cop_pipe_peek()
 * @copy: its two ends, for cop_pipe_close()
 * @in: the pipe that cop_pipe_peek() will read
 *
 * Returns 0 or -errno.
 */
int cop_pipe_open(int copy[2], int in);

/**
 * cop_pipe_peek - read a pipe, and leave the data in it
 * @copy: from cop_pipe_open()
 * @in: the end to read from
 * @buf: the copy of the data
 * @n: how many bytes at most
 *
 * Returns how many bytes it read, 0 if the pipe is empty and has no writer,
 * -EAGAIN if it is empty and has one, or another -errno. Does not wait.
 */
ssize_t cop_pipe_peek(const int copy[2], int in, void *buf, size_t n);

/**
 * cop_pipe_take - take data out of a pipe after cop_pipe_peek()
 * @copy: from cop_pipe_open(); afterwards only cop_pipe_close() may use it
 * @in: the end to read from
 * @n: how many bytes, at most as many as cop_pipe_peek() returned
 */
void cop_pipe_take(const int copy[2], int in, size_t n);

/**
 * cop_pipe_close - close the second pipe
 * @copy: from cop_pipe_open()
 */
void cop_pipe_close(const int copy[2]);

#endif /* COP_SPLICE_H */
