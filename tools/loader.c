// SPDX-License-Identifier: MIT
/*
 * loader.c - what a program's own loader says of libcop.so: whether it finds
 * it, and whether it has what that needs. That takes a process, so cop check
 * does it and cop run does not.
 *
 * A program names its loader itself, so only one is run that root has put where
 * the system has its loaders.
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

/* ---- whose loader it is -------------------------------------------------- */

/* Without symbolic links. Debian's and others' are in a directory below. */
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

/* It, and each directory above it. */
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

/* Also finds out where it really is, so that nobody can exchange it then. */
static bool is_systems(const char *loader, char real[PATH_MAX])
{
	return realpath(loader, real) && is_in_place(real) &&
	       only_root_may_change(real);
}

/* ---- asking it ----------------------------------------------------------- */

/* At LD_WARN it would relocate, too, and run code for that. */
static void list(const char *loader, int out)
{
	unsetenv("LD_WARN");
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execl(loader, loader, "--list", SHELL, (char *)NULL);
	_exit(127);
}

/* What can't be found is listed too, and keeps the program from starting. */
static bool is_missing(const char *line)
{
	return line[0] == '\t' && strstr(line, " => not found");
}

/* "\tPATH (0x...)" or "\tNAME => PATH (0x...)": the path, closed by a 0. */
static const char *listed(char *line)
{
	char *end = strstr(line, " (0x");
	char *arrow = strstr(line, " => ");

	if (line[0] != '\t' || !end)
		return NULL;
	*end = '\0';
	return arrow && arrow < end ? arrow + 4 : line + 1;
}

/* The first of each counts. */
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

/* Returns its exit status, or -1. */
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
