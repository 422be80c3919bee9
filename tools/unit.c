// SPDX-License-Identifier: MIT
/*
 * unit.c - finds the files of a service of systemd, without systemd's help: it may not
 * be running, as in a system that is being installed. Counterpart: systemd.unit(5).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define SUFFIX	    ".service"
#define ALIASES_MAX 8
#define DROPINS_MAX 256

/* ---- names ---------------------------------------------------------------- */

/* As unit_name_is_valid() of systemd; a / is never among them. */
static bool has_valid_letters(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";

	return name[strspn(name, letters)] == '\0';
}

/* Whether a name without its suffix is one, and perhaps an instance. */
static bool is_valid(const char *name)
{
	return *name && *name != '@' && has_valid_letters(name);
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len >= n && !strcmp(name + len - n, suffix);
}

static bool is_of_other_type(const char *name)
{
	static const char *const types[] = {
		".socket", ".timer",  ".target",    ".mount", ".path",
		".slice",  ".device", ".automount", ".swap",  ".scope",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (ends_in(name, types[i]))
			return true;
	return false;
}

const char *unit_set_name(struct unit *unit, const char *given)
{
	const char *suffix = ends_in(given, SUFFIX) ? "" : SUFFIX;
	char stem[UNIT_NAME_SIZE];

	if (is_of_other_type(given))
		return "is no service, so it starts no program that could "
		       "have COP: name the service";
	if ((size_t)snprintf(unit->name, sizeof(unit->name), "%s%s", given,
			     suffix) >= sizeof(unit->name))
		return "is too long for a unit's name";
	snprintf(stem, sizeof(stem), "%.*s",
		 (int)(strlen(unit->name) - strlen(SUFFIX)), unit->name);
	return is_valid(stem) ? NULL : "is no name that a unit can have";
}

/* Writes NAME@.service for NAME@INSTANCE.service. Returns whether it is an instance. */
static bool template_of(const char *name, char template[UNIT_NAME_SIZE])
{
	const char *at = strchr(name, '@');

	if (!at || !strcmp(at, "@" SUFFIX))
		return false;
	snprintf(template, UNIT_NAME_SIZE, "%.*s@" SUFFIX, (int)(at - name),
		 name);
	return true;
}

/* ---- directories ---------------------------------------------------------- */

/* A directory is one of the first that is set, and a rest. */
struct source {
	const char *variable; /* of the environment; NULL: the root directory */
	const char *rest;
};

/* The first one counts most, as in systemd. The second part is written by generators. */
static const struct source of_system[] = {
	{ NULL, "/etc/systemd/system" },
	{ NULL, "/etc/systemd/system.attached" },
	{ NULL, "/run/systemd/system" },
	{ NULL, "/run/systemd/system.attached" },
	{ NULL, "/run/systemd/generator" },
	{ NULL, "/usr/local/lib/systemd/system" },
	{ NULL, "/usr/lib/systemd/system" },
	{ NULL, "/lib/systemd/system" },
	{ NULL, "/run/systemd/generator.late" },
};

static const struct source of_user[] = {
	{ "XDG_CONFIG_HOME", "/systemd/user" },
	{ "HOME", "/.config/systemd/user" },
	{ NULL, "/etc/systemd/user" },
	{ "XDG_RUNTIME_DIR", "/systemd/user" },
	{ NULL, "/run/systemd/user" },
	{ "XDG_RUNTIME_DIR", "/systemd/generator" },
	{ "XDG_DATA_HOME", "/systemd/user" },
	{ "HOME", "/.local/share/systemd/user" },
	{ NULL, "/usr/local/share/systemd/user" },
	{ NULL, "/usr/share/systemd/user" },
	{ NULL, "/usr/local/lib/systemd/user" },
	{ NULL, "/usr/lib/systemd/user" },
	{ "XDG_RUNTIME_DIR", "/systemd/generator.late" },
};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static size_t places(const struct unit *unit)
{
	return unit->place.is_user ? COUNT(of_user) : COUNT(of_system);
}

/* Writes the path of a unit's directory. Returns whether there is one. */
static bool place(const struct unit *unit, size_t i, char path[PATH_MAX])
{
	const struct source *s =
		unit->place.is_user ? &of_user[i] : &of_system[i];
	const char *before =
		s->variable ? getenv(s->variable) : unit->place.root;

	if (!before || (s->variable && *before != '/'))
		return false;
	return snprintf(path, PATH_MAX, "%s%s", before, s->rest) < PATH_MAX;
}

static bool join(char path[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

/* ---- the unit's file ------------------------------------------------------ */

/* An absolute link means a file below the root. Returns whether there is a path. */
static bool follow(const struct unit *unit, const char *dir, const char *link,
		   char path[PATH_MAX])
{
	if (*link == '/')
		return snprintf(path, PATH_MAX, "%s%s", unit->place.root,
				link) < PATH_MAX;
	return join(path, dir, link);
}

/* A link that leads out of systemd's directories only says where the file is. */
static bool leads_to_unit(const struct unit *unit, const char *path)
{
	char target[PATH_MAX], dir[PATH_MAX], real[PATH_MAX];

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path),
		 path);
	if (!realpath(dir, target))
		return false;
	for (size_t i = 0; i < places(unit); i++)
		if (place(unit, i, dir) && realpath(dir, real) &&
		    !strcmp(real, target))
			return true;
	return false;
}

/*
 * Gives the unit the name that a link to base means: of a link to a template an
 * instance keeps what is behind its @. Returns whether that is another name.
 */
static bool rename_to(struct unit *unit, const char *base)
{
	const char *at = strchr(unit->name, '@');
	char name[UNIT_NAME_SIZE];
	int len = strlen(base);

	if (!ends_in(base, SUFFIX) || !is_valid(base))
		return false;
	if (ends_in(base, "@" SUFFIX) && at)
		len -= strlen("@" SUFFIX);
	else
		at = "";
	if (snprintf(name, sizeof(name), "%.*s%s", len, base, at) >=
		    (int)sizeof(name) ||
	    !strcmp(name, unit->name))
		return false;
	strcpy(unit->name, name);
	return true;
}

enum found { NOT_HERE, HERE, ALIAS };

/*
 * A link to a unit with another name makes an alias: the unit has that name, and
 * systemd reads the drop-ins of both. A link to /dev/null masks the unit.
 */
static enum found look(struct unit *unit, const char *dir, const char *name)
{
	char link[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (!join(unit->path, dir, name) || lstat(unit->path, &st))
		return NOT_HERE;
	n = readlink(unit->path, link, sizeof(link) - 1);
	if (n < 0) {
		unit->is_masked = S_ISREG(st.st_mode) && !st.st_size;
		return HERE;
	}
	link[n] = '\0';
	unit->is_masked = !strcmp(link, "/dev/null");
	if (unit->is_masked)
		return HERE;
	if (!follow(unit, dir, link, unit->path))
		return NOT_HERE;
	if (leads_to_unit(unit, unit->path) &&
	    rename_to(unit, strrchr(unit->path, '/') + 1))
		return ALIAS;
	return access(unit->path, F_OK) ? NOT_HERE : HERE;
}

static enum found look_everywhere(struct unit *unit, const char *name)
{
	char dir[PATH_MAX];
	enum found found;

	for (size_t i = 0; i < places(unit); i++) {
		if (!place(unit, i, dir))
			continue;
		found = look(unit, dir, name);
		if (found != NOT_HERE)
			return found;
	}
	return NOT_HERE;
}

/* An instance that has no file has that of its template. */
static enum found look_for(struct unit *unit)
{
	enum found found = look_everywhere(unit, unit->name);
	char template[UNIT_NAME_SIZE];

	if (found == NOT_HERE && template_of(unit->name, template))
		found = look_everywhere(unit, template);
	return found;
}

bool unit_find(struct unit *unit)
{
	enum found found = ALIAS;

	for (int i = 0; i < ALIASES_MAX && found == ALIAS; i++)
		found = look_for(unit);
	if (found != HERE)
		unit->path[0] = '\0';
	return found == HERE;
}

int unit_dropin_dir(const struct unit *unit, char path[PATH_MAX])
{
	char dir[PATH_MAX];
	size_t i = 0;

	while (i < places(unit) && !place(unit, i, dir))
		i++;
	if (i == places(unit))
		return -ENOENT;
	return snprintf(path, PATH_MAX, "%s/%s.d", dir, unit->name) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

/* ---- drop-ins ------------------------------------------------------------- */

struct dropins {
	char *names[DROPINS_MAX], *paths[DROPINS_MAX];
	size_t n;
};

/* A file hides files of its name in directories that count less. */
static void add(struct dropins *d, const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (!ends_in(name, ".conf") || *name == '.' ||
	    !strcmp(name, UNIT_DROPIN) || d->n == DROPINS_MAX ||
	    !join(path, dir, name))
		return;
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->names[i], name))
			return;
	d->names[d->n] = strdup(name);
	d->paths[d->n] = strdup(path);
	if (d->names[d->n] && d->paths[d->n])
		d->n++;
}

static void add_dir(struct dropins *d, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		add(d, path, entry->d_name);
	closedir(dir);
}

static void add_name(struct dropins *d, const struct unit *unit,
		     const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX];

	for (size_t i = 0; i < places(unit); i++)
		if (place(unit, i, dir) &&
		    snprintf(path, sizeof(path), "%s/%s.d", dir, name) <
			    (int)sizeof(path))
			add_dir(d, path);
}

