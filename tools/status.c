// SPDX-License-Identifier: MIT
/*
 * status.c - cop status: says whether a service of systemd has the drop-in, and whether
 * the library is in its process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"
#include "manager.h"
#include "say.h"
#include "service.h"

#define NOT_ACTING 2 /* the service runs without the library */

static const struct options status_options = {
	.subcommand = "status",
	.own = service_own,
	.n_own = SERVICE_OWN,
};

static void say_variables(const struct unit_settings *settings)
{
	const char *all = settings->values[UNIT_ENVIRONMENT];
	char *copy = all ? strdup(all) : NULL, *rest = copy, *word;

	while (copy && (word = unitfile_word(&rest)))
		cop_say(stdout, "  %s", unitfile_plain(word));
	free(copy);
}

/* Whether one of the libraries that the drop-in preloads is a libcop that is there. */
static bool has_library(const struct unit *unit,
			const struct unit_settings *settings)
{
	char *list = unitfile_variable(settings, "LD_PRELOAD");
	char *rest = list, *part, path[2 * PATH_MAX];
	bool found = false;

	while (list && !found && (part = strsep(&rest, " :"))) {
		snprintf(path, sizeof(path), "%s%s", unit->place.root,
			 unitfile_plain(part));
		found = library_is_named(part) &&
			(*part != '/' || !access(path, R_OK));
	}
	free(list);
	return found;
}

enum has { HAS_NOT, HAS, HAS_UNKNOWN };

static enum has process_has_library(pid_t pid)
{
	char path[64], line[PATH_MAX + 128];
	enum has has = HAS_NOT;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return HAS_UNKNOWN;
	while (has == HAS_NOT && fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		if (strchr(line, '/') && library_is_named(line))
			has = HAS;
	}
	fclose(maps);
	return has;
}

static void say_has(const struct unit *unit, pid_t pid, enum has has,
		    bool is_enabled)
{
	static const char *const says[] = { "has no libcop", "has libcop",
					    "can't be looked into" };

	if (has == HAS_UNKNOWN || (has == HAS) == is_enabled)
		cop_say(stdout, "%s: process %d %s", unit->name, (int)pid,
			says[has]);
	else
		cop_say(stdout, "%s: process %d %s: systemctl%s restart %s",
			unit->name, (int)pid, says[has],
			unit->place.is_user ? " --user" : "", unit->name);
}

/* Returns whether the service runs, and has not what its drop-in says. */
static bool say_process(const struct unit *unit, bool is_enabled)
{
	enum has has;
	pid_t pid;

	if (!manager_runs(&unit->place))
		return false;
	pid = manager_main_process(unit);
	if (pid <= 0) {
		cop_say(stdout, "%s: %s", unit->name,
			pid ? "systemd does not say whether it runs"
			    : "is not running");
		return false;
	}
	has = process_has_library(pid);
	say_has(unit, pid, has, is_enabled);
	return is_enabled && has == HAS_NOT;
}

static int say_enabled(const struct unit *unit, const struct dropin *d)
{
	struct unit_settings settings;
	bool is_whole;

	dropin_read(d, &settings);
	cop_say(stdout, "%s: enabled: %s", unit->name, d->path);
	say_variables(&settings);
	is_whole = has_library(unit, &settings);
	if (!is_whole)
		cop_say(stdout,
			"%s: libcop.so is no longer there: cop enable it "
			"again, or cop disable it",
			unit->name);
	unitfile_free(&settings);
	return say_process(unit, true) || !is_whole ? NOT_ACTING : 0;
}

static int status_main(int argc, char *argv[])
{
	struct unit unit = { .name = "" };
	enum dropin_state state;
	struct dropin d;
	int status = service_arguments(&status_options, argc, argv, &unit), err;

	if (status)
		return status;
	if (!unit_find(&unit))
		cop_say(stdout, "%s: systemd has no such unit", unit.name);
	err = dropin_find(&d, &unit, &state);
	if (err)
		return service_fail("status", d.dir, err);
	if (state == DROPIN_OURS)
		return say_enabled(&unit, &d);
	cop_say(stdout, "%s: not enabled", unit.name);
	say_process(&unit, false);
	return SERVICE_FAILED;
}

static void status_help(void)
{
	printf("\n");
	options_help(&status_options);
	printf("\nExits with 0 if the unit is enabled, %d if it is not, %d if "
	       "it is enabled but\nlibcop is not in the process that runs, %d "
	       "if cop is used wrongly.\n",
	       SERVICE_FAILED, NOT_ACTING, EXIT_USAGE);
}

const struct command cop_status = {
	.name = "status",
	.args = SERVICE_USAGE "UNIT",
	.summary = STATUS_SUMMARY,
	.help = status_help,
	.main = status_main,
};
