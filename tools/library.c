// SPDX-License-Identifier: MIT
/*
 * library.c - finds the libcop.so for new programs: the one that LD_PRELOAD
 * names already, else the one that belongs to this cop.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"
#include "library.h"
#include "self.h"

#define PRELOAD	  "LD_PRELOAD"
#define SEPARATES " :" /* the loader splits here; nothing can quote these */

#ifndef COP_LIBDIR
#define COP_LIBDIR "/usr/local/lib"
#endif

bool library_is_named(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, LIBRARY_NAME);
}

/* The loader searches for a name without a slash in its own directories. */
static bool is_there(const char *path)
{
	return !strchr(path, '/') || !access(path, R_OK);
}

static bool find_in_preload(char *path, size_t size)
{
	const char *value = getenv(PRELOAD);
	size_t len;

	for (; value && *value; value += len) {
		value += strspn(value, SEPARATES);
		len = strcspn(value, SEPARATES);
		if (len >= size)
			continue;
		memcpy(path, value, len);
		path[len] = '\0';
		if (len && library_is_named(path) && is_there(path))
			return true;
	}
	return false;
}

/*
 * Beside cop (in the build tree), in lib beside cop's bin, or where it was
 * installed.
 */
bool library_ours(char path[PATH_MAX])
{
	return self_find(path, LIBRARY_NAME, "lib/" LIBRARY_NAME,
			 COP_LIBDIR "/" LIBRARY_NAME, R_OK);
}

static bool fits_preload(const char *path)
{
	return !strpbrk(path, SEPARATES "$");
}

/* The library must be for the same machine as cop. */
static enum verdict look_inside(const struct library *lib)
{
	struct elf_image image;
	enum verdict verdict = BAD_LIBRARY;
	int fd = open(lib->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NO_LIBRARY;
	if (!elf_read(fd, &image) && image.is_native && image.is_library)
		verdict = ACTIVE;
	close(fd);
	return verdict;
}

enum verdict library_find(struct library *lib)
{
	lib->in_preload = find_in_preload(lib->path, sizeof(lib->path));
	if (lib->in_preload && strchr(lib->path, '/'))
		return look_inside(lib);
	if (!library_ours(lib->path))
		return NO_LIBRARY;
	if (!lib->in_preload && !fits_preload(lib->path))
		return LIBRARY_PATH;
	return look_inside(lib);
}

int library_preload(const struct library *lib)
{
	const char *old = getenv(PRELOAD);
	size_t size;
	char *value;
	int ret;

	if (lib->in_preload)
		return 0;
	if (!old || !*old)
		return setenv(PRELOAD, lib->path, 1);
	size = strlen(old) + 1 + strlen(lib->path) + 1;
	value = malloc(size);
	if (!value)
		return -1;
	snprintf(value, size, "%s:%s", old, lib->path);
	ret = setenv(PRELOAD, value, 1);
	free(value);
	return ret;
}
