/* SPDX-License-Identifier: MIT */
/*
 * lines.h - passes on the output of another process in whole lines, because
 * that process may be killed in the middle of one.
 */
#ifndef COP_TOOLS_LINES_H
#define COP_TOOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	int from;	  /* a pipe; -1: at its end */
	char *held;	  /* the beginning of a line that is not complete */
	size_t len, size; /* its length, and the room for it */
};

/**
 * lines_relay - read once, and write the lines that are complete
 * @l: where to read
 * @to: where to write; may block, or be non-blocking
 *
 * A line of more than 64 MB is written in parts. Closes the pipe at its end.
 * Returns false with errno if it could not write.
 */
bool lines_relay(struct lines *l, int to);

/**
 * lines_finish - write the last line, which has no newline, and close the pipe
 * @l: where the line was read
 * @to: where to write
 *
 * Returns false with errno if it could not write.
 */
bool lines_finish(struct lines *l, int to);

/**
 * lines_drop - forget an incomplete line, and close the pipe
 * @l: where the line was read
 */
void lines_drop(struct lines *l);

#endif /* COP_TOOLS_LINES_H */
