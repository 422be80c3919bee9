// SPDX-License-Identifier: MIT
/*
 * cop_env.c - what the environment asks of the library, and its one voice.
 *
 * Owns: cop_env and the list of ports. Protected by: written once, when the
 * library is loaded. May call: the kernel only. Counterpart in the kernel: module parameters, printk.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cop/compiler.h"
#include "cop/env.h"
#include "cop/libc.h"

#define PORT_MAX 65535

struct cop_env cop_env;

static uint32_t adopted[(PORT_MAX + 1) / 32]; /* a bit for each port */

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

bool cop_env_adopts(uint16_t port)
{
	return adopted[port / 32] >> (port % 32) & 1;
}

/* A port in decimal digits. Returns what follows it, or NULL for any other. */
static const char *read_port(const char *text, unsigned long *port)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*port = strtoul(text, &end, 10);
	return *port && *port <= PORT_MAX ? end : NULL;
}

static void adopt_ports(unsigned long low, unsigned long high)
{
	for (; low <= high; low++)
		adopted[low / 32] |= 1u << (low % 32);
}

/* PORT[-PORT],... */
static bool read_ports(const char *text)
{
	unsigned long low, high;

	for (;; text++) {
		text = read_port(text, &low);
		high = low;
		if (text && *text == '-')
			text = read_port(text + 1, &high);
		if (!text || high < low || (*text && *text != ','))
			return false;
		adopt_ports(low, high);
		if (!*text)
			return true;
	}
}

static enum cop_adopt env_adopt(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		return COP_ADOPT_NONE;
	if (!strcmp(value, "udp"))
		return COP_ADOPT_ALL;
	memset(adopted, 0, sizeof(adopted));
	if (!strncmp(value, "udp:", 4) && read_ports(value + 4))
		return COP_ADOPT_SOME;
	cop_log("%s=%s is ignored: udp or udp:PORT[-PORT],... is understood",
		name, value);
	return COP_ADOPT_NONE;
}

void cop_env_init(void)
{
	cop_env.adopt = env_adopt("COP_ADOPT");
	cop_env.debug = env_switch("COP_DEBUG");
	cop_env.stats = env_path("COP_STATS");
}
