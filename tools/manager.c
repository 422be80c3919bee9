// SPDX-License-Identifier: MIT
/*
 * manager.c - asks a running systemd, through systemctl.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "manager.h"

#define ARGS_MAX 8

/* The user's own systemd has a directory where it listens. */
bool manager_runs(const struct unit_place *place)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX] = "/run/systemd/system";
	struct stat st;

	if (*place->root)
		return false;
	if (place->is_user &&
	    (!runtime || snprintf(path, sizeof(path), "%s/systemd", runtime) >=
				 (int)sizeof(path)))
		return false;
	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

/* Starts systemctl with its output in a pipe. Returns its number, or -1. */
static pid_t start(const struct unit_place *place, const char *const words[],
		   int *out)
{
	const char *argv[ARGS_MAX + 3] = { "systemctl", place->is_user
								? "--user"
								: "--system" };
	int fds[2];
	pid_t pid;

	for (int i = 0; i < ARGS_MAX && words[i]; i++)
		argv[2 + i] = words[i];
	if (pipe2(fds, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	if (pid < 0)
		close(fds[0]);
	return pid;
}

/* Returns systemctl's exit status, or -1. Writes the beginning of its output to said. */
static int ask(const struct unit_place *place, const char *const words[],
	       char *said, size_t size)
{
	int out, status;
	pid_t pid = start(place, words, &out);
	size_t len = 0;
	ssize_t n;

	if (pid < 0)
		return -1;
	while (len < size - 1 &&
	       ((n = read(out, said + len, size - 1 - len)) > 0 ||
		(n < 0 && errno == EINTR)))
		len += n > 0 ? n : 0;
	said[len] = '\0';
	close(out);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool manager_reload(const struct unit_place *place)
{
	const char *const words[] = { "daemon-reload", NULL };
	char said[256];

	return !ask(place, words, said, sizeof(said));
}

pid_t manager_main_process(const struct unit *unit)
{
	const char *const words[] = { "show", "--value",  "-p", "MainPID",
				      "--",   unit->name, NULL };
	char said[256], *end;
	long pid;

	if (ask(&unit->place, words, said, sizeof(said)))
		return -1;
	pid = strtol(said, &end, 10);
	return end == said || pid < 0 ? -1 : (pid_t)pid;
}
