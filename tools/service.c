// SPDX-License-Identifier: MIT
/*
 * service.c - cop enable, cop disable and cop status: libcop in a service of systemd.
 *
 * A drop-in puts the library and its settings into the service's environment. The unit
 * itself stays as it is, so that an update may replace it. Counterpart: mptcpize(8).
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager.h"
#include "say.h"
#include "service.h"

#define ARRAY(a) (sizeof(a) / sizeof(*(a)))

static const char *asks_for_user, *root = "";

const struct own_option service_own[SERVICE_OWN] = {
	{ "--user", "", "a unit of your own systemd, not of the system's",
	  &asks_for_user },
	{ "--root", " DIR", "the system that is in DIR, not this one", &root },
};

/* ---- the arguments -------------------------------------------------------- */

/* As systemd finds it. Without it the drop-in would be for all users. */
static int find_home(const char *subcommand)
{
	const char *home = getenv("HOME");
	struct passwd *user;

	if (home && *home == '/')
		return 0;
	user = getpwuid(geteuid());
	if (user && *user->pw_dir == '/' && !setenv("HOME", user->pw_dir, 1))
		return 0;
	return cop_fail(EXIT_USAGE, "%s: --user: you have no home: set HOME",
			subcommand);
}

static int set_place(const char *subcommand, struct unit *unit)
{
	size_t len = strlen(root);
	char *dir;

	if (*root && asks_for_user)
		return cop_fail(EXIT_USAGE,
				"%s: --root is for the system's units: leave "
				"out --user",
				subcommand);
	unit->place.is_user = asks_for_user;
	unit->place.root = "";
	if (!len)
		return asks_for_user ? find_home(subcommand) : 0;
	dir = realpath(root, NULL);
	if (!dir)
		return cop_fail(EXIT_USAGE, "%s: --root %s: %s", subcommand,
				root, strerror(errno));
	unit->place.root = strcmp(dir, "/") ? dir : "";
	return 0;
}

static int take_name(const char *subcommand, struct unit *unit,
		     const char *given)
{
	const char *wrong;

	if (*unit->name)
		return cop_fail(EXIT_USAGE, "%s: takes one unit", subcommand);
	wrong = unit_set_name(unit, given);
	return wrong ? cop_fail(EXIT_USAGE, "%s: %s %s", subcommand,
				*given ? given : "\"\"", wrong)
		     : 0;
}

/* Options may stand before the unit and behind it; behind a -- there is none. */
int service_arguments(const struct options *options, int argc, char *argv[],
		      struct unit *unit)
{
	bool has_options = true;
	int at = 1, was, status = 0;

	while (at < argc && !status) {
		was = at;
		if (has_options)
			status = options_read(options, argc, argv, &at);
		if (at > was && !strcmp(argv[at - 1], "--"))
			has_options = false;
		if (!status && at < argc)
			status = take_name(options->subcommand, unit,
					   argv[at++]);
	}
	if (!status && !*unit->name)
		status = cop_fail(EXIT_USAGE,
				  "%s: a unit is missing: cop %s UNIT",
				  options->subcommand, options->subcommand);
	if (!status)
		status = options_check(options);
	return status ?: set_place(options->subcommand, unit);
}

/* ---- messages ------------------------------------------------------------- */

int service_fail(const char *subcommand, const char *path, int err)
{
	const char *hint = "";

	if ((err == -EACCES || err == -EPERM) && !asks_for_user)
		hint = ": be root, or name a unit of your own by --user";
	return cop_fail(SERVICE_FAILED, "%s: %s: %s%s", subcommand, path,
			err == -EXDEV ? "a link leads out of the system there"
				      : strerror(-err),
			hint);
}

int service_foreign(const char *subcommand, const struct dropin *d)
{
	return cop_fail(SERVICE_FAILED,
			"%s: %s: cop enable has not written this file, so it "
			"stays",
			subcommand, d->path);
}

/* Has systemd read the files again, and says what is left to do. */
int service_reload(const char *subcommand, const struct unit *unit)
{
	const char *user = unit->place.is_user ? " --user" : "";

	if (!manager_runs(&unit->place))
		return 0;
	if (!manager_reload(&unit->place))
		return cop_fail(SERVICE_FAILED,
				"%s: systemd has not read it: systemctl%s "
				"daemon-reload",
				subcommand, user);
	cop_say(stdout,
		"It counts when the service starts again: systemctl%s "
		"restart %s",
		user, unit->name);
	return 0;
}

/* ---- cop disable ---------------------------------------------------------- */

static const struct options disable_options = {
	.subcommand = "disable",
	.own = service_own,
	.n_own = SERVICE_OWN,
};

static int disable_main(int argc, char *argv[])
{
	struct unit unit = { .name = "" };
	enum dropin_state state;
	struct dropin d;
	int status = service_arguments(&disable_options, argc, argv, &unit),
	    err;

	if (status)
		return status;
	unit_find(&unit);
	err = dropin_find(&d, &unit, &state);
	if (!err && state == DROPIN_FOREIGN)
		return service_foreign("disable", &d);
	if (!err && state == DROPIN_NONE) {
		cop_say(stdout, "%s: was not enabled", unit.name);
		return 0;
	}
	if (!err)
		err = dropin_remove(&d);
	if (err)
		return service_fail("disable", d.path, err);
	cop_say(stdout, "%s: disabled", unit.name);
	return service_reload("disable", &unit);
}

static void disable_help(void)
{
	printf("\n");
	options_help(&disable_options);
	printf("\nExits with 0, or with %d if the drop-in can't be removed, %d "
	       "if cop is used\nwrongly.\n",
	       SERVICE_FAILED, EXIT_USAGE);
}

const struct command cop_disable = {
	.name = "disable",
	.args = SERVICE_USAGE "UNIT",
	.summary = DISABLE_SUMMARY,
	.help = disable_help,
	.main = disable_main,
};

/* ---- the subcommands ------------------------------------------------------ */

static const struct command *const commands[] = { &cop_enable, &cop_disable,
						  &cop_status };

int main(int argc, char *argv[])
{
	for (size_t i = 0; i < ARRAY(commands) && argc > 1; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return cop_program(commands[i], argc, argv);
	return cop_fail(EXIT_USAGE, "start it by cop enable, cop disable or "
				    "cop status");
}
