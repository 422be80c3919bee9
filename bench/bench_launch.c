// SPDX-License-Identifier: MIT
/*
 * bench_launch.c - what a launcher costs: how long a program takes with a
 * launcher, and how long it takes alone.
 *
 * The program does nothing, so this measures its start. The benchmark compares
 * cop run, the library without a launcher, and other launchers of preloaded
 * libraries, if they are installed.
 */
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define PROGRAM "/bin/true"
#define ROUNDS	100
#define SAMPLES 2

struct start {
	char path[512];
	char *argv[5];
	char env[512];
};

static void run_start(void *arg, unsigned int n)
{
	struct start *start = arg;
	char *envp[] = { "PATH=/usr/bin:/bin", *start->env ? start->env : NULL,
			 NULL };
	int status;
	pid_t pid;

	while (n--)
		if (posix_spawn(&pid, start->path, NULL, NULL, start->argv,
				envp) ||
		    waitpid(pid, &status, 0) != pid || status)
			bench_die(start->path);
}

static const struct variant {
	const char *name;
	const char *command; /* NULL: cop itself */
	char *argv[5];
	struct bench_goal goal;
} variants[] = {
	{ "cop run true", NULL, { "cop", "run", PROGRAM }, { .diff = 400000 } },
	{ "cop run --adopt true",
	  NULL,
	  { "cop", "run", "--adopt", PROGRAM },
	  { .diff = 400000 } },
	{ "mptcpize run true", "mptcpize", { "mptcpize", "run", PROGRAM }, {} },
	{ "smc_run true", "smc_run", { "smc_run", PROGRAM }, {} },
	{ "proxychains4 -q true",
	  "proxychains4",
	  { "proxychains4", "-q", PROGRAM },
	  {} },
	{ "torsocks true", "torsocks", { "torsocks", PROGRAM }, {} },
};

/* Finds the cop that belongs to the library. */
static bool find(const char *command, char *path, size_t size)
{
	static const char *const dirs[] = { "/usr/local/bin", "/usr/bin",
					    "/bin" };
	const char *cop = getenv("COP_BIN");

	if (!command) {
		snprintf(path, size, "%s", cop ? cop : "");
		return !access(path, X_OK);
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, size, "%s/%s", dirs[i], command);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

static void measure(const char *name, struct start *start,
		    const struct bench_goal *goal)
{
	struct start alone = { .path = PROGRAM, .argv = { "true" } };
	struct bench_op a = { .run = run_start, .arg = start, .n = 1 };
	struct bench_op b = { .run = run_start, .arg = &alone, .n = 1 };
	struct bench_side ours = { .op = &a }, plain = { .op = &b };
	struct bench_result res = { 0 };

	bench_rounds(&res, &ours, &plain, ROUNDS, SAMPLES);
	bench_report(name, &res, goal);
}

int main(void)
{
	struct start preloaded = { .path = PROGRAM, .argv = { "true" } };

	bench_begin("launch");
	bench_title("ns to run " PROGRAM, "started so", "alone");
	snprintf(preloaded.env, sizeof(preloaded.env), "LD_PRELOAD=%s",
		 bench_lib());
	measure("LD_PRELOAD=libcop.so true", &preloaded, NULL);
	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++) {
		struct start start = { .env = "" };

		memcpy(start.argv, variants[i].argv, sizeof(start.argv));
		if (find(variants[i].command, start.path, sizeof(start.path)))
			measure(variants[i].name, &start, &variants[i].goal);
		else if (!variants[i].command)
			bench_note("COP_BIN is to be cop's whole path");
	}
	return 0;
}
