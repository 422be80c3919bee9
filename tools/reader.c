// SPDX-License-Identifier: MIT
/*
 * reader.c - whether the user of a service may read a file. The kernel knows all that
 * counts, so a process of that user tries it.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader.h"

#define NOBODY 65534 /* stands for the user that systemd will make */

static bool find(const char *name, bool is_dynamic, struct passwd *user)
{
	struct passwd *found = NULL;
	unsigned long uid;
	char *end;

	*user = (struct passwd){ .pw_uid = NOBODY, .pw_gid = NOBODY };
	if (name) {
		uid = strtoul(name, &end, 10);
		found = *end ? getpwnam(name) : getpwuid(uid);
	}
	if (found)
		*user = *found;
	return found || is_dynamic;
}

static bool become(const struct passwd *user)
{
	if (user->pw_name ? initgroups(user->pw_name, user->pw_gid)
			  : setgroups(0, NULL))
		return false;
	return !setgid(user->pw_gid) && !setuid(user->pw_uid);
}

bool reader_can(const char *name, bool is_dynamic, const char *path)
{
	struct passwd user;
	int status;
	pid_t pid;

	if (!find(name, is_dynamic, &user))
		return true;
	pid = fork();
	if (!pid)
		_exit(become(&user) && access(path, R_OK));
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return pid < 0 || !WIFEXITED(status) || !WEXITSTATUS(status);
}
