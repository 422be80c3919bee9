/* SPDX-License-Identifier: MIT */
/*
 * report.h - a verdict in words.
 */
#ifndef COP_TOOLS_REPORT_H
#define COP_TOOLS_REPORT_H

#include "library.h"
#include "program.h"
#include "verdict.h"

/* Two paths and a text. */
#define REPORT_MAX (2 * PATH_MAX + 512)

/**
 * report_subject - whom a verdict is of: a program and what runs it, or the
 *	library
 * @buf: where to, of REPORT_MAX bytes
 * @verdict: the verdict
 * @lib: the library
 * @prog: the program; may be NULL where the verdict is the library's
 */
void report_subject(char *buf, enum verdict verdict, const struct library *lib,
		    const struct program *prog);

/**
 * report_reason - why, and what to do
 * @buf: where to, of REPORT_MAX bytes
 * @verdict: the verdict
 * @detail: more of it, or NULL
 */
void report_reason(char *buf, enum verdict verdict, const char *detail);

#endif /* COP_TOOLS_REPORT_H */
