// SPDX-License-Identifier: MIT
/*
 * target.c - reads another process through /proc. The process is neither
 * stopped nor changed. It may end at any time; after that reads fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget.h"
#include "target.h"

int target_open(struct target *t, pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	*t = (struct target){ .pid = pid, .mem = -1 };
	t->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t->dir < 0 ? -1 : 0;
}

void target_close(struct target *t)
{
	if (t->mem >= 0)
		close(t->mem);
	close(t->dir);
}

ssize_t target_read(const struct target *t, const char *name, char *buf,
		    size_t size)
{
	int fd = openat(t->dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/*
 * The process chooses its name, so the name must be escaped when it is printed.
 */
void target_name(struct target *t)
{
	size_t len;

	if (target_read(t, "comm", t->command, sizeof(t->command)) < 0)
		t->command[0] = '\0';
	len = strlen(t->command);
	if (len && t->command[len - 1] == '\n')
		t->command[len - 1] = '\0';
}

bool target_mem(struct target *t)
{
	if (t->mem < 0 && !t->mem_error) {
		t->mem = openat(t->dir, "mem", O_RDONLY | O_CLOEXEC);
		t->mem_error = t->mem < 0 ? errno : 0;
	}
	return t->mem >= 0;
}

static int by_address(const void *key, const void *member)
{
	const uint64_t *addr = key;
	const struct range *r = member;

	if (*addr < r->start)
		return -1;
	return *addr >= r->end;
}

static bool is_in_range(const struct target *t, uint64_t addr, size_t len)
{
	const struct range *r = NULL;

	if (t->n_ranges)
		r = bsearch(&addr, t->ranges, t->n_ranges, sizeof(*r),
			    by_address);
	return r && len <= r->end - addr;
}

/*
 * Reads the file instead of calling process_vm_readv(): if the process handles
 * the page's faults itself (userfaultfd), the call would wait for it, but the
 * read fails.
 */
bool target_peek(const struct target *t, uint64_t addr, void *buf, size_t len)
{
	return is_in_range(t, addr, len) && addr <= INT64_MAX &&
	       budget_read(len) &&
	       pread(t->mem, buf, len, (off_t)addr) == (ssize_t)len;
}

/* Memory that can't be read is EIO; memory that is gone has no byte. */
bool target_has_ended(const struct target *t)
{
	char byte;

	return t->n_ranges &&
	       !pread(t->mem, &byte, 1, (off_t)t->ranges[0].start);
}

static long number_in(char *line, bool last)
{
	char *end = line + strcspn(line, "\n");
	long n = -1;

	*end = '\0';
	do {
		long next = strtol(line, &end, 10);

		if (end == line)
			break;
		n = next;
		line = end;
	} while (last);
	return n;
}

/* The line with the process's groups may be very long. */
long target_status(const struct target *t, const char *key, bool last)
{
	int fd = openat(t->dir, "status", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	long n = -1;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (n < 0 && getline(&line, &size, f) > 0)
		if (!strncmp(line, key, strlen(key)))
			n = number_in(line + strlen(key), last);
	free(line);
	fclose(f);
	return n;
}
