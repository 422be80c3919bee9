// SPDX-License-Identifier: MIT
/*
 * check.c - cop check: says whether libcop acts here, or would act in a
 * program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "library.h"
#include "loader.h"
#include "program.h"
#include "report.h"
#include "say.h"

/* Returns the status to exit with. */
static int answer(const char *subject, enum verdict verdict, const char *reason)
{
	cop_say(stdout, "%s: %s: %s", subject, verdict_row(verdict)->name,
		reason);
	return verdict;
}

/* ---- a command ----------------------------------------------------------- */

/*
 * Does everything that cop run would do, and then asks the program's loader,
 * too.
 */
static enum verdict judge(const char *command, struct library *lib,
			  struct program *prog, const char **detail)
{
	static struct loaded loaded;
	enum verdict verdict = library_find(lib);

	if (verdict == ACTIVE)
		verdict = program_find(prog, command);
	if (verdict == ACTIVE)
		verdict = program_judge(prog);
	if (verdict == NOT_EXECUTABLE)
		*detail = strerror(errno);
	if (verdict != ACTIVE || library_preload(lib))
		return verdict;
	verdict = loader_ask(prog, &loaded);
	if (verdict == UNLOADABLE)
		*detail = loaded.complaint;
	return verdict;
}

static int check_command(const char *command)
{
	char subject[REPORT_MAX], reason[REPORT_MAX];
	struct program prog = { .runs = "" };
	const char *detail = NULL;
	struct library lib;
	enum verdict verdict = judge(command, &lib, &prog, &detail);

	report_subject(subject, verdict, &lib, &prog);
	report_reason(reason, verdict, detail);
	return answer(subject, verdict, reason);
}

/* ---- the environment ----------------------------------------------------- */

/*
 * Asks the shell's loader: LD_PRELOAD and /etc/ld.so.preload serve every
 * program.
 */
static int check_environment(void)
{
	char reason[REPORT_MAX];
	struct program shell = { .path = SHELL };
	struct loaded loaded;
	enum verdict verdict = program_judge(&shell);

	if (verdict != ACTIVE) {
		report_reason(reason, verdict, NULL);
		return answer(SHELL, verdict, reason);
	}
	verdict = loader_ask(&shell, &loaded);
	if (verdict == ACTIVE)
		snprintf(reason, sizeof(reason), "programs get %s",
			 loaded.path);
	else
		report_reason(reason, verdict,
			      verdict == UNLOADABLE ? loaded.complaint : NULL);
	return answer("here", verdict, reason);
}

static void tell_library(void)
{
	char reason[REPORT_MAX];
	struct library lib;
	enum verdict verdict = library_find(&lib);

	if (verdict == ACTIVE)
		snprintf(reason, sizeof(reason), "programs get %s", lib.path);
	else
		report_reason(reason, verdict, NULL);
	answer("with cop run", verdict, reason);
}

static int check_here(void)
{
	int status = check_environment();

	tell_library();
	return status;
}

static int check_main(int argc, char *argv[])
{
	if (argc > 2)
		return cop_fail(EXIT_USAGE, "check: takes one command, without "
					    "its arguments");
	return argc == 2 ? check_command(argv[1]) : check_here();
}

static void check_help(void)
{
	printf("\nExits with\n\n");
	for (size_t i = 0; i < cop_verdicts_count; i++)
		printf("  %3d  %-14s  %s\n", cop_verdicts[i].code,
		       cop_verdicts[i].name, cop_verdicts[i].text);
	printf("  %3d  %-14s  %s\n", EXIT_USAGE, "-", "cop is used wrongly");
}

static const struct command check = {
	.name = "check",
	.args = "[COMMAND]",
	.summary = CHECK_SUMMARY,
	.help = check_help,
	.main = check_main,
};

int main(int argc, char *argv[])
{
	return cop_program(&check, argc, argv);
}
