// SPDX-License-Identifier: MIT
/*
 * run.c - cop run: puts libcop and its settings into the environment, and
 * executes the program.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adopt.h"
#include "carrier.h"
#include "command.h"
#include "library.h"
#include "program.h"
#include "report.h"
#include "say.h"
#include "setting.h"

extern char **environ;

/* ---- options ------------------------------------------------------------- */

static bool is_name(const char *value)
{
	return *value;
}

static const struct choice {
	const char *name;
	const char *variable; /* the variable that the option sets */
	const char *value;    /* its value if the option has none; "": the
			       * option must have one; NULL: likewise, and it
			       * may stand twice */
	bool (*is_valid)(const char *value); /* NULL: takes no value */
	const char *wants;		     /* names the valid values */
	const char *args, *help;
} choices[] = {
	{ "--adopt", "COP_ADOPT", "udp", adopt_is_valid,
	  "udp, or udp: and ports or ranges of ports, as in udp:5000-5999,7000",
	  "[=udp[:PORTS]]",
	  "make COP sockets of its UDP sockets: of all, or by PORTS" },
	{ "--transport", "COP_TRANSPORT", "", is_name,
	  "a transport's name, or PROTOCOL/TYPE", " NAME",
	  "with --adopt: put them on this transport, not on COP" },
	{ "--stats", "COP_STATS", "stderr", is_name, "stderr or a file's name",
	  "[=FILE]", "print a line for each COP socket that is closed" },
	{ "--debug", "COP_DEBUG", "1", NULL, NULL, "",
	  "report errors and the senders of strays on stderr" },
	{ "--modules", "COP_MODULES", NULL, is_name, "a directory", " DIR",
	  "look in DIR for transports that it asks for" },
	{ "--load", "COP_LOAD", NULL, is_name, "a transport's file", " FILE",
	  "load the transport FILE when it starts" },
};

#define CHOICES (sizeof(choices) / sizeof(*choices))
#define BEYOND	256 /* the first long option's number, beyond all letters */

static int argument_of(const struct choice *c)
{
	if (!c->is_valid)
		return no_argument;
	return c->value && *c->value ? optional_argument : required_argument;
}

/* A value that may be left out needs a = before it: the next word may be the command. */
static void make_options(struct option options[CHOICES + 1])
{
	for (size_t i = 0; i < CHOICES; i++)
		options[i] = (struct option){ choices[i].name + 2,
					      argument_of(&choices[i]), NULL,
					      BEYOND + i };
	options[CHOICES] = (struct option){ 0 };
}

/* Set by --transport: the environment's own COP_TRANSPORT may be for other programs. */
static bool asks_for_transport;

static int apply(const struct choice *c, const char *value)
{
	static bool stands[CHOICES];
	bool *before = &stands[c - choices];
	int err;

	if (!value)
		value = c->value;
	else if (!c->is_valid(value))
		return cop_fail(EXIT_USAGE, "run: %s=%s: the value must be %s",
				c->name, value, c->wants);
	if (!c->value)
		err = setting_append(c->variable, value, !*before);
	else
		err = setenv(c->variable, value, 1);
	*before = true;
	if (!strcmp(c->variable, "COP_TRANSPORT"))
		asks_for_transport = true;
	return err ? cop_fail(EXIT_USAGE, "run: %s", strerror(errno)) : 0;
}

/* Reports an option that getopt_long() has not understood. */
static int refuse(const char *arg)
{
	const struct choice *c;

	if (optopt >= BEYOND) {
		c = &choices[optopt - BEYOND];
		return c->is_valid
			       ? cop_fail(EXIT_USAGE,
					  "run: %s: the value must be %s",
					  c->name, c->wants)
			       : cop_fail(EXIT_USAGE, "run: %s takes no value",
					  c->name);
	}
	return cop_fail(EXIT_USAGE,
			"run: there is no option %s: cop help run lists them",
			arg);
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

static int check_transport(void)
{
	if (!asks_for_transport || is_set("COP_ADOPT"))
		return 0;
	return cop_fail(EXIT_USAGE, "run: --transport needs --adopt");
}

/* Sets *first to the command's index. Returns 0, or the status to exit with. */
static int read_options(int argc, char *argv[], int *first)
{
	struct option options[CHOICES + 1];
	int at = 1, is, status;

	make_options(options);
	opterr = 0;
	while ((is = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		status = is < BEYOND ? refuse(argv[at])
				     : apply(&choices[is - BEYOND], optarg);
		if (status)
			return status;
		at = optind;
	}
	*first = optind;
	if (optind < argc)
		return check_transport();
	return cop_fail(EXIT_USAGE,
			"run: a command is missing: cop run COMMAND...");
}

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
		if (asks_for_transport && carrier_refused(why, sizeof(why)))
			return cop_fail(NOT_EXECUTABLE, "run: %s: %s",
					getenv("COP_TRANSPORT"), why);
		become(&prog, argv, argc);
	}
	strcpy(prog.runs, prog.path);
	return say(NOT_EXECUTABLE, &lib, &prog);
}

static int run_main(int argc, char *argv[])
{
	int first;
	int status = read_options(argc, argv, &first);

	return status ? status : run(argv + first, argc - first);
}

static void run_help(void)
{
	char name[64];

	printf("\n");
	for (size_t i = 0; i < CHOICES; i++) {
		snprintf(name, sizeof(name), "%s%s", choices[i].name,
			 choices[i].args);
		printf("  %-22s %s\n", name, choices[i].help);
	}
	printf("\n"
	       "Exits as COMMAND does; with %d if it is not found, %d if it "
	       "can't be executed\nor libcop would not act in it, %d if cop is "
	       "used wrongly.\n",
	       NOT_FOUND, NOT_EXECUTABLE, EXIT_USAGE);
}

const struct command cop_run = {
	.name = "run",
	.args = "[--adopt[=udp[:PORTS]]] [--transport NAME] [--stats[=FILE]] "
		"[--debug] [--modules DIR] [--load FILE] [--] COMMAND...",
	.summary = "start a program with libcop",
	.help = run_help,
	.main = run_main,
};
