// SPDX-License-Identifier: MIT
/*
 * run.c - cop run: puts libcop and its settings into the environment, and
 * executes the program.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carrier.h"
#include "command.h"
#include "library.h"
#include "options.h"
#include "program.h"
#include "report.h"
#include "say.h"

extern char **environ;

static const struct options options = {
	.subcommand = "run",
	.has_settings = true,
};

/* ---- becoming the program ------------------------------------------------ */

static int status_of(enum verdict verdict)
{
	return verdict == NOT_FOUND ? NOT_FOUND : NOT_EXECUTABLE;
}

/* Returns the status to exit with. */
static int say(enum verdict verdict, const struct library *lib,
	       const struct program *prog)
{
	char subject[REPORT_MAX], reason[REPORT_MAX];

	report_reason(reason, verdict,
		      verdict == NOT_EXECUTABLE ? strerror(errno) : NULL);
	report_subject(subject, verdict, lib, prog);
	return cop_fail(status_of(verdict), "run: %s: %s", subject, reason);
}

/* The shell runs a file that the kernel can't run, as in execvp(). */
static int become(const struct program *prog, char *argv[], int argc)
{
	char *shell[argc + 2];

	execve(prog->path, argv, environ);
	if (errno != ENOEXEC)
		return -1;
	shell[0] = SHELL;
	shell[1] = (char *)prog->path;
	memcpy(shell + 2, argv + 1, argc * sizeof(*argv));
	return execve(SHELL, shell, environ);
}

/*
 * Runs a program that can't be read, too: whether libcop acts in it is not
 * known, but most often it does.
 */
static enum verdict prepare(const char *command, struct library *lib,
			    struct program *prog)
{
	enum verdict verdict = library_find(lib);

	prog->runs[0] = '\0';
	if (verdict == ACTIVE)
		verdict = program_find(prog, command);
	if (verdict == ACTIVE)
		verdict = program_judge(prog);
	if (verdict != UNREADABLE)
		return verdict;
	say(verdict, lib, prog);
	return ACTIVE;
}

static int run(char *argv[], int argc)
{
	struct library lib;
	struct program prog;
	char why[REPORT_MAX];
	enum verdict verdict = prepare(argv[0], &lib, &prog);

	if (verdict != ACTIVE)
		return say(verdict, &lib, &prog);
	if (!library_preload(&lib)) {
		if (options_ask_for_transport() &&
		    carrier_refused(why, sizeof(why)))
			return cop_fail(NOT_EXECUTABLE, "run: %s: %s",
					getenv("COP_TRANSPORT"), why);
		become(&prog, argv, argc);
	}
	strcpy(prog.runs, prog.path);
	return say(NOT_EXECUTABLE, &lib, &prog);
}

static int run_main(int argc, char *argv[])
{
	int first = 1;
	int status = options_read(&options, argc, argv, &first);

	if (!status && first == argc)
		return cop_fail(EXIT_USAGE, "run: a command is missing: "
					    "cop run COMMAND...");
	if (!status)
		status = options_check(&options);
	return status ? status : run(argv + first, argc - first);
}

static void run_help(void)
{
	printf("\n");
	options_help(&options);
	printf("\n"
	       "Exits as COMMAND does; with %d if it is not found, %d if it "
	       "can't be executed\nor libcop would not act in it, %d if cop is "
	       "used wrongly.\n",
	       NOT_FOUND, NOT_EXECUTABLE, EXIT_USAGE);
}

const struct command cop_run = {
	.name = "run",
	.args = OPTIONS_USAGE "[--] COMMAND...",
	.summary = "start a program with libcop",
	.help = run_help,
	.main = run_main,
};
