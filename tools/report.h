/* SPDX-License-Identifier: MIT */
/*
 * report.h - puts a verdict into words.
 */
#ifndef COP_TOOLS_REPORT_H
#define COP_TOOLS_REPORT_H

#include "library.h"
#include "program.h"
#include "verdict.h"

/* Room for two paths and a text. */
#define REPORT_MAX (2 * PATH_MAX + 512)

/**
 * report_subject - write what a verdict is about: a program and its
 * interpreter, or
 *	the library
 * @buf: the text, of REPORT_MAX bytes
 * @verdict: the verdict
 * @lib: the library
 * @prog: the program; may be NULL if the verdict is about the library
 */
void report_subject(char *buf, enum verdict verdict, const struct library *lib,
		    const struct program *prog);

/**
 * report_reason - write the reason of a verdict, and what to do
 * @buf: the text, of REPORT_MAX bytes
 * @verdict: the verdict
 * @detail: a detail to add, or NULL
 */
void report_reason(char *buf, enum verdict verdict, const char *detail);

#endif /* COP_TOOLS_REPORT_H */
