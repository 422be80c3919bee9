// SPDX-License-Identifier: MIT
/*
 * ends_at.c - preloaded into cop stat: ends the process VICTIM just ahead of the read of
 * its memory that has the number ENDS_AT. So a test can have a process end at each
 * moment at which cop stat may meet its end.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t pread64(int fd, void *buf, size_t len, off_t at);

static int env_number(const char *name)
{
	const char *value = getenv(name);

	return value ? atoi(value) : 0;
}

/* Not a file that libelf reads. */
static bool is_memory(int fd)
{
	char name[32], path[64];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof(path));
	return n > 4 && !memcmp(path + n - 4, "/mem", 4);
}

/* The memory is gone once a read says that it ends here. */
static void end_victim(int fd, off_t at)
{
	char byte;

	kill(env_number("VICTIM"), SIGKILL);
	while (syscall(SYS_pread64, fd, &byte, 1, at))
		usleep(1000);
}

ssize_t pread64(int fd, void *buf, size_t len, off_t at)
{
	static int reads;

	if (is_memory(fd) && ++reads == env_number("ENDS_AT"))
		end_victim(fd, at);
	return syscall(SYS_pread64, fd, buf, len, at);
}

ssize_t pread(int fd, void *buf, size_t len, off_t at)
	__attribute__((alias("pread64")));
