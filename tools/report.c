// SPDX-License-Identifier: MIT
/*
 * report.c - puts a verdict into words.
 */
#include <stdio.h>
#include <string.h>

#include "report.h"

static bool is_of_library(enum verdict verdict)
{
	return verdict == NO_LIBRARY || verdict == LIBRARY_PATH ||
	       verdict == BAD_LIBRARY;
}

void report_subject(char *buf, enum verdict verdict, const struct library *lib,
		    const struct program *prog)
{
	if (is_of_library(verdict))
		snprintf(buf, REPORT_MAX, "%s", lib->path);
	else if (!prog->runs[0] || !strcmp(prog->runs, prog->path))
		snprintf(buf, REPORT_MAX, "%s", prog->path);
	else
		snprintf(buf, REPORT_MAX, "%s: %s", prog->path, prog->runs);
}

void report_reason(char *buf, enum verdict verdict, const char *detail)
{
	const char *text = verdict_row(verdict)->text;

	if (detail)
		snprintf(buf, REPORT_MAX, "%s: %s", text, detail);
	else
		snprintf(buf, REPORT_MAX, "%s", text);
}
