// SPDX-License-Identifier: MIT
/*
 * mapped.c - reads a process's map: which of its memory can be read without
 * waiting for another process, and where our libcop.so is, whatever its file's
 * name.
 *
 * It knows the library by its build-id, which it reads from the process's
 * memory. So the file may have been removed or replaced since, or may be in
 * another mount namespace. A result for one process says nothing about another
 * one. Counterpart: dl_iterate_phdr(3).
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget.h"
#include "filesystem.h"
#include "library.h"
#include "mapped.h"
#include "soname.h"

#define STRANGE_MAX 256 /* a program has about as many libraries at most */

/* One line of the map. */
struct mapping {
	uint64_t start, end;
	uint64_t offset, dev, ino; /* ino is 0 if it maps no file */
	bool is_readable, is_code;
	const char *path;
};

/* ---- memory that can be read --------------------------------------------- */

static struct range *ranges;
static size_t n_ranges, ranges_size;

static bool ranges_grow(void)
{
	size_t size = ranges_size ? ranges_size * 2 : 256;
	struct range *more = realloc(ranges, size * sizeof(*more));

	if (!more)
		return false;
	ranges = more;
	ranges_size = size;
	return true;
}

/* Joins ranges that touch, because an object may lie across both. */
static void take_range(const struct mapping *m)
{
	if (n_ranges && ranges[n_ranges - 1].end == m->start) {
		ranges[n_ranges - 1].end = m->end;
		return;
	}
	if (n_ranges == ranges_size && !ranges_grow())
		return;
	ranges[n_ranges++] = (struct range){ m->start, m->end };
}

/* The kernel's own mappings have no data of the program or of the library. */
static bool is_kernels(const struct mapping *m)
{
	return !m->ino && m->path[0] == '[' && m->path[1] == 'v';
}

/* ---- the library --------------------------------------------------------- */

static bool is_named_so(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && !strncmp(slash + 1, LIBRARY_NAME, strlen(LIBRARY_NAME));
}

/*
 * Uses the ranges found so far: the last one is the mapping that @addr is in.
 */
static bool peek(struct target *t, uint64_t addr, void *to, size_t len)
{
	t->ranges = ranges;
	t->n_ranges = n_ranges;
	return target_peek(t, addr, to, len);
}

static bool is_own(struct target *t, const struct mapping *m,
		   const struct own *own)
{
	unsigned char note[OWN_NOTE_MAX];

	return peek(t, m->start + own->note_at, note, own->note_len) &&
	       !memcmp(note, own->note, own->note_len);
}

static bool is_elf(struct target *t, const struct mapping *m)
{
	char magic[SELFMAG];

	return peek(t, m->start, magic, sizeof(magic)) &&
	       !memcmp(magic, ELFMAG, sizeof(magic));
}

/* Files that may be another build of the library, under another name. */
static uint64_t strange[STRANGE_MAX];
static size_t n_strange;

/* Only now all memory that can be read is known. */
static bool has_other_build(const struct target *t)
{
	for (size_t i = 0; i < n_strange; i++)
		if (soname_is(t, strange[i], LIBRARY_NAME))
			return true;
	return false;
}

/*
 * Under another name only a mapping that begins with code may be libcop.so,
 * because it is linked in this way. Others are not read: a read of a device's
 * memory may change the device.
 */
static void take_file(struct target *t, const struct own *own,
		      const struct mapping *m, struct mapped *found)
{
	bool is_named = is_named_so(m->path);

	if ((!is_named && !m->is_code) || !target_mem(t))
		return;
	if (is_own(t, m, own)) {
		if (found->n < MAPPED_MAX)
			own_export(own, m->start, &found->export[found->n++]);
		else
			budget_cut();
	} else if (is_elf(t, m)) {
		found->has_other |= is_named;
		if (n_strange < STRANGE_MAX)
			strange[n_strange++] = m->start;
	}
}

/* ---- the map ------------------------------------------------------------- */

static void take_mapping(struct target *t, const struct own *own,
			 const struct mapping *m, struct mapped *found)
{
	bool is_named = m->ino && is_named_so(m->path);

	found->is_named |= is_named;
	if (!m->is_readable || is_kernels(m))
		return;
	if (m->ino && filesystem_stalls(t, m->dev)) {
		found->is_slow |= is_named;
		return;
	}
	take_range(m);
	if (m->ino && !m->offset)
		take_file(t, own, m, found);
}

static uint64_t hex(const char **s)
{
	uint64_t n = 0;

	for (;; (*s)++) {
		if (**s >= '0' && **s <= '9')
			n = n << 4 | (**s - '0');
		else if (**s >= 'a' && **s <= 'f')
			n = n << 4 | (**s - 'a' + 10);
		else
			return n;
	}
}

/* "start-end rwxp offset major:minor inode   path" */
static bool parse(const char *s, struct mapping *m)
{
	char *rest;

	m->start = hex(&s);
	s++;
	m->end = hex(&s);
	if (strlen(s) < sizeof(" r-xp 00000000 ") || m->end <= m->start)
		return false;
	m->is_readable = s[1] == 'r';
	m->is_code = s[3] == 'x';
	s += strlen(" r-xp ");
	m->offset = hex(&s);
	s++;
	m->dev = hex(&s) << 32;
	s++;
	m->dev |= hex(&s);
	m->ino = strtoull(s, &rest, 10);
	m->path = rest + strspn(rest, " ");
	return true;
}

/* Each read of the map returns whole lines. */
static void take_lines(struct target *t, const struct own *own, char *text,
		       struct mapped *found)
{
	struct mapping m;
	char *next;

	for (; *text; text = next) {
		next = strchrnul(text, '\n');
		if (*next)
			*next++ = '\0';
		if (parse(text, &m))
			take_mapping(t, own, &m, found);
	}
}

int mapped_find(struct target *t, const struct own *own, struct mapped *found)
{
	static char text[64 * 1024];
	int fd = openat(t->dir, "maps", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	memset(found, 0, sizeof(*found));
	n_ranges = n_strange = 0;
	if (fd < 0)
		return errno;
	while (budget_step() && (n = read(fd, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		take_lines(t, own, text, found);
	}
	close(fd);
	t->ranges = ranges;
	t->n_ranges = n_ranges;
	if (!found->has_other)
		found->has_other = has_other_build(t);
	return 0;
}
