// SPDX-License-Identifier: MIT
/*
 * say.c - prints lines for a terminal, with text from outside made harmless.
 */
#include <stdarg.h>

#include "lib/escape.h"
#include "say.h"

#define LINE_SIZE 16384

static void say(FILE *out, const char *before, const char *fmt, va_list ap)
{
	char line[LINE_SIZE], safe[LINE_SIZE];

	vsnprintf(line, sizeof(line), fmt, ap);
	cop_escape(safe, sizeof(safe), line, COP_ESCAPE_LINE);
	fprintf(out, "%s%s\n", before, safe);
}

void cop_say(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(out, "", fmt, ap);
	va_end(ap);
}

int cop_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(stderr, "cop: ", fmt, ap);
	va_end(ap);
	return status;
}
