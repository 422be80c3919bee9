// SPDX-License-Identifier: MIT
/*
 * environment.c - values of the library's variables, a line for each: whatever they are,
 * the settings are those that a plain reading gives, the library keeps no pointer into
 * the environment, and a terminal obeys nothing of what it prints.
 *
 * In a line, the bytes 1, C, N stand for 16 * N times C, so that few bytes make a value
 * as long as a path can be.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/input.h"
#include "fuzz/reports.h"
#include "inet/request.h"
#include "lib/env.h"
#include "lib/libc.h"

#define CWD	 "/usr" /* relative names start here */
#define LONGEST	 (3 * PATH_MAX)
#define OUTPUT	 4096
#define LINE_LEN 512

enum { ADOPT, DEBUG, STATS, TRANSPORT, MODULES, LOAD, VARIABLES };

static const char *const names[VARIABLES] = {
	[ADOPT] = "COP_ADOPT",	   [DEBUG] = "COP_DEBUG",
	[STATS] = "COP_STATS",	   [TRANSPORT] = "COP_TRANSPORT",
	[MODULES] = "COP_MODULES", [LOAD] = "COP_LOAD",
};

/* ---- values --------------------------------------------------------------- */

/* Returns where the copies end. */
static char *repeat(char *to, const char *end, char c, unsigned char n)
{
	size_t len = 16 * n;

	if (!c || len > (size_t)(end - to))
		return to;
	memset(to, c, len);
	return to + len;
}

static void take_value(struct input *in, char value[LONGEST + 1])
{
	char *line = input_line(in), *to = value, *end = value + LONGEST;

	for (const char *s = line; *s && to < end; s++) {
		if (*s != 1) {
			*to++ = *s;
		} else if (s[1] && s[2]) {
			to = repeat(to, end, s[1], s[2]);
			s += 2;
		}
	}
	*to = '\0';
	free(line);
}

/* In memory that is gone when the library has read it. */
static char *set(const char *name, const char *value)
{
	char *pair;

	HOLDS(asprintf(&pair, "%s=%s", name, value) > 0);
	HOLDS(!putenv(pair));
	return pair;
}

/* ---- what the library makes of them ---------------------------------------- */

static void init(int err)
{
	int cwd = open(".", O_PATH | O_CLOEXEC), was = dup(STDERR_FILENO);

	HOLDS(cwd >= 0 && was >= 0 && !chdir(CWD));
	dup2(err, STDERR_FILENO);
	cop_env_init();
	request_init();
	dup2(was, STDERR_FILENO);
	HOLDS(!fchdir(cwd));
	close(was);
	close(cwd);
}

/* Only whole lines, with nothing in them that a terminal obeys. */
static void check_output(int fd)
{
	static char text[OUTPUT];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	size_t start = 0;

	HOLDS(n >= 0 && n < OUTPUT && (!n || text[n - 1] == '\n'));
	for (size_t i = 0; i < (size_t)n; i++) {
		HOLDS((text[i] & 0xe0) || text[i] == '\n');
		HOLDS(text[i] != 0x7f);
		if (text[i] != '\n')
			continue;
		HOLDS(i - start < LINE_LEN);
		HOLDS(!strncmp(text + start, "libcop[", 7));
		start = i + 1;
	}
}

static void check_debug(const char *value)
{
	int expected = 0;

	for (int level = 1; level <= 2; level++)
		if (value[0] == '0' + level && !value[1])
			expected = level;
	HOLDS(cop_env.debug == expected);
}

static void check_transport(const char *value)
{
	size_t len = strnlen(value, sizeof(cop_env.transport) - 1);

	HOLDS(strlen(cop_env.transport) == len);
	HOLDS(!memcmp(cop_env.transport, value, len));
}

/* Writes a name made absolute; more than the library can keep stays more. */
static void put_absolute(char path[2 * LONGEST], const char *name, size_t len)
{
	snprintf(path, 2 * LONGEST, "%s%.*s", *name == '/' ? "" : CWD "/",
		 (int)len, name);
}

static bool can_be_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) || S_ISREG(st.st_mode);
}

static void check_stats(const char *value)
{
	char path[2 * LONGEST];

	put_absolute(path, value, strlen(value));
	if (!strcmp(value, "stderr"))
		strcpy(path, value);
	else if (!*value || strlen(path) >= PATH_MAX || !can_be_file(path))
		*path = '\0';
	HOLDS(!strcmp(cop_env.stats ?: "", path));
}

/* A list that is too long is none; empty names count nothing. */
static void check_list(const char *value, const char *list)
{
	static char expected[2 * LONGEST], path[2 * LONGEST];
	size_t len, at = 0;

	for (expected[0] = '\0'; *value; value += len + !!value[len]) {
		len = strcspn(value, ":");
		if (!len)
			continue;
		put_absolute(path, value, len);
		at += snprintf(expected + at, sizeof(expected) - at, "%s%s",
			       at ? ":" : "", path);
		if (at >= PATH_MAX) {
			expected[0] = '\0';
			break;
		}
	}
	HOLDS(!strcmp(list, expected));
}

static void check(char values[VARIABLES][LONGEST + 1])
{
	HOLDS((cop_env.adopt == COP_ADOPT_ALL) ==
	      !strcmp(values[ADOPT], "udp"));
	HOLDS(cop_env.adopt != COP_ADOPT_SOME ||
	      !strncmp(values[ADOPT], "udp:", 4));
	check_debug(values[DEBUG]);
	check_transport(values[TRANSPORT]);
	check_stats(values[STATS]);
	check_list(values[MODULES], request_dirs());
	check_list(values[LOAD], request_files());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char values[VARIABLES][LONGEST + 1];
	struct input in = { data, size };
	int err = memfd_create("stderr", MFD_CLOEXEC);
	char *pairs[VARIABLES];

	HOLDS(err >= 0);
	keep_reports();
	cop_libc_init();
	for (int i = 0; i < VARIABLES; i++) {
		take_value(&in, values[i]);
		pairs[i] = set(names[i], values[i]);
	}
	init(err);
	for (int i = 0; i < VARIABLES; i++) {
		unsetenv(names[i]);
		free(pairs[i]);
	}
	check_output(err);
	close(err);
	check(values);
	return 0;
}
