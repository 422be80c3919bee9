// SPDX-License-Identifier: MIT
/*
 * scratch.c - a directory of a test's own, and a shell in it.
 */
#include <criterion/criterion.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

char scratch_dir[64];

static pid_t owner; /* not a child that is to be another program */

/* Also when a test is skipped or fails, after which no .fini is run. */
static void scratch_remove(void)
{
	static struct run_result res;
	const char *const argv[] = { "rm", "-rf", scratch_dir, NULL };

	if (getpid() == owner && !chdir("/"))
		run(&res, argv, false, NULL);
}

void scratch_make(void)
{
	strcpy(scratch_dir, "/tmp/cop-test-XXXXXX");
	cr_assert_not_null(mkdtemp(scratch_dir));
	owner = getpid();
	cr_assert_eq(atexit(scratch_remove), 0);
	cr_assert_eq(chmod(scratch_dir, 0755), 0);
	cr_assert_eq(chdir(scratch_dir), 0);
}

static int shell(struct run_result *res, const char *fmt, va_list ap)
{
	static const char *const env[] = { "COP=" COP_BIN, "LIB=" COP_LIB,
					   "PROGRAMS=" COP_PROGRAMS, NULL };
	char line[16384];
	const char *const argv[] = { "sh", "-c", line, NULL };

	cr_assert_lt((size_t)vsnprintf(line, sizeof(line), fmt, ap),
		     sizeof(line));
	return run(res, argv, false, env);
}

int scratch_shell(struct run_result *res, const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = shell(res, fmt, ap);
	va_end(ap);
	return status;
}

void scratch_must(const char *fmt, ...)
{
	static struct run_result res;
	va_list ap;

	va_start(ap, fmt);
	cr_assert_eq(shell(&res, fmt, ap), 0, "%s: %s%s", fmt, res.out,
		     res.err);
	va_end(ap);
}

void scratch_says(struct run_result *res, const char *out, const char *line)
{
	scratch_shell(res, "%s", line);
	cr_expect_str_eq(res->out, out, "%s: %s%s", line, res->out, res->err);
}

void scratch_says_in_stderr(const struct run_result *res, const char *text)
{
	cr_expect_not_null(strstr(res->err, text), "no \"%s\" in: %s", text,
			   res->err);
}

const char *scratch_modules(void)
{
	static char dir[128];

	snprintf(dir, sizeof(dir), "%s/m", scratch_dir);
	return dir;
}
