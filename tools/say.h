/* SPDX-License-Identifier: MIT */
/*
 * say.h - prints lines for a terminal, with text from outside made harmless.
 */
#ifndef COP_TOOLS_SAY_H
#define COP_TOOLS_SAY_H

#include <stdio.h>

/**
 * cop_say - print a line, escaped as cop_escape() does it
 * @out: the stream
 * @fmt: as for printf(), without the newline at the end
 */
void cop_say(FILE *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * cop_fail - print the reason of a failure, on one line of stderr
 * @status: the status to return
 * @fmt: as for printf(), without "cop: " at the start and without the newline
 *
 * Returns @status.
 */
int cop_fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* COP_TOOLS_SAY_H */
