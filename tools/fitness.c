// SPDX-License-Identifier: MIT
/*
 * fitness.c - says whether libcop would act in a service of systemd, by the settings
 * that hide files from it or change its environment, and by the programs that it starts.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fitness.h"
#include "program.h"
#include "reader.h"
#include "report.h"

/* Where systemd looks for a program that is named without a directory. */
#define SYSTEMD_PATH                                               \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:" \
	"/bin"

/* A pipe or a device that has a file's name does not hold the reader up. */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *in = NULL;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
		in = fdopen(fd, "r");
	if (fd >= 0 && !in)
		close(fd);
	return in;
}

static void read_file(void *arg, const char *path)
{
	FILE *in = open_file(path);

	if (!in)
		return;
	unitfile_read(arg, in);
	fclose(in);
}

void fitness_read(const struct unit *unit, struct unit_settings *settings)
{
	*settings = (struct unit_settings){ 0 };
	unit_each_file(unit, read_file, settings);
}

/* ---- the library's file --------------------------------------------------- */

static bool is_set(const struct unit_settings *settings,
		   enum unit_setting which, const char *also)
{
	static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
	const char *value = settings->values[which];

	if (!value)
		return false;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!strcasecmp(value, yes[i]))
			return true;
	return also && !strcasecmp(value, also);
}

static bool is_below(const char *path, const char *dir, size_t len)
{
	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len == 1 && *dir == '/')
		return true;
	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

static bool is_below_one(const char *path, const char *const dirs[])
{
	for (size_t i = 0; dirs[i]; i++)
		if (is_below(path, dirs[i], strlen(dirs[i])))
			return true;
	return false;
}

/* A path in such a list has marks before it and options behind a colon. */
static bool is_listed(const struct unit_settings *settings,
		      enum unit_setting which, const char *path)
{
	const char *all = settings->values[which];
	char *copy = all ? strdup(all) : NULL, *rest = copy, *word;
	bool found = false;

	while (copy && !found && (word = unitfile_word(&rest))) {
		word += strspn(word, "-+");
		found = *word == '/' &&
			is_below(path, word, strcspn(word, ":"));
	}
	free(copy);
	return found;
}

/* Returns the setting that hides the library from the service, or NULL. */
static const char *hides(const struct unit_settings *settings, const char *path)
{
	static const char *const homes[] = { "/home", "/root", "/run/user",
					     NULL };
	static const char *const temporary[] = { "/tmp", "/var/tmp", NULL };

	if (is_listed(settings, UNIT_BIND_PATHS, path))
		return NULL;
	if (is_set(settings, UNIT_PROTECT_HOME, "tmpfs") &&
	    is_below_one(path, homes))
		return "ProtectHome";
	if (is_set(settings, UNIT_PRIVATE_TMP, "disconnected") &&
	    is_below_one(path, temporary))
		return "PrivateTmp";
	if (is_set(settings, UNIT_DYNAMIC_USER, NULL) &&
	    is_below_one(path, temporary))
		return "DynamicUser";
	if (is_listed(settings, UNIT_INACCESSIBLE_PATHS, path))
		return "InaccessiblePaths";
	if (is_listed(settings, UNIT_TEMPORARY_FILE_SYSTEM, path))
		return "TemporaryFileSystem";
	if (is_listed(settings, UNIT_NO_EXEC_PATHS, path) &&
	    !is_listed(settings, UNIT_EXEC_PATHS, path))
		return "NoExecPaths";
	return NULL;
}

static bool is_outside(const struct unit *unit,
		       const struct unit_settings *settings, const char *path)
{
	const char *dir = settings->values[UNIT_ROOT_DIRECTORY];
	char inside[2 * PATH_MAX];

	if (!dir || strchr(dir, '%') || !strcmp(dir, "/") ||
	    is_listed(settings, UNIT_BIND_PATHS, path))
		return false;
	snprintf(inside, sizeof(inside), "%s%s%s", unit->place.root, dir, path);
	return access(inside, R_OK);
}

