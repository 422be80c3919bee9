// SPDX-License-Identifier: MIT
/*
 * cop_env.c - what the environment asks of the library, and its one voice.
 *
 * Owns: cop_env. Protected by: written once, when the library is loaded. May
 * call: the kernel only. Counterpart in the kernel: module parameters, printk.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cop/compiler.h"
#include "cop/env.h"
#include "cop/libc.h"

struct cop_env cop_env;

void cop_log(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n, head;

	head = snprintf(line, sizeof(line), "libcop[%d]: ", getpid());
	va_start(ap, fmt);
	n = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	n = min_t(int, head + n, sizeof(line) - 2);
	line[n] = '\n';
	if (cop_libc.write(STDERR_FILENO, line, n + 1) < 0)
		return; /* nobody to tell */
}

static bool env_switch(const char *name)
{
	const char *value = getenv(name);

	if (!value || !strcmp(value, "0"))
		return false;
	if (!strcmp(value, "1"))
		return true;
	cop_log("%s=%s is ignored: 0 or 1 is understood", name, value);
	return false;
}

static const char *env_path(const char *name)
{
	const char *value = getenv(name);

	if (!value || *value)
		return value;
	cop_log("%s= is ignored: stderr or a file's name is understood", name);
	return NULL;
}

void cop_env_init(void)
{
	cop_env.debug = env_switch("COP_DEBUG");
	cop_env.stats = env_path("COP_STATS");
}
