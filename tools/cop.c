// SPDX-License-Identifier: MIT
/*
 * cop.c - the launcher: finds the subcommand, and explains itself.
 *
 * It is linked statically and starts no process, since every program that is
 * started with it pays for it. A subcommand is a file of its own, and a line in
 * the table below.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cop/version.h"
#include "command.h"

static int version_main(int argc, char *argv[]);
static int help_main(int argc, char *argv[]);

static const struct command version = {
	.name = "version",
	.args = "",
	.summary = "print the version",
	.main = version_main,
};

static const struct command help = {
	.name = "help",
	.args = "[SUBCOMMAND]",
	.summary = "explain cop, or one of these",
	.main = help_main,
};

static const struct command *const commands[] = {
	&cop_run, &cop_check, &cop_stat, &version, &help,
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

int cop_fail(int status, const char *fmt, ...)
{
	char line[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "cop: %s\n", line);
	return status;
}

int cop_usage(const struct command *command)
{
	printf("usage: cop %s %s\n\n%s.\n", command->name, command->args,
	       command->summary);
	if (command->help)
		command->help();
	return 0;
}

static int version_main(int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return cop_fail(EXIT_USAGE, "version: takes no arguments");
	printf("cop %s\n", COP_LIB_VERSION);
	return 0;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	return cop_fail(EXIT_USAGE,
			"there is no subcommand %s: cop help lists them", name);
}

static void help_all(void)
{
	printf("usage: cop SUBCOMMAND ...\n\n"
	       "Give programs COP, a datagram transport over UDP.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\ncop help SUBCOMMAND says more, and so does man cop.\n");
}

static int help_main(int argc, char *argv[])
{
	const struct command *command;

	if (argc > 2)
		return cop_fail(EXIT_USAGE, "help: takes one subcommand");
	if (argc < 2) {
		help_all();
		return 0;
	}
	command = find(argv[1]);
	return command ? cop_usage(command) : unknown(argv[1]);
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "-h") || !strcmp(arg, "--help");
}

/* What one may type instead of a subcommand. */
static const char *long_name(const char *arg)
{
	if (is_help(arg))
		return "help";
	if (!strcmp(arg, "--version"))
		return "version";
	return arg;
}

int main(int argc, char *argv[])
{
	const struct command *command;

	if (argc < 2)
		return cop_fail(EXIT_USAGE, "a subcommand is missing: "
					    "cop help lists them");
	command = find(long_name(argv[1]));
	if (!command)
		return unknown(argv[1]);
	if (argc == 3 && is_help(argv[2]))
		return cop_usage(command);
	return command->main(argc - 1, argv + 1);
}
