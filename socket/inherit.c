// SPDX-License-Identifier: MIT
/*
 * socket/inherit.c - the descriptors that a program starts with.
 *
 * Owns: nothing. Protected by: runs once, when the library starts. Counterpart in
 * the kernel: begin_new_exec(), where descriptors simply stay.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cop_table.h"
#include "lib/libc.h"
#include "socket/inherit.h"

/* The first look covers so many descriptors: most programs have no others. */
#define FIRST_LOOK 64

/* Up to here poll() is asked, beyond it /proc, which is slow to open. */
#define POLL_LIMIT 2048

#define BITS	   (8 * sizeof(unsigned long))

/* One poll() asks about so many descriptors. */
#define AT_ONCE 1024

/*
 * Whether the kernel's table of descriptors has room for this one. select() fails
 * for a descriptor inside the table that is not open, and ignores one beyond the
 * table (select(2), BUGS). @set is all zeros, before and after.
 */
static bool table_has(unsigned int fd, unsigned long *set)
{
	struct timeval now = { 0 };
	int ret;

	set[fd / BITS] = 1ul << (fd % BITS);
	ret = cop_libc.select(fd + 1, (fd_set *)set, NULL, NULL, &now);
	set[fd / BITS] = 0;
	return ret < 0 || cop_libc.fcntl(fd, F_GETFD) >= 0;
}

static bool table_reaches(unsigned int fd)
{
	unsigned long set[POLL_LIMIT / BITS + 1];

	memset(set, 0, sizeof(set));
	return table_has(fd, set);
}

/* The same for any descriptor; its set may be too large for some stacks. */
static bool table_reaches_far(unsigned int fd)
{
	size_t len = (fd / BITS + 1) * sizeof(unsigned long);
	unsigned long *set = mmap(NULL, len, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool reaches;

	if (set == MAP_FAILED)
		return false;
	reaches = table_has(fd, set);
	munmap(set, len);
	return reaches;
}

/* If poll() refuses so many descriptors, each of them may be open. */
static void adopt_range(unsigned int first, unsigned int n)
{
	struct pollfd fds[n];
	bool known;

	for (unsigned int i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = first + i };
	known = cop_libc.poll(fds, n, 0) >= 0;
	for (unsigned int i = 0; i < n; i++)
		if (!known || !(fds[i].revents & POLLNVAL))
			fd_adopt(first + i);
}

/* Asks only sockets for a mark. Returns whether any descriptor is open. */
static bool adopt_sockets(unsigned int first, unsigned int n)
{
	bool open = false;
	struct stat64 st;

	for (unsigned int fd = first; fd < first + n; fd++) {
		if (fstat64(fd, &st))
			continue;
		open = true;
		if (S_ISSOCK(st.st_mode))
			fd_adopt(fd);
	}
	return open;
}

static void adopt_entry(const struct dirent64 *entry, int dir)
{
	int fd = atoi(entry->d_name);

	if (entry->d_name[0] != '.' && fd != dir)
		fd_adopt(fd);
}

static void adopt_listed(int dir)
{
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = getdents64(dir, buf, sizeof(buf))) > 0) {
		const struct dirent64 *entry;

		for (ssize_t at = 0; at < n; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(buf + at);
			adopt_entry(entry, dir);
		}
	}
}

/* Returns whether /proc has a list of the open descriptors. */
static bool adopt_by_proc(void)
{
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return false;
	adopt_listed(dir);
	cop_libc.close(dir);
	return true;
}

/*
 * Without /proc, as in a chroot, this goes through the rest of the kernel's table. The
 * table is at most twice as long as the highest descriptor that was ever open.
 */
static void adopt_rest(unsigned int first)
{
	for (unsigned int end = 2 * first; first <= INT_MAX / 2; end *= 2) {
		for (; first < end; first += AT_ONCE)
			adopt_range(first, AT_ONCE);
		if (!table_reaches_far(end))
			return;
	}
}

/*
 * The process started under a seccomp filter. The loader has called fstat(), so the
 * filter allows it. getsockopt() may kill the process, so only sockets are asked.
 */
void cop_inherit_confined(void)
{
	int saved = errno;

	for (unsigned int first = 0; first < POLL_LIMIT; first += FIRST_LOOK)
		if (!adopt_sockets(first, FIRST_LOOK))
			break;
	errno = saved;
}

void cop_inherit(void)
{
	unsigned int first = 0, n = FIRST_LOOK;
	int saved = errno;

	do {
		adopt_range(first, n);
		first += n;
		n = first;
	} while (first < POLL_LIMIT && table_reaches(first));
	if (first >= POLL_LIMIT && table_reaches(first) && !adopt_by_proc())
		adopt_rest(first);
	errno = saved;
}
