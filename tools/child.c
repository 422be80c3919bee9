// SPDX-License-Identifier: MIT
/*
 * child.c - what a child process is doing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

bool child_sleeps(pid_t pid)
{
	char path[32], text[256], *state;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	state = strrchr(text, ')');
	return state && state[1] && state[2] && strchr("SDT", state[2]);
}

int64_t child_busy_us(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

bool child_reap(pid_t pid, int *status, int ms)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	pid_t ended = waitpid(pid, status, WNOHANG);

	for (int i = 0; !ended && i < ms; i++) {
		nanosleep(&pause, NULL);
		ended = waitpid(pid, status, WNOHANG);
	}
	return ended == pid;
}
