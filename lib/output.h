/* SPDX-License-Identifier: MIT */
/*
 * output.h - writes lines for people, without harm to the program.
 */
#ifndef COP_OUTPUT_H
#define COP_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/**
 * cop_output_init - note which file standard error is, when the library starts
 *
 * If descriptor 2 is another file later, that is the program's, and the library
 * does not write to it.
 */
void cop_output_init(void);

/**
 * cop_output_stderr, cop_output_file - get a descriptor to write to
 * @path: a regular file, or a new name; no symbolic link
 *
 * Called in a scratch part; the caller closes the descriptor in the same part.
 * Return the descriptor, or a negative errno: -EBADF if standard error is
 * another file now, -EINVAL if the path leads to anything but a regular file.
 * Async-signal-safe.
 */
int cop_output_stderr(void);
int cop_output_file(const char *path);

/**
 * cop_output_close - close a descriptor of cop_output_stderr() or
 * cop_output_file()
 * @fd: the descriptor
 */
void cop_output_close(int fd);

/**
 * cop_output_write - write whole lines
 * @fd: from cop_output_stderr() or cop_output_file()
 * @text: the lines, each with its newline
 * @len: bytes, 4096 at most
 *
 * Called in a scratch part. Never waits for a reader, and never raises SIGPIPE
 * or SIGXFSZ. Returns 0, or a negative errno if it could not write everything:
 * then the lines count as lost. Async-signal-safe.
 */
int cop_output_write(int fd, const char *text, size_t len);

/**
 * cop_output_lost - how many lines were lost since this was last called
 */
uint32_t cop_output_lost(void);

#endif /* COP_OUTPUT_H */