/* Only root can try it, in its own system. */
static bool is_closed(const struct unit *unit,
		      const struct unit_settings *settings, const char *path)
{
	if (geteuid() || unit->place.is_user || *unit->place.root ||
	    settings->values[UNIT_ROOT_DIRECTORY] ||
	    settings->values[UNIT_ROOT_IMAGE] || settings->values[UNIT_GROUP] ||
	    is_listed(settings, UNIT_BIND_PATHS, path))
		return false;
	return !reader_can(settings->values[UNIT_USER],
			   is_set(settings, UNIT_DYNAMIC_USER, NULL), path);
}

static bool refuses_library(const struct unit *unit,
			    const struct unit_settings *settings,
			    const char *path, char *why)
{
	const char *hidden_by = hides(settings, path);

	if (hidden_by)
		snprintf(why, WHY_SIZE,
			 "its %s= hides %s: install libcop where the service "
			 "can read it",
			 hidden_by, path);
	else if (is_outside(unit, settings, path))
		snprintf(why, WHY_SIZE,
			 "its RootDirectory=%s has no %s: put libcop there, or "
			 "add BindReadOnlyPaths=%s to the unit",
			 settings->values[UNIT_ROOT_DIRECTORY], path, path);
	else if (is_closed(unit, settings, path))
		snprintf(why, WHY_SIZE,
			 "its user may not read %s: install libcop where the "
			 "service can read it",
			 path);
	else
		return false;
	return true;
}

/* ---- the environment ------------------------------------------------------ */

static bool file_sets_preload(const char *path)
{
	FILE *in = open_file(path);
	bool found = false;
	char line[4096];

	while (in && !found && fgets(line, sizeof(line), in))
		found = !strncmp(line + strspn(line, " \t"), "LD_PRELOAD=", 11);
	if (in)
		fclose(in);
	return found;
}

/* EnvironmentFile= may be a pattern that names several files. */
static bool one_sets_preload(const char *pattern)
{
	glob_t files;
	bool found = false;

	if (!glob(pattern, 0, NULL, &files))
		for (size_t i = 0; i < files.gl_pathc && !found; i++)
			found = file_sets_preload(files.gl_pathv[i]);
	globfree(&files);
	return found;
}

/* What counts more than Environment=, whichever file has it. */
static bool refuses_environment(const struct unit *unit,
				const struct unit_settings *settings, char *why)
{
	const char *unset = settings->values[UNIT_UNSET_ENVIRONMENT];
	const char *files = settings->values[UNIT_ENVIRONMENT_FILE];
	char *copy = files ? strdup(files) : NULL, *rest = copy, *line;
	char path[2 * PATH_MAX];
	bool found = unset && strstr(unset, "LD_PRELOAD");

	if (found)
		snprintf(why, WHY_SIZE,
			 "its UnsetEnvironment= removes LD_PRELOAD");
	while (!found && (line = strsep(&rest, "\n"))) {
		line += strspn(line, "-");
		snprintf(path, sizeof(path), "%s%s", unit->place.root, line);
		found = one_sets_preload(path);
		if (found)
			snprintf(
				why, WHY_SIZE,
				"its EnvironmentFile=%s sets LD_PRELOAD, which "
				"counts more than a drop-in",
				line);
	}
	free(copy);
	return found;
}

struct later {
	char path[PATH_MAX]; /* "": none is found yet */
};

/* Whether a drop-in sets LD_PRELOAD, or clears what stands in the files before. */
static bool replaces_preload(const char *path)
{
	static char before[] = "[Service]\nEnvironment=LD_PRELOAD=cop\n";
	FILE *in = fmemopen(before, strlen(before), "r");
	struct unit_settings settings = { 0 };
	char *value;
	bool replaces;

	if (!in)
		return false;
	unitfile_read(&settings, in);
	fclose(in);
	read_file(&settings, path);
	value = unitfile_variable(&settings, "LD_PRELOAD");
	replaces = !value || strcmp(value, "cop");
	free(value);
	unitfile_free(&settings);
	return replaces;
}

