// SPDX-License-Identifier: MIT
/*
 * enable.c - cop enable: checks whether libcop would act in a service of systemd, and
 * writes the drop-in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/escape.h"
#include "fitness.h"
#include "library.h"
#include "report.h"
#include "say.h"
#include "service.h"
#include "setting.h"
#include "trusted.h"

#define ARRAY(a) (sizeof(a) / sizeof(*(a)))

static const struct options enable_options = {
	.subcommand = "enable",
	.has_settings = true,
	.own = service_own,
	.n_own = SERVICE_OWN,
};

static void forget_settings(void)
{
	unsetenv("LD_PRELOAD");
	for (size_t i = 0; dropin_variables[i]; i++)
		unsetenv(dropin_variables[i]);
}

/* The service has another current directory. */
static int make_stats_absolute(void)
{
	const char *name = getenv("COP_STATS");

	if (!name || *name == '/' || !strcmp(name, "stderr"))
		return 0;
	return setting_append("COP_STATS", name, true);
}

/* systemd ignores a line with such characters. */
static int check_text(const char *name, const char *text)
{
	size_t size = strlen(text) * COP_ESCAPE_MAX + 1;
	char *safe = malloc(size);
	bool differs = true;

	if (safe) {
		cop_escape(safe, size, text, COP_ESCAPE_LINE);
		differs = strcmp(safe, text);
	}
	free(safe);
	return differs ? cop_fail(EXIT_USAGE,
				  "enable: %s=%s: systemd does not take this "
				  "value",
				  name, text)
		       : 0;
}

static int check_settings(void)
{
	const char *value;
	int status = 0;

	if (make_stats_absolute())
		return cop_fail(EXIT_USAGE, "enable: %s", strerror(errno));
	for (size_t i = 0; dropin_variables[i] && !status; i++) {
		value = getenv(dropin_variables[i]);
		if (value)
			status = check_text(dropin_variables[i], value);
	}
	return status;
}

/* Code that a service runs must not be another user's to change. */
static int check_trust(const char *path)
{
	return trusted_file(path)
		       ? 0
		       : cop_fail(NOT_EXECUTABLE,
				  "enable: %s: another user than root may "
				  "change it, so no service gets it",
				  path);
}

static int check_modules(void)
{
	static const char *const lists[] = { "COP_MODULES", "COP_LOAD" };
	const char *value;
	char *copy, *rest, *path;
	int status = 0;

	for (size_t i = 0; i < ARRAY(lists) && !status; i++) {
		value = getenv(lists[i]);
		rest = copy = value ? strdup(value) : NULL;
		while (!status && (path = strsep(&rest, ":")))
			status = check_trust(path);
		free(copy);
	}
	return status;
}

/* Finds this cop's library, by its path in the system that --root names. */
static int find_library(const struct unit *unit, struct library *lib)
{
	char reason[REPORT_MAX], inside[2 * PATH_MAX];
	enum verdict verdict = library_find(lib);

	if (verdict != ACTIVE) {
		report_reason(reason, verdict, NULL);
		return cop_fail(NOT_EXECUTABLE, "enable: %s: %s", lib->path,
				reason);
	}
	snprintf(inside, sizeof(inside), "%s%s", unit->place.root, lib->path);
	if (access(inside, R_OK))
		return cop_fail(NOT_EXECUTABLE,
				"enable: %s: %s: install libcop in that system",
				inside, strerror(errno));
	return check_text("LD_PRELOAD", lib->path) ?: check_trust(inside);
}

static int no_unit(const struct unit *unit)
{
	return cop_fail(NOT_FOUND, "enable: systemd has no unit %s%s%s",
			unit->name, *unit->place.root ? " in " : "",
			unit->place.root);
}

static int write_dropin(const struct unit *unit,
			const struct unit_settings *settings,
			const char *library)
{
	enum dropin_state state;
	struct dropin d;
	char *before;
	int err = dropin_find(&d, unit, &state);

	if (err)
		return service_fail("enable", d.dir, err);
	if (state == DROPIN_FOREIGN)
		return service_foreign("enable", &d);
	before = unitfile_variable(settings, "LD_PRELOAD");
	err = dropin_write(&d, before, library);
	free(before);
	if (err)
		return service_fail("enable", d.path, err);
	cop_say(stdout, "%s: enabled: %s", unit->name, d.path);
	return 0;
}

static void warn_of_socket(const struct unit *unit)
{
	char name[UNIT_NAME_SIZE];

	if (getenv("COP_ADOPT") && fitness_socket(unit, name))
		cop_say(stderr,
			"cop: enable: systemd opens the UDP sockets of %s "
			"itself, so they stay UDP",
			name);
}

static int enable_unit(const struct unit *unit)
{
	struct unit_settings settings;
	struct library lib;
	char why[WHY_SIZE];
	int status = find_library(unit, &lib);

	if (status)
		return status;
	fitness_read(unit, &settings);
	if (fitness_refuses(unit, &settings, lib.path, why))
		status = cop_fail(NOT_EXECUTABLE, "enable: %s: %s", unit->name,
				  why);
	else
		status = write_dropin(unit, &settings, lib.path);
	unitfile_free(&settings);
	if (status)
		return status;
	warn_of_socket(unit);
	return service_reload("enable", unit);
}

static int enable_main(int argc, char *argv[])
{
	struct unit unit = { .name = "" };
	int status;

	forget_settings();
	status = service_arguments(&enable_options, argc, argv, &unit);
	if (!status)
		status = check_settings();
	if (!status)
		status = check_modules();
	if (status)
		return status;
	if (!unit_find(&unit))
		return no_unit(&unit);
	if (unit.is_masked)
		return cop_fail(NOT_EXECUTABLE,
				"enable: %s is masked, so systemd does not "
				"start it",
				unit.name);
	return enable_unit(&unit);
}

static void enable_help(void)
{
	printf("\n");
	options_help(&enable_options);
	printf("\nExits with 0, or with %d if the drop-in can't be written, %d "
	       "if libcop would\nnot act in the service, %d if there is no "
	       "such "
	       "unit, %d if cop is used wrongly.\n",
	       SERVICE_FAILED, NOT_EXECUTABLE, NOT_FOUND, EXIT_USAGE);
}

const struct command cop_enable = {
	.name = "enable",
	.args = OPTIONS_USAGE SERVICE_USAGE "UNIT",
	.summary = ENABLE_SUMMARY,
	.help = enable_help,
	.main = enable_main,
};
