// SPDX-License-Identifier: MIT
/*
 * soname.c - reads the name that a library in another process has for the
 * linker. Each count is limited, and each address may be wrong. Counterpart:
 * _dl_map_object() of glibc, which compares these names.
 */
#include <link.h>
#include <string.h>

#include "soname.h"

#define SEGMENTS_MAX 32
#define ENTRIES_MAX  128
#define NAME_SIZE    64

struct dynamic {
	uint64_t addr, n; /* the dynamic section: address, number of entries */
	uint64_t strings, name; /* address of the names, the name's offset */
};

static bool find_dynamic(const struct target *t, uint64_t start,
			 struct dynamic *d)
{
	ElfW(Ehdr) eh;
	ElfW(Phdr) ph;

	if (!target_peek(t, start, &eh, sizeof(eh)) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] !=
		    (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    eh.e_type != ET_DYN || eh.e_phentsize != sizeof(ph))
		return false;
	for (int i = 0; i < eh.e_phnum && i < SEGMENTS_MAX; i++) {
		if (!target_peek(t, start + eh.e_phoff + i * sizeof(ph), &ph,
				 sizeof(ph)))
			return false;
		d->addr = start + ph.p_vaddr;
		d->n = ph.p_memsz / sizeof(ElfW(Dyn));
		if (ph.p_type == PT_DYNAMIC)
			return true;
	}
	return false;
}

/* On most machines the loader has turned the offset into an address. */
static bool find_name(const struct target *t, uint64_t start, struct dynamic *d)
{
	ElfW(Dyn) dyn;

	for (uint64_t i = 0; i < d->n && i < ENTRIES_MAX; i++) {
		if (!target_peek(t, d->addr + i * sizeof(dyn), &dyn,
				 sizeof(dyn)) ||
		    dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_STRTAB)
			d->strings = dyn.d_un.d_ptr;
		if (dyn.d_tag == DT_SONAME)
			d->name = dyn.d_un.d_val;
	}
	if (d->strings < start)
		d->strings += start;
	return d->name;
}

bool soname_is(const struct target *t, uint64_t start, const char *name)
{
	struct dynamic d = { 0 };
	size_t size = strlen(name) + 1;
	char text[NAME_SIZE];

	return size <= sizeof(text) && find_dynamic(t, start, &d) &&
	       find_name(t, start, &d) &&
	       target_peek(t, d.strings + d.name, text, size) &&
	       !memcmp(text, name, size);
}
