// SPDX-License-Identifier: MIT
/*
 * mapped.c - which libcop.so a process has: any file, of any name, with the symbol
 * that cop_export.c defines.
 *
 * Files are read as the process has them in its memory, so it does not matter
 * whether they are still there, in whose view of the file system they are, and
 * what stands in their place by now. Most files of most processes are the same
 * ones; which of them don't have the symbol is remembered. Nothing that is read is
 * believed. Counterpart: dl_iterate_phdr(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"
#include "mapped.h"
#include "symbol.h"

/* ---- files without the symbol -------------------------------------------- */

/* By device and inode, in a table with open addressing; inode 0: free. */
struct file_id {
	uint64_t dev, ino;
};

static struct file_id *strangers;
static size_t strangers_size, strangers_used;

static struct file_id *stranger_place(const struct file_id *id)
{
	size_t i = (id->ino * 0x9e3779b97f4a7c15u + id->dev) >> 20;

	for (;; i++) {
		struct file_id *at = &strangers[i & (strangers_size - 1)];

		if (!at->ino || (at->ino == id->ino && at->dev == id->dev))
			return at;
	}
}

static bool is_stranger(const struct file_id *id)
{
	return strangers_size && stranger_place(id)->ino;
}

static bool strangers_grow(void)
{
	struct file_id *old = strangers;
	size_t n = strangers_size, size = n ? n * 2 : 1024;
	struct file_id *more = calloc(size, sizeof(*more));

	if (!more)
		return false;
	strangers = more;
	strangers_size = size;
	for (size_t i = 0; i < n; i++)
		if (old[i].ino)
			*stranger_place(&old[i]) = old[i];
	free(old);
	return true;
}

static void stranger_add(const struct file_id *id)
{
	if (strangers_used * 2 >= strangers_size && !strangers_grow())
		return;
	*stranger_place(id) = *id;
	strangers_used++;
}

/* ---- what the symbol leads to -------------------------------------------- */

static bool field_fits(const struct cop_export *x, int i)
{
	const struct cop_export_field *f = &x->field[i];

	if (i >= x->fields || !f->size)
		return true;
	return (f->size & (f->size - 1)) == 0 && f->size <= 8 &&
	       f->object < COP_OBJECTS &&
	       (uint32_t)f->offset + f->size <= x->object[f->object];
}

/* A library that is older than this program has fewer fields. */
static bool is_readable(struct cop_export *x)
{
	if (x->layout != COP_EXPORT_LAYOUT ||
	    x->size < offsetof(struct cop_export, field))
		return false;
	for (int i = 0; i < COP_OBJECTS; i++)
		if (x->object[i] > COP_OBJECT_MAX)
			return false;
	for (int i = 0; i < COP_FIELDS; i++) {
		if (!field_fits(x, i))
			return false;
		if (i >= x->fields)
			x->field[i].size = 0;
	}
	return true;
}

static void take_version(const struct cop_export *x, struct mapped *found)
{
	found->has_other = true;
	memcpy(found->other, x->version, sizeof(found->other) - 1);
	for (char *c = found->other; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '\0';
}

static void take_export(const struct target *t, uint64_t addr,
			struct mapped *found)
{
	struct cop_export *x = &found->export[found->n];

	if (found->n == MAPPED_MAX)
		return;
	memset(x, 0, sizeof(*x));
	if (!target_peek(t, addr, x, offsetof(struct cop_export, field)))
		return;
	if (memcmp(x->magic, COP_EXPORT_MAGIC, sizeof(x->magic))) {
		found->has_other = true;
		return;
	}
	addr += offsetof(struct cop_export, field);
	if (x->fields > COP_FIELDS)
		x->fields = COP_FIELDS;
	if (!target_peek(t, addr, x->field, x->fields * sizeof(*x->field)))
		return;
	if (is_readable(x))
		found->n++;
	else
		take_version(x, found);
}

/* ---- the map ------------------------------------------------------------- */

/* One line of it, of which the beginning of a file is mapped. */
struct mapping {
	uint64_t start;
	struct file_id file;
	bool is_code;
	const char *path;
};

static bool is_named_so(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && !strncmp(slash + 1, LIBRARY_NAME, strlen(LIBRARY_NAME));
}

/*
 * Nothing is said of a process that has ended meanwhile, nor of one whose loader
 * has not mapped all of the file yet.
 */
static bool is_library(const struct target *t, const struct mapping *m,
		       const struct symbol_tables *in)
{
	char byte;

	return in->hash && in->symbols && in->strings &&
	       target_peek(t, m->start, &byte, 1);
}

/*
 * Of other names only what begins with code is looked at, as libcop.so is linked:
 * to read a device's memory may do something to it, or wait for it.
 */
static void take_mapping(struct target *t, const struct mapping *m,
			 struct mapped *found)
{
	bool is_named = is_named_so(m->path);
	struct symbol_tables in;
	uint64_t addr;

	found->is_named |= is_named;
	if ((!is_named && !m->is_code) || is_stranger(&m->file) ||
	    !target_mem(t))
		return;
	if (symbol_tables(t, m->start, &in) &&
	    symbol_find(t, &in, COP_EXPORT_SYMBOL, &addr))
		take_export(t, addr, found);
	else if (!is_library(t, m, &in))
		return;
	else if (is_named)
		found->has_other = true;
	else
		stranger_add(&m->file);
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
	m->start = hex(&s);
	s++;
	hex(&s);
	if (strlen(s) < sizeof(" r-xp 00000000 ") || s[1] != 'r')
		return false;
	m->is_code = s[3] == 'x';
	s += strlen(" r-xp ");
	if (hex(&s) || *s++ != ' ')
		return false;
	m->file.dev = hex(&s) << 32;
	s++;
	m->file.dev |= hex(&s);
	m->file.ino = strtoull(s, (char **)&m->path, 10);
	return m->file.ino;
}

/* The kernel hands out whole lines. */
static void take_lines(struct target *t, char *text, struct mapped *found)
{
	struct mapping m;
	char *next;

	for (; *text; text = next) {
		next = strchrnul(text, '\n');
		if (*next)
			*next++ = '\0';
		if (parse(text, &m))
			take_mapping(t, &m, found);
	}
}

/* A name may be longer than a page, but then it is not ours. */
int mapped_find(struct target *t, struct mapped *found)
{
	static char text[64 * 1024];
	int fd = openat(t->dir, "maps", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	memset(found, 0, sizeof(*found));
	if (fd < 0)
		return errno;
	while ((n = read(fd, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		take_lines(t, text, found);
	}
	close(fd);
	return 0;
}
