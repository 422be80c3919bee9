// SPDX-License-Identifier: MIT
/*
 * cop.c - the launcher: finds the subcommand, and prints the help.
 *
 * The launcher is linked statically and starts no process, because every
 * program that it starts has to wait for it. Only --transport starts one. Other subcommands are programs of
 * their own, cop-NAME, which cop executes. Each subcommand has a line in the
 * table below. Counterpart: git, and its programs in libexec/git-core.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/version.h"
#include "command.h"
#include "key.h"
#include "say.h"
#include "self.h"

#ifndef COP_LIBEXECDIR
#define COP_LIBEXECDIR "/usr/local/libexec"
#endif

#define PROGRAMS \
	"libexec/cop/cop-" /* relative to cop, or to its bin's parent */

static int version_main(int argc, char *argv[]);
static int help_main(int argc, char *argv[]);

static const struct command check = {
	.name = "check",
	.summary = CHECK_SUMMARY,
	.keeps_preload = true,
};

static const struct command stat = {
	.name = "stat",
	.summary = STAT_SUMMARY,
};

static const struct command transports = {
	.name = "transports",
	.summary = TRANSPORTS_SUMMARY,
};

static const struct command enable = {
	.name = "enable",
	.summary = ENABLE_SUMMARY,
	.program = "service",
};

static const struct command disable = {
	.name = "disable",
	.summary = DISABLE_SUMMARY,
	.program = "service",
};

static const struct command status = {
	.name = "status",
	.summary = STATUS_SUMMARY,
	.program = "service",
};

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
	&cop_run, &cop_key, &check,  &stat,    &transports,
	&enable,  &disable, &status, &version, &help,
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

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
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\ncop help SUBCOMMAND says more, and so does man cop.\n");
}

/*
 * Executes the program of a subcommand: argv[0] is the subcommand's name. It
 * removes LD_PRELOAD and LD_AUDIT first, which are meant for other programs. A
 * subcommand that reads LD_PRELOAD is linked statically, so no loader obeys it
 * there.
 */
static int become(const struct command *command, int argc, char *argv[])
{
	char path[PATH_MAX], self[PATH_MAX], name[64], otherwise[PATH_MAX];
	const char *program = command->program ?: command->name;
	char *args[argc + 2];

	snprintf(name, sizeof(name), PROGRAMS "%s", program);
	snprintf(otherwise, sizeof(otherwise), COP_LIBEXECDIR "/cop/cop-%s",
		 program);
	if (!self_path(self))
		self[0] = '\0';
	args[0] = self;
	memcpy(args + 1, argv, (argc + 1) * sizeof(*argv));
	self_find(path, name, name, otherwise, X_OK);
	if (!command->keeps_preload) {
		unsetenv("LD_PRELOAD");
		unsetenv("LD_AUDIT");
	}
	execv(path, args);
	return cop_fail(EXIT_USAGE, "%s: %s: %s", command->name, path,
			strerror(errno));
}

static int explain(const struct command *command)
{
	char *argv[] = { (char *)command->name, "--help", NULL };

	return command->main ? cop_usage(command) : become(command, 2, argv);
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
	return command ? explain(command) : unknown(argv[1]);
}

/* Options that stand in the place of a subcommand. */
static const char *long_name(const char *arg)
{
	if (cop_is_help(arg))
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
	if (argc == 3 && cop_is_help(argv[2]))
		return cop_finish(explain(command));
	if (!command->main)
		return become(command, argc - 1, argv + 1);
	return cop_finish(command->main(argc - 1, argv + 1));
}
