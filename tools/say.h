/* SPDX-License-Identifier: MIT */
/*
 * say.h - lines for a terminal, in which nothing is obeyed that others chose.
 */
#ifndef COP_TOOLS_SAY_H
#define COP_TOOLS_SAY_H

#include <stdio.h>

/**
 * cop_say - print a line, escaped as cop_escape() does it
 * @out: where to
 * @fmt: as for printf(), without the newline at the end
 */
void cop_say(FILE *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * cop_fail - say why, on one line of stderr
 * @status: what to return
 * @fmt: as for printf(), without "cop: " ahead and the newline behind
 *
 * Returns @status.
 */
int cop_fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* COP_TOOLS_SAY_H */
