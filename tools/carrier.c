// SPDX-License-Identifier: MIT
/*
 * carrier.c - whether the transport of cop run --transport can be had: cop-carries
 * asks for a socket, and the library says why there is none.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "carrier.h"
#include "self.h"

#ifndef COP_LIBEXECDIR
#define COP_LIBEXECDIR "/usr/local/libexec"
#endif

#define PROGRAM "libexec/cop/cop-carries"

static _Noreturn void become_program(int out)
{
	char path[PATH_MAX];

	self_find(path, PROGRAM, PROGRAM, COP_LIBEXECDIR "/cop/cop-carries",
		  X_OK);
	setenv("COP_DEBUG", "1", 1);
	unsetenv("COP_STATS");
	dup2(out, STDERR_FILENO);
	execl(path, path, (char *)NULL);
	_exit(0);
}

/* A line of the library is "libcop[PID] TIME: TEXT". */
static const char *text_of(const char *line)
{
	const char *end = strstr(line, ": ");

	return end && !strncmp(line, "libcop[", 7) ? end + 2 : line;
}

static void put(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%.*s", (int)strcspn(text, "\n"), text);
}

/* A file that can't be used is the better reason than that there is no transport. */
static void read_reason(FILE *in, char *why, size_t size)
{
	const char *fails = "so socket() fails: ", *text, *at;
	char line[1024];
	int found = 0;

	while (fgets(line, sizeof(line), in)) {
		text = text_of(line);
		at = strstr(text, fails);
		if (!strncmp(text, "module ", 7)) {
			put(why, size, text);
			found = 1;
		} else if (at && !found) {
			put(why, size, at + strlen(fails));
		}
	}
}

int carrier_refused(char *why, size_t size)
{
	int fds[2], status = 0;
	FILE *in;
	pid_t pid;

	put(why, size, "it can't be had");
	if (pipe(fds))
		return 0;
	pid = fork();
	if (!pid)
		become_program(fds[1]);
	close(fds[1]);
	in = fdopen(fds[0], "r");
	if (in) {
		read_reason(in, why, size);
		fclose(in);
	} else {
		close(fds[0]);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
