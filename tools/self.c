// SPDX-License-Identifier: MIT
/*
 * self.c - finds where this cop is installed: the launcher, and the files
 * beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "self.h"

static const char *launcher; /* its file; NULL: this program is the launcher */

/* The kernel tells each program the path of its start, even without /proc. */
bool self_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	const char *started = (const char *)getauxval(AT_EXECFN);

	if (n > 0) {
		path[n] = '\0';
		return true;
	}
	return started && realpath(started, path);
}

void self_set_launcher(const char *path)
{
	launcher = path;
}

/* Cuts off the last part of a path, in place. */
static bool up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return slash != NULL;
}

static bool is_at(char path[PATH_MAX], const char *dir, const char *name,
		  int mode)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX && !access(path, mode);
}

static bool find_launcher(char path[PATH_MAX])
{
	if (!launcher)
		return self_path(path);
	return snprintf(path, PATH_MAX, "%s", launcher) < PATH_MAX;
}

bool self_find(char path[PATH_MAX], const char *beside, const char *installed,
	       const char *otherwise, int mode)
{
	char dir[PATH_MAX];

	if (find_launcher(dir) && up(dir)) {
		if (is_at(path, dir, beside, mode))
			return true;
		if (up(dir) && is_at(path, dir, installed, mode))
			return true;
	}
	snprintf(path, PATH_MAX, "%s", otherwise);
	return !access(path, mode);
}
