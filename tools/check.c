// SPDX-License-Identifier: MIT
/*
 * check.c - cop check: whether libcop acts here, or would act in a program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "library.h"
#include "program.h"
#include "report.h"

/* Returns the status to exit with. */
static int answer(enum verdict verdict, const struct library *lib,
		  const struct program *prog)
{
	char subject[REPORT_MAX], reason[REPORT_MAX];

	report_reason(reason, verdict, verdict == NOT_EXECUTABLE ? errno : 0);
	report_subject(subject, verdict, lib, prog);
	printf("%s: %s: %s\n", subject, verdict_row(verdict)->name, reason);
	return verdict;
}

static int check_command(const char *command)
{
	struct library lib;
	struct program prog = { .runs = "" };
	enum verdict verdict = library_find(&lib);

	if (verdict == ACTIVE)
		verdict = program_find(&prog, command);
	if (verdict == ACTIVE)
		verdict = program_judge(&prog, &lib);
	return answer(verdict, &lib, &prog);
}

static int check_here(void)
{
	return 0;
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

const struct command cop_check = {
	.name = "check",
	.args = "[COMMAND]",
	.summary = "say whether libcop acts here, or would in a program",
	.help = check_help,
	.main = check_main,
};
