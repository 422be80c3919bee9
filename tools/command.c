// SPDX-License-Identifier: MIT
/*
 * command.c - functions that the subcommands of cop share.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "say.h"
#include "self.h"

int cop_usage(const struct command *command)
{
	printf("usage: cop %s %s\n\n%s.\n", command->name, command->args,
	       command->summary);
	if (command->help)
		command->help();
	return 0;
}

bool cop_is_help(const char *arg)
{
	return !strcmp(arg, "-h") || !strcmp(arg, "--help");
}

int cop_finish(int status)
{
	if (fflush(stdout) || ferror(stdout))
		return cop_fail(EXIT_USAGE, "standard output: %s",
				strerror(errno));
	return status;
}

int cop_program(const struct command *command, int argc, char *argv[])
{
	bool has_launcher = argc > 1 && (!argv[0][0] || argv[0][0] == '/');

	if (has_launcher && !strcmp(argv[1], command->name)) {
		self_set_launcher(argv[0]);
		argc--;
		argv++;
	}
	if (argc == 2 && cop_is_help(argv[1]))
		return cop_finish(cop_usage(command));
	return cop_finish(command->main(argc, argv));
}
