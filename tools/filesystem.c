// SPDX-License-Identifier: MIT
/*
 * filesystem.c - says whether reading a page of a file may take for ever,
 * because another process has to provide it (FUSE), or another machine (NFS). A
 * file system of unknown type counts as such, too.
 *
 * The kernel may read a mapped page from its file at any time, and a process
 * that waits for the page can't be killed. So this file looks at the type of
 * the file system, which /proc/PID/mountinfo shows for each device.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "budget.h"
#include "filesystem.h"

/* File systems in memory, or on a disk of this machine. */
static const char *const safe_types[] = {
	"tmpfs", "ramfs",    "overlay", "ext2",	    "ext3",	 "ext4",
	"xfs",	 "btrfs",    "f2fs",	"bcachefs", "zfs",	 "jfs",
	"vfat",	 "exfat",    "ntfs3",	"squashfs", "erofs",	 "iso9660",
	"udf",	 "reiserfs", "nilfs2",	"minix",    "hugetlbfs",
};

#define ANY	  UINT64_MAX
#define SCANS_MAX 8 /* scans for one process, which may have very many mounts */

static uint64_t *safe;
static size_t n_safe, safe_size;

static bool is_safe(uint64_t dev)
{
	for (size_t i = 0; i < n_safe; i++)
		if (safe[i] == dev)
			return true;
	return false;
}

static void add_safe(uint64_t dev)
{
	size_t size = safe_size ? safe_size * 2 : 64;
	uint64_t *more;

	if (is_safe(dev))
		return;
	if (n_safe == safe_size) {
		more = realloc(safe, size * sizeof(*safe));
		if (!more)
			return;
		safe = more;
		safe_size = size;
	}
	safe[n_safe++] = dev;
}

static bool is_safe_type(const char *type)
{
	size_t len = strcspn(type, " ");

	for (size_t i = 0; i < sizeof(safe_types) / sizeof(*safe_types); i++)
		if (strlen(safe_types[i]) == len &&
		    !strncmp(safe_types[i], type, len))
			return true;
	return false;
}

/*
 * "id parent major:minor root place options [more...] - type source options".
 * Remembers safe devices only: a process may have as many mounts as it likes.
 */
static void take_mount(const char *line, uint64_t wanted)
{
	const char *type = strstr(line, " - ");
	unsigned int major, minor;
	uint64_t dev;

	if (!type || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2)
		return;
	dev = (uint64_t)major << 32 | minor;
	if ((wanted == ANY || wanted == dev) && is_safe_type(type + 3))
		add_safe(dev);
}

static void take_mounts(int dir, const char *name, uint64_t wanted)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (budget_step() && getline(&line, &size, f) > 0)
		take_mount(line, wanted);
	free(line);
	fclose(f);
}

/* The device of shared memory without a name, which no mount shows. */
static void take_memory(void)
{
	int fd = memfd_create("cop", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st))
		add_safe((uint64_t)major(st.st_dev) << 32 | minor(st.st_dev));
	close(fd);
}

/* A file's device in a map is not always the one that stat() returns. */
static void take_trusted(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	FILE *f = fopen("/proc/self/maps", "re");
	void *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	unsigned int major, minor;
	unsigned long start;
	char line[PATH_MAX * 4 + 256];

	while (f && page != MAP_FAILED && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%*x %*s %*x %x:%x", &start, &major,
			   &minor) == 3 &&
		    start == (uintptr_t)page)
			add_safe((uint64_t)major << 32 | minor);
	if (page != MAP_FAILED)
		munmap(page, 1);
	if (f)
		fclose(f);
	if (fd >= 0)
		close(fd);
}

void filesystem_begin(const char *trusted)
{
	n_safe = 0;
	take_memory();
	take_trusted(trusted);
	take_mounts(AT_FDCWD, "/proc/self/mountinfo", ANY);
}

/*
 * A process may have its own mounts. If they don't show the device, it is
 * unknown.
 */
bool filesystem_stalls(struct target *t, uint64_t dev)
{
	if (is_safe(dev))
		return false;
	if ((t->mount_scans && dev == t->slow) || t->mount_scans >= SCANS_MAX)
		return true;
	t->mount_scans++;
	t->slow = dev;
	take_mounts(t->dir, "mountinfo", dev);
	return !is_safe(dev);
}
