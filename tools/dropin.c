// SPDX-License-Identifier: MIT
/*
 * dropin.c - writes and removes the drop-in of a service of systemd. Its first line
 * tells it from a file that somebody else has written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dropin.h"
#include "library.h"

#define FIRST_LINE \
	"# Written by \"cop enable\". \"cop disable\" removes this file.\n"

#define TRIES 10 /* another cop disable may remove the directory */

const char *const dropin_variables[] = { "COP_ADOPT",	 "COP_TRANSPORT",
					 "COP_STATS",	 "COP_DEBUG",
					 "COP_MODULES",	 "COP_LOAD",
					 "COP_KEY_FILE", NULL };

/* ---- finding -------------------------------------------------------------- */

static bool is_ours(int fd)
{
	char line[sizeof(FIRST_LINE)];
	ssize_t n = read(fd, line, sizeof(line) - 1);

	return n == sizeof(line) - 1 && !memcmp(line, FIRST_LINE, n);
}

/* A link is not followed, and a pipe or a device does not hold the reader up. */
static int look(const char *path, enum dropin_state *state)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	*state = DROPIN_FOREIGN;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		*state = DROPIN_NONE;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && is_ours(fd))
		*state = DROPIN_OURS;
	close(fd);
	return 0;
}

/* A link in another system, of which somebody else may be root, must not lead here. */
static bool stays_in(const char *root, const char *dir)
{
	char part[PATH_MAX], *slash, *real;
	size_t len = strlen(root);
	bool stays;

	snprintf(part, sizeof(part), "%s", dir);
	while (!(real = realpath(part, NULL)) &&
	       (errno == ENOENT || errno == ENOTDIR) &&
	       (slash = strrchr(part, '/')))
		*slash = '\0';
	stays = !real ||
		(!strncmp(real, root, len) && (!real[len] || real[len] == '/'));
	free(real);
	return stays;
}

int dropin_find(struct dropin *d, const struct unit *unit,
		enum dropin_state *state)
{
	int err = unit_dropin_dir(unit, d->dir);

	if (err)
		return err;
	if (*unit->place.root && !stays_in(unit->place.root, d->dir))
		return -EXDEV;
	if (snprintf(d->path, sizeof(d->path), "%s/" UNIT_DROPIN, d->dir) >=
	    PATH_MAX)
		return -ENAMETOOLONG;
	return look(d->path, state);
}

void dropin_read(const struct dropin *d, struct unit_settings *settings)
{
	FILE *in = fopen(d->path, "re");

	*settings = (struct unit_settings){ 0 };
	if (!in)
		return;
	unitfile_read(settings, in);
	fclose(in);
}

/* ---- writing -------------------------------------------------------------- */

static void put_variable(FILE *out, const char *name)
{
	const char *value = getenv(name);

	if (!value || !*value)
		return;
	fprintf(out, "Environment=\"%s=", name);
	unitfile_quote(out, value, false);
	fputs("\"\n", out);
}

/* A libcop that the unit has already stays the only one. */
static bool names_library(const char *list)
{
	char *copy = strdup(list ?: ""), *rest = copy, *part;
	bool found = false;

	while (copy && !found && (part = strsep(&rest, " :")))
		found = library_is_named(part);
	free(copy);
	return found;
}

static void put(FILE *out, const char *before, const char *library)
{
	fputs(FIRST_LINE "[Service]\nEnvironment=\"LD_PRELOAD=", out);
	unitfile_quote(out, before ?: "", true);
	if (!names_library(before)) {
		fputs(before && *before ? ":" : "", out);
		unitfile_quote(out, library, false);
	}
	fputs("\"\n", out);
	for (size_t i = 0; dropin_variables[i]; i++)
		put_variable(out, dropin_variables[i]);
}

/* Makes a directory and those above it. Returns 0 or a negative errno. */
static int make_dirs(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (*part && mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

/* Opens a new file. systemd does not read it: its name does not end in .conf. */
static int open_new(const struct dropin *d, char path[PATH_MAX])
{
	int fd;

	if (snprintf(path, PATH_MAX, "%s/." UNIT_DROPIN ".XXXXXX", d->dir) >=
	    PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Everybody may read it, as what systemctl writes. cop disable may run, too. */
static int make(const struct dropin *d, char path[PATH_MAX])
{
	mode_t was = umask(022);
	int fd = -ENOENT, err = 0;

	for (int i = 0; i < TRIES && !err && fd == -ENOENT; i++) {
		err = make_dirs(d->dir);
		if (!err)
			fd = open_new(d, path);
	}
	umask(was);
	return err ?: fd;
}

static int fill(int fd, const char *before, const char *library)
{
	FILE *out = fdopen(fd, "w");
	int err = 0;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	put(out, before, library);
	if (fflush(out) || ferror(out) || fchmod(fd, 0644) || fsync(fd))
		err = -(errno ?: EIO);
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

int dropin_write(const struct dropin *d, const char *before,
		 const char *library)
{
	char path[PATH_MAX];
	int fd = make(d, path), err;

	err = fd < 0 ? fd : fill(fd, before, library);
	if (!err && rename(path, d->path))
		err = -errno;
	if (!err)
		return 0;
	if (fd >= 0)
		unlink(path);
	rmdir(d->dir);
	return err;
}

int dropin_remove(const struct dropin *d)
{
	if (unlink(d->path) && errno != ENOENT)
		return -errno;
	rmdir(d->dir);
	return 0;
}
