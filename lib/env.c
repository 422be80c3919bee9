// SPDX-License-Identifier: MIT
/*
 * lib/env.c - the settings in the environment, and the library's messages.
 *
 * Owns: cop_env, the list of adopted ports, the path of COP_STATS, and the
 * count of messages in this second. Protected by: the settings are written
 * once, when the library is loaded; the count is atomic. Counterpart in the
 * kernel: module parameters, printk.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "lib/escape.h"
#include "lib/libc.h"
#include "lib/output.h"
#include "lib/scratch.h"

#define PORT_MAX 65535

struct cop_env cop_env;
_Atomic(bool) cop_sifts;

static char path[PATH_MAX]; /* the value of COP_STATS */

static uint32_t adopted[(PORT_MAX + 1) / 32]; /* a bit for each port */

static int put_head(char *line, size_t size, int fd)
{
	struct timespec now;
	int n;

	cop_clock_read(CLOCK_REALTIME, &now);
	n = snprintf(line, size, "libcop[%d] %lld.%06ld", getpid(),
		     (long long)now.tv_sec, now.tv_nsec / 1000);
	if (fd >= 0)
		n += snprintf(line + n, size - n, " fd %d", fd);
	return n + snprintf(line + n, size - n, ": ");
}

/*
 * Escapes the whole line, because names, paths and values in it come from
 * outside.
 */
static void write_line(int out, const char *text)
{
	char line[512];
	size_t n = cop_escape(line, sizeof(line) - 1, text, COP_ESCAPE_LINE);

	line[n] = '\n';
	cop_output_write(out, line, n + 1);
}

static void write_lost(int out)
{
	uint32_t lost = cop_output_lost();
	char line[128];
	int head;

	if (likely(!lost))
		return;
	head = put_head(line, sizeof(line), -1);
	snprintf(line + head, sizeof(line) - head,
		 "%u lines could not be written", lost);
	write_line(out, line);
}

int cop_log_begin(void)
{
	int out = cop_output_stderr();

	if (out >= 0)
		write_lost(out);
	return out;
}

static void log_line(int fd, const char *fmt, va_list ap)
{
	struct cop_scratch part;
	int saved = errno, out;
	char text[512];
	int head = put_head(text, sizeof(text), fd);

	if (vsnprintf(text + head, sizeof(text) - head, fmt, ap) < 0)
		return;
	cop_scratch_begin(&part);
	out = cop_log_begin();
	if (out >= 0) {
		write_line(out, text);
		cop_output_close(out);
	}
	cop_scratch_end(&part);
	errno = saved;
}

void cop_log(int fd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fd, fmt, ap);
	va_end(ap);
}

/* Returns whether one more line may be written in this second. */
static bool may_say(void)
{
	static _Atomic(uint32_t) second, said;
	struct timespec now;
	uint32_t was, left_out;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	was = READ_ONCE(second);
	if (was != (uint32_t)now.tv_sec &&
	    atomic_compare_exchange_strong(&second, &was, now.tv_sec)) {
		left_out = atomic_exchange(&said, 0);
		if (left_out > COP_LOG_BURST)
			cop_log(-1, "%u lines were left out",
				left_out - COP_LOG_BURST);
	}
	return atomic_fetch_add(&said, 1) < COP_LOG_BURST;
}

void cop_log_some(int fd, const char *fmt, ...)
{
	va_list ap;

	if (!may_say())
		return;
	va_start(ap, fmt);
	log_line(fd, fmt, ap);
	va_end(ap);
}

static int env_level(const char *name)
{
	const char *value = secure_getenv(name);

	if (!value)
		return COP_DEBUG_OFF;
	if (*value >= '0' && *value <= '2' && !value[1])
		return *value - '0';
	cop_log(-1, "%s=%.200s is ignored: it must be 0, 1 or 2", name, value);
	return COP_DEBUG_OFF;
}

/*
 * A relative name starts at the directory of this moment: the program may be in
 * another directory when the library writes the file.
 */
static bool path_is_put(const char *name)
{
	size_t len = 0;

	if (*name != '/') {
		if (!getcwd(path, sizeof(path)))
			return false;
		len = strlen(path);
		path[len++] = '/';
	}
	if (len + strlen(name) >= sizeof(path))
		return false;
	strcpy(path + len, name);
	return true;
}

/* Copies the path: a program that sets its title overwrites the environment. */
static const char *env_path(const char *name)
{
	const char *value = secure_getenv(name);
	struct stat64 st;

	if (!value)
		return NULL;
	if (!strcmp(value, "stderr"))
		return "stderr";
	if (*value && path_is_put(value) &&
	    (lstat64(path, &st) || S_ISREG(st.st_mode)))
		return path;
	cop_log(-1, "%s=%.200s is ignored: it must be stderr or a file's name",
		name, value);
	return NULL;
}

bool cop_env_adopts(uint16_t port)
{
	return adopted[port / 32] >> (port % 32) & 1;
}

/*
 * Reads a port in decimal digits. Returns the text behind it, NULL for no port.
 */
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

/* Reads PORT[-PORT],... Returns whether the text has this form. */
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
	const char *value = secure_getenv(name);

	if (!value)
		return COP_ADOPT_NONE;
	if (!strcmp(value, "udp"))
		return COP_ADOPT_ALL;
	memset(adopted, 0, sizeof(adopted));
	if (!strncmp(value, "udp:", 4) && read_ports(value + 4))
		return COP_ADOPT_SOME;
	cop_log(-1,
		"%s=%.200s is ignored: it must be udp or udp:PORT[-PORT],...",
		name, value);
	return COP_ADOPT_NONE;
}

/* A name that is cut off names no transport: no transport has one as long. */
static void env_transport(const char *name)
{
	const char *value = secure_getenv(name) ?: "";

	snprintf(cop_env.transport, sizeof(cop_env.transport), "%s", value);
}

void cop_env_init(void)
{
	cop_output_init();
	cop_env.adopt = env_adopt("COP_ADOPT");
	cop_env.debug = env_level("COP_DEBUG");
	if (cop_env.debug)
		WRITE_ONCE(cop_sifts, true);
	env_transport("COP_TRANSPORT");
	cop_env.stats = env_path("COP_STATS");
}
