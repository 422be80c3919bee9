// SPDX-License-Identifier: MIT
/*
 * mapped.c - which libcop.so a process has: any file, of any name, with the symbol
 * that cop_export.c defines.
 *
 * Files are read as the process has them in its memory, so it does not matter
 * whether they are still there, in whose view of the file system they are, and
 * what stands in their place by now. Most files of most processes are the same
 * ones; which of them don't have the symbol is remembered. Nothing that is read is
 * believed. Counterpart: dl_iterate_phdr(3) and do_lookup_x() of the loader.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"
#include "mapped.h"

#define PAGE	    4096
#define DYNAMIC_MAX 128
#define CHAIN_MAX   4096

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

/* ---- the symbol ---------------------------------------------------------- */

/* Where the tables are that the loader looks a symbol up in. */
struct tables {
	uint64_t bias; /* what to add to an address of the file's */
	uint64_t hash, symbols, strings;
};

static bool read_headers(const struct target *t, uint64_t start, void *page,
			 const ElfW(Phdr) * *phdrs, size_t *n)
{
	const ElfW(Ehdr) *eh = page;

	if (!target_peek(t, start, page, PAGE) ||
	    memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] !=
		    (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    eh->e_phentsize != sizeof(ElfW(Phdr)) ||
	    eh->e_phoff % _Alignof(ElfW(Phdr)) || eh->e_phoff > PAGE ||
	    eh->e_phnum > (PAGE - eh->e_phoff) / sizeof(ElfW(Phdr)))
		return false;
	*phdrs = (const void *)((const char *)page + eh->e_phoff);
	*n = eh->e_phnum;
	return true;
}

/* glibc's loader has made addresses in memory of some; others leave them alone. */
static void take_dynamic(struct tables *in, const ElfW(Dyn) * dyn)
{
	uint64_t value = dyn->d_un.d_ptr;

	if (value < in->bias)
		value += in->bias;
	if (dyn->d_tag == DT_GNU_HASH)
		in->hash = value;
	else if (dyn->d_tag == DT_SYMTAB)
		in->symbols = value;
	else if (dyn->d_tag == DT_STRTAB)
		in->strings = value;
}

static bool read_dynamic(const struct target *t, const ElfW(Phdr) * ph,
			 struct tables *in)
{
	ElfW(Dyn) dyn[DYNAMIC_MAX];
	size_t n = ph->p_memsz / sizeof(*dyn);

	if (n > DYNAMIC_MAX)
		n = DYNAMIC_MAX;
	if (!target_peek(t, in->bias + ph->p_vaddr, dyn, n * sizeof(*dyn)))
		return false;
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++)
		take_dynamic(in, &dyn[i]);
	return in->hash && in->symbols && in->strings;
}

/* @start is where the beginning of the file is. */
static bool find_tables(const struct target *t, uint64_t start,
			struct tables *in)
{
	_Alignas(16) char page[PAGE];
	const ElfW(Phdr) * ph, *dynamic = NULL, *first = NULL;
	size_t n;

	memset(in, 0, sizeof(*in));
	if (!read_headers(t, start, page, &ph, &n))
		return false;
	for (; n; ph++, n--) {
		if (ph->p_type == PT_DYNAMIC)
			dynamic = ph;
		else if (ph->p_type == PT_LOAD && !first)
			first = ph;
	}
	if (!dynamic || !first)
		return false;
	in->bias = start - (first->p_vaddr - first->p_offset);
	return read_dynamic(t, dynamic, in);
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

static bool is_symbol(const struct target *t, const struct tables *in,
		      uint32_t index, uint64_t *addr)
{
	char name[sizeof(COP_EXPORT_SYMBOL)];
	ElfW(Sym) sym;

	if (!target_peek(t, in->symbols + (uint64_t)index * sizeof(sym), &sym,
			 sizeof(sym)) ||
	    !sym.st_shndx ||
	    !target_peek(t, in->strings + sym.st_name, name, sizeof(name)) ||
	    memcmp(name, COP_EXPORT_SYMBOL, sizeof(name)))
		return false;
	*addr = in->bias + sym.st_value;
	return true;
}

static bool walk_chain(const struct target *t, const struct tables *in,
		       uint64_t chain, uint32_t index, uint64_t *addr)
{
	uint32_t want = gnu_hash(COP_EXPORT_SYMBOL), hash = 0;

	for (int i = 0; i < CHAIN_MAX && !(hash & 1); i++, index++) {
		if (!target_peek(t, chain + (uint64_t)index * sizeof(hash),
				 &hash, sizeof(hash)))
			return false;
		if ((hash | 1) == (want | 1) && is_symbol(t, in, index, addr))
			return true;
	}
	return false;
}

/* The counterpart of do_lookup_x() in the loader. */
static bool look_up(const struct target *t, const struct tables *in,
		    uint64_t *addr)
{
	struct {
		uint32_t buckets, offset, bloom, shift;
	} head;
	const unsigned int bits = sizeof(ElfW(Addr)) * 8;
	uint32_t hash = gnu_hash(COP_EXPORT_SYMBOL), index;
	uint64_t at = in->hash + sizeof(head);
	ElfW(Addr) word;

	if (!target_peek(t, in->hash, &head, sizeof(head)) || !head.buckets ||
	    !head.bloom)
		return false;
	if (!target_peek(t, at + hash / bits % head.bloom * sizeof(word), &word,
			 sizeof(word)) ||
	    !(word >> hash % bits & 1) ||
	    !(word >> (hash >> (head.shift & 31)) % bits & 1))
		return false;
	at += (uint64_t)head.bloom * sizeof(word);
	if (!target_peek(t, at + hash % head.buckets * sizeof(index), &index,
			 sizeof(index)) ||
	    index < head.offset)
		return false;
	at += (uint64_t)head.buckets * sizeof(index);
	return walk_chain(t, in, at - (uint64_t)head.offset * sizeof(index),
			  index, addr);
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
		       const struct tables *in)
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
	struct tables in;
	uint64_t addr;

	found->is_named |= is_named;
	if ((!is_named && !m->is_code) || is_stranger(&m->file) ||
	    !target_mem(t))
		return;
	if (find_tables(t, m->start, &in) && look_up(t, &in, &addr))
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
