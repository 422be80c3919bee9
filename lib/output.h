/* SPDX-License-Identifier: MIT */
/*
 * output.h - what the library writes for people, without harm to the program.
 */
#ifndef COP_OUTPUT_H
#define COP_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/**
 * cop_output_init - note which file standard error is, when the library starts
 *
 * What has the number later, and is another file, is the program's own.
 */
void cop_output_init(void);

/**
 * cop_output_stderr, cop_output_file - a descriptor to write to
 * @path: a regular file, or one that is not there yet; no symbolic link
 *
 * In a scratch part, and closed within it. Return the descriptor, or a negative
 * errno: -EBADF where standard error is no longer what it was, -EINVAL where the
 * path leads to anything but a regular file. Async-signal-safe.
 */
int cop_output_stderr(void);
int cop_output_file(const char *path);

/**
 * cop_output_close - close what one of the above has returned
 * @fd: the descriptor
 */
void cop_output_close(int fd);

/**
 * cop_output_write - write whole lines
 * @fd: from the above
 * @text: the lines, each with its newline
 * @len: bytes, 4096 at most
 *
 * In a scratch part. Never waits for a reader, and no SIGPIPE and no SIGXFSZ comes
 * of it. Returns 0, or a negative errno where not all was written: then the lines
 * are counted as lost. Async-signal-safe.
 */
int cop_output_write(int fd, const char *text, size_t len);

/**
 * cop_output_lost - how many lines were lost since the last call
 */
uint32_t cop_output_lost(void);

#endif /* COP_OUTPUT_H */
