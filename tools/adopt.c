// SPDX-License-Identifier: MIT
/*
 * adopt.c - the syntax of COP_ADOPT: udp, or udp: and a list of ports and
 * ranges of ports, separated by commas.
 *
 * The library ignores a value that it does not understand, because no program
 * must fail for it. The launcher can reject the value before there is a
 * program.
 */
#include <string.h>

#include "adopt.h"

/* Reads a port at *s and moves *s behind it. Returns 0 if there is no port. */
static int port(const char **s)
{
	long n = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++) {
		n = n * 10 + (**s - '0');
		if (n > 65535)
			return 0;
	}
	return n;
}

static bool range(const char **s)
{
	int first = port(s), last = first;

	if (**s == '-') {
		(*s)++;
		last = port(s);
	}
	return first && last && first <= last;
}

bool adopt_is_valid(const char *value)
{
	if (strncmp(value, "udp", 3))
		return false;
	value += 3;
	if (!*value)
		return true;
	if (*value != ':')
		return false;
	do {
		value++;
		if (!range(&value))
			return false;
	} while (*value == ',');
	return !*value;
}