static void look_later(void *arg, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct later *later = arg;

	if (!*later->path && strstr(name, ".conf") &&
	    strcmp(name, UNIT_DROPIN) > 0 && replaces_preload(path))
		snprintf(later->path, sizeof(later->path), "%s", path);
}

/* A drop-in whose name comes behind cop's counts more. */
static bool refuses_later(const struct unit *unit, char *why)
{
	struct later later = { "" };

	unit_each_file(unit, look_later, &later);
	if (*later.path)
		snprintf(why, WHY_SIZE,
			 "%s counts more than " UNIT_DROPIN
			 ", and takes LD_PRELOAD from it: give it a name that "
			 "comes before",
			 later.path);
	return *later.path;
}

/* ---- the programs --------------------------------------------------------- */

static bool refuses_program(const char *name, char *why)
{
	char subject[REPORT_MAX], reason[REPORT_MAX];
	struct program prog = { .runs = "" };
	enum verdict verdict = program_find(&prog, name);

	if (verdict == ACTIVE)
		verdict = program_judge(&prog);
	if (verdict < STATIC || verdict > NO_PROGRAM)
		return false;
	report_subject(subject, verdict, NULL, &prog);
	report_reason(reason, verdict, NULL);
	snprintf(why, WHY_SIZE, "%.*s: %.*s", PATH_MAX, subject, PATH_MAX,
		 reason);
	return true;
}

/* Programs in another root, or named by variables, are not looked at. */
static bool refuses_programs(const struct unit *unit,
			     const struct unit_settings *settings, char *why)
{
	const char *all = settings->values[UNIT_EXEC_START];
	char *copy, *rest, *line, *word;
	bool refused = false;

	if (!all || *unit->place.root ||
	    settings->values[UNIT_ROOT_DIRECTORY] ||
	    settings->values[UNIT_ROOT_IMAGE])
		return false;
	setenv("PATH", SYSTEMD_PATH, 1);
	rest = copy = strdup(all);
	while (!refused && (line = strsep(&rest, "\n"))) {
		word = unitfile_word(&line);
		if (!word || strpbrk(word, "%$"))
			continue;
		word += strspn(word, "@-:+!|");
		refused = *word && refuses_program(word, why);
	}
	free(copy);
	return refused;
}

bool fitness_refuses(const struct unit *unit,
		     const struct unit_settings *settings, const char *library,
		     char *why)
{
	return refuses_library(unit, settings, library, why) ||
	       refuses_environment(unit, settings, why) ||
	       refuses_later(unit, why) ||
	       refuses_programs(unit, settings, why);
}

/* ---- socket activation ---------------------------------------------------- */

static void find_datagram(void *arg, const char *path)
{
	FILE *in = open_file(path);
	char line[4096];

	while (in && fgets(line, sizeof(line), in))
		if (!strncmp(line, "ListenDatagram=", 15))
			*(bool *)arg = line[15] && line[15] != '\n' &&
				       line[15] != '/' && line[15] != '@';
	if (in)
		fclose(in);
}

/* The socket unit of the same name; one that has another name is not found. */
bool fitness_socket(const struct unit *unit, char name[UNIT_NAME_SIZE])
{
	struct unit socket = { .place = unit->place };
	size_t stem = strlen(unit->name) - strlen(".service");
	bool has_datagram = false;

	snprintf(socket.name, sizeof(socket.name), "%.*s.socket", (int)stem,
		 unit->name);
	strcpy(name, socket.name);
	if (unit_find(&socket) && !socket.is_masked)
		unit_each_file(&socket, find_datagram, &has_datagram);
	return has_datagram;
}
