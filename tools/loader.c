// SPDX-License-Identifier: MIT
/*
 * loader.c - asks a program's own loader whether it finds libcop.so and the
 * libraries that libcop.so needs. That takes a process, so cop check does it
 * and cop run does not.
 *
 * A program names its own loader. So this runs only loaders that root has put
 * into the system's directories for them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library.h"
#include "loader.h"

/* ---- whether to trust the loader ----------------------------------------- */

/*
 * @path has no symbolic links. On Debian the loader is in a subdirectory of
 * these.
 */
static bool is_in_place(const char *path)
{
	static const char *const places[] = { "/lib/",	     "/lib32/",
					      "/lib64/",     "/libx32/",
					      "/usr/lib/",   "/usr/lib32/",
					      "/usr/lib64/", "/usr/libx32/" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strncmp(path, places[i], strlen(places[i])))
			return true;
	return false;
}

static bool is_roots(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !st.st_uid &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Whether only root can write the file and each directory above it. */
static bool only_root_may_change(const char *path)
{
	char part[PATH_MAX];

	strcpy(part, path);
	for (;;) {
		char *slash = strrchr(part, '/');

		if (!is_roots(*part ? part : "/"))
			return false;
		if (!slash)
			return true;
		*slash = '\0';
	}
}

/*
 * Also sets the path without symbolic links, so that nobody can swap the file
 * later.
 */
static bool is_systems(const char *loader, char real[PATH_MAX])
{
	return realpath(loader, real) && is_in_place(real) &&
	       only_root_may_change(real);
}

/* ---- asking it ----------------------------------------------------------- */

/*
 * Without LD_WARN: with it the loader would relocate, and run code of the
 * library.
 */
static void list(const char *loader, int out)
{
	unsetenv("LD_WARN");
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execl(loader, loader, "--list", SHELL, (char *)NULL);
	_exit(127);
}

/*
 * The loader also lists a library that it can't find: the program would not
 * start.
 */
static bool is_missing(const char *line)
{
	return line[0] == '\t' && strstr(line, " => not found");
}

/*
 * Finds PATH in "\tPATH (0x...)" or "\tNAME => PATH (0x...)", and ends it with
 * a 0.
 */
static const char *listed(char *line)
{
	char *end = strstr(line, " (0x");
	char *arrow = strstr(line, " => ");

	if (line[0] != '\t' || !end)
		return NULL;
	*end = '\0';
	return arrow && arrow < end ? arrow + 4 : line + 1;
}

/* Keeps the first line of each kind. */
static void keep(char to[LOADER_MAX], const char *text)
{
	if (!*to)
		snprintf(to, LOADER_MAX, "%s", text);
}

static void read_line(char *line, struct loaded *loaded)
{
	const char *path;

	line[strcspn(line, "\n")] = '\0';
	path = listed(line);
	if (path && library_is_named(path))
		keep(loaded->path, path);
	else if (is_missing(line))
		keep(loaded->complaint, line + 1);
	else if (!path && strstr(line, LIBRARY_NAME))
		keep(loaded->complaint, line);
	else if (line[0] != '\t')
		keep(loaded->other, line);
}

static void read_all(int in, struct loaded *loaded)
{
	char line[LOADER_MAX];
	FILE *f = fdopen(in, "r");

	while (f && fgets(line, sizeof(line), f))
		read_line(line, loaded);
	if (f)
		fclose(f);
	else
		close(in);
}

/* Returns the loader's exit status, or -1. */
static int ask(const char *loader, struct loaded *loaded)
{
	int status = -1, out[2];
	pid_t pid;

	if (pipe(out))
		return -1;
	pid = fork();
	if (!pid)
		list(loader, out[1]);
	close(out[1]);
	read_all(out[0], loaded);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

enum verdict loader_ask(const struct program *prog, struct loaded *loaded)
{
	char loader[PATH_MAX];
	int status;

	loaded->path[0] = loaded->complaint[0] = loaded->other[0] = '\0';
	if (!is_systems(prog->loader, loader))
		return UNKNOWN_LOADER;
	status = ask(loader, loaded);
	if (!status && !loaded->complaint[0])
		return loaded->path[0] ? ACTIVE : INACTIVE;
	keep(loaded->complaint, loaded->other);
	return UNLOADABLE;
}
