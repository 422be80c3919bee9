// SPDX-License-Identifier: MIT
/*
 * inet/module_object.c - whether a mapped file has a module that can be used: the
 * symbol may be something else, and the file damaged.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * check_modinfo() and check_modstruct_version() in kernel/module/.
 */
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "inet/module_object.h"
#include "lib/compiler.h"
#include "lib/transport.h"

/* ---- memory of the file -------------------------------------------------- */

/* A place in the module's file, as it is mapped. */
struct place {
	const struct module *mod;
	uintptr_t at;
	uint32_t flags; /* PF_*: what must be allowed there */
	size_t room; /* bytes from there to the end of the segment; 0: none */
};

static size_t room_in(const struct dl_phdr_info *info,
		      const ElfW(Phdr) * segment, uintptr_t at)
{
	const uintptr_t past = at - (info->dlpi_addr + segment->p_vaddr);

	return past < segment->p_memsz ? segment->p_memsz - past : 0;
}

/* The loader takes the right to write away from a part: PT_GNU_RELRO. */
static size_t room_at(const struct dl_phdr_info *info, uintptr_t at,
		      uint32_t flags)
{
	size_t room = 0;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_GNU_RELRO && flags & PF_W &&
		    room_in(info, segment, at))
			return 0;
		if (segment->p_type == PT_LOAD &&
		    (segment->p_flags & flags) == flags && !room)
			room = room_in(info, segment, at);
	}
	return room;
}

static int look_in(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct place *place = arg;

	(void)size;
	if (!room_at(info, (uintptr_t)place->mod, PF_R))
		return 0;
	place->room = room_at(info, place->at, place->flags);
	return 1;
}

/* How many bytes the module's own file has from an address on. */
static size_t room(const struct module *mod, const void *at, uint32_t flags)
{
	struct place place = { .mod = mod,
			       .at = (uintptr_t)at,
			       .flags = flags };

	dl_iterate_phdr(look_in, &place);
	return place.room;
}

/* The longest name that messages show. */
#define TEXT_MAX 200

static bool is_text(const struct module *mod, const char *text)
{
	const size_t len = min_t(size_t, room(mod, text, PF_R), TEXT_MAX);

	return len && memchr(text, '\0', len);
}

static bool is_code(const struct module *mod, uintptr_t fn)
{
	return room(mod, (const void *)fn, PF_X);
}

/* ---- the module ---------------------------------------------------------- */

static const char *struct_fault(const struct module *mod)
{
	if (!is_code(mod, (uintptr_t)mod->init) ||
	    (mod->exit && !is_code(mod, (uintptr_t)mod->exit)) ||
	    !is_text(mod, mod->name) || !is_text(mod, mod->version))
		return "its struct module is damaged";
	return NULL;
}

/*
 * The symbol's kind and size are not asked for: dladdr() trusts more of a damaged file
 * than dlsym() does.
 */
const char *module_object_fault(const struct module *mod)
{
	size_t size;

	if (!mod)
		return "it has no struct module: MODULE_TRANSPORT() is missing";
	size = room(mod, mod, PF_R | PF_W);
	if (size < sizeof(mod->abi) || (uintptr_t)mod % _Alignof(struct module))
		return "its cop_module is no struct module";
	if (mod->abi != COP_TRANSPORT_ABI)
		return "it was built for another version of cop_transport.h";
	return size < sizeof(*mod) ? "its cop_module is no struct module"
				   : struct_fault(mod);
}