/* a-b-c.service has the drop-ins of a-b-.service and a-.service, too. */
static void add_prefixes(struct dropins *d, const struct unit *unit)
{
	const char *at = strchr(unit->name, '@');
	char name[2 * UNIT_NAME_SIZE];

	for (size_t i = strcspn(unit->name, "@") - 1; i > 0; i--) {
		if (unit->name[i] != '-')
			continue;
		for (int is = 0; is < (at ? 3 : 1); is++) {
			const char *const tails[] = { SUFFIX, "@" SUFFIX, at };

			snprintf(name, sizeof(name), "%.*s%s", (int)i + 1,
				 unit->name, tails[is]);
			add_name(d, unit, name);
		}
	}
	add_name(d, unit, &SUFFIX[1]);
}

static void sort(struct dropins *d)
{
	for (size_t i = 1; i < d->n; i++)
		for (size_t k = i;
		     k && strcmp(d->names[k - 1], d->names[k]) > 0; k--) {
			char *name = d->names[k], *path = d->paths[k];

			d->names[k] = d->names[k - 1];
			d->paths[k] = d->paths[k - 1];
			d->names[k - 1] = name;
			d->paths[k - 1] = path;
		}
}

void unit_each_file(const struct unit *unit,
		    void (*take)(void *arg, const char *path), void *arg)
{
	struct dropins d = { .n = 0 };
	char template[UNIT_NAME_SIZE];

	if (*unit->path)
		take(arg, unit->path);
	add_name(&d, unit, unit->name);
	if (template_of(unit->name, template))
		add_name(&d, unit, template);
	add_prefixes(&d, unit);
	sort(&d);
	for (size_t i = 0; i < d.n; i++) {
		take(arg, d.paths[i]);
		free(d.names[i]);
		free(d.paths[i]);
	}
}
