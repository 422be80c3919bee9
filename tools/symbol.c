// SPDX-License-Identifier: MIT
/*
 * symbol.c - where a symbol is that a file defines which another process has
 * mapped, by the headers and tables in its memory. Nothing that is read is
 * believed. Counterpart: do_lookup_x() of the loader.
 */
#include <link.h>
#include <limits.h>
#include <string.h>

#include "symbol.h"

#define PAGE	    4096
#define DYNAMIC_MAX 128
#define CHAIN_MAX   4096

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
static void take_dynamic(struct symbol_tables *in, const ElfW(Dyn) * dyn)
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
			 struct symbol_tables *in)
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

bool symbol_tables(const struct target *t, uint64_t start,
		   struct symbol_tables *in)
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

static bool is_symbol(const struct target *t, const struct symbol_tables *in,
		      const char *name, uint32_t index, uint64_t *addr)
{
	char is[NAME_MAX + 1];
	size_t size = strlen(name) + 1;
	ElfW(Sym) sym;

	if (!target_peek(t, in->symbols + (uint64_t)index * sizeof(sym), &sym,
			 sizeof(sym)) ||
	    !sym.st_shndx ||
	    !target_peek(t, in->strings + sym.st_name, is, size) ||
	    memcmp(is, name, size))
		return false;
	*addr = in->bias + sym.st_value;
	return true;
}

static bool walk_chain(const struct target *t, const struct symbol_tables *in,
		       const char *name, uint64_t chain, uint32_t index,
		       uint64_t *addr)
{
	uint32_t want = gnu_hash(name), hash = 0;

	for (int i = 0; i < CHAIN_MAX && !(hash & 1); i++, index++) {
		if (!target_peek(t, chain + (uint64_t)index * sizeof(hash),
				 &hash, sizeof(hash)))
			return false;
		if ((hash | 1) == (want | 1) &&
		    is_symbol(t, in, name, index, addr))
			return true;
	}
	return false;
}

bool symbol_find(const struct target *t, const struct symbol_tables *in,
		 const char *name, uint64_t *addr)
{
	struct {
		uint32_t buckets, offset, bloom, shift;
	} head;
	const unsigned int bits = sizeof(ElfW(Addr)) * 8;
	uint32_t hash = gnu_hash(name), index;
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
	return walk_chain(t, in, name,
			  at - (uint64_t)head.offset * sizeof(index), index,
			  addr);
}
