// SPDX-License-Identifier: MIT
/*
 * own.c - reads the libcop.so that belongs to this cop, with libelf. Only this
 * file is trusted: other processes can write to the copy in their memory, and
 * the file that they have mapped may be any file of the same name.
 */
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#include "library.h"
#include "own.h"

/* ---- its segments -------------------------------------------------------- */

/*
 * Finds the note in the file, and sets its offset from the file's first byte.
 */
static bool take_note(struct own *own, Elf *elf, const GElf_Phdr *ph)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, ph->p_offset, ph->p_filesz,
					      ELF_T_NHDR);
	size_t at = 0, next, name, desc;
	GElf_Nhdr note;

	for (; data && (next = gelf_getnote(data, at, &note, &name, &desc));
	     at = next) {
		size_t len = desc + note.n_descsz - at;

		if (note.n_type != NT_GNU_BUILD_ID || !note.n_descsz ||
		    note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    len > sizeof(own->note) ||
		    memcmp((char *)data->d_buf + name, ELF_NOTE_GNU,
			   sizeof(ELF_NOTE_GNU)))
			continue;
		own->note_at = ph->p_offset + at;
		own->note_len = len;
		memcpy(own->note, (char *)data->d_buf + at, len);
		return true;
	}
	return false;
}

static bool take_segments(struct own *own, Elf *elf)
{
	bool has_begin = false;
	GElf_Phdr ph;
	size_t n;

	if (elf_getphdrnum(elf, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, i, &ph))
			return false;
		if (ph.p_type == PT_NOTE && !own->note_len)
			take_note(own, elf, &ph);
		if (ph.p_type != PT_LOAD || has_begin)
			continue;
		own->begin = ph.p_vaddr - ph.p_offset;
		has_begin = true;
	}
	return has_begin && own->note_len;
}

/* Returns the file's bytes for a range of addresses. */
static bool read_at(Elf *elf, uint64_t addr, void *to, size_t len)
{
	Elf_Data *data;
	GElf_Phdr ph;

	for (int i = 0; gelf_getphdr(elf, i, &ph); i++) {
		if (ph.p_type != PT_LOAD || addr < ph.p_vaddr ||
		    addr - ph.p_vaddr > ph.p_filesz ||
		    len > ph.p_filesz - (addr - ph.p_vaddr))
			continue;
		data = elf_getdata_rawchunk(elf,
					    ph.p_offset + (addr - ph.p_vaddr),
					    len, ELF_T_BYTE);
		if (!data || data->d_size < len)
			return false;
		memcpy(to, data->d_buf, len);
		return true;
	}
	return false;
}

/* ---- its symbol ---------------------------------------------------------- */

static bool find_symbol(Elf *elf, uint64_t *addr)
{
	Elf_Scn *section = NULL;
	GElf_Shdr sh;
	GElf_Sym sym;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data = elf_getdata(section, NULL);

		if (!data || !gelf_getshdr(section, &sh) ||
		    sh.sh_type != SHT_DYNSYM)
			continue;
		for (int i = 0; gelf_getsym(data, i, &sym); i++) {
			const char *name =
				elf_strptr(elf, sh.sh_link, sym.st_name);

			*addr = sym.st_value;
			if (name && sym.st_shndx &&
			    !strcmp(name, COP_EXPORT_SYMBOL))
				return true;
		}
	}
	return false;
}

/*
 * Sets the pointers as the loader would. On a machine whose table has no
 * addends (REL, RELR) the pointers in the file are right already.
 */
static void relocate(Elf *elf, uint64_t addr, void *bytes, size_t len)
{
	Elf_Scn *section = NULL;
	GElf_Shdr sh;
	GElf_Rela rela;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data = elf_getdata(section, NULL);

		if (!data || !gelf_getshdr(section, &sh) ||
		    sh.sh_type != SHT_RELA)
			continue;
		for (int i = 0; gelf_getrela(data, i, &rela); i++) {
			uintptr_t value = rela.r_addend;

			if (rela.r_offset >= addr &&
			    rela.r_offset - addr <= len - sizeof(value))
				memcpy((char *)bytes + (rela.r_offset - addr),
				       &value, sizeof(value));
		}
	}
}

/* ---- what it exports ----------------------------------------------------- */

static bool field_fits(const struct cop_export *x, int i)
{
	const struct cop_export_field *f = &x->field[i];

	if (!f->size)
		return true;
	return (f->size & (f->size - 1)) == 0 && f->size <= 8 &&
	       f->object < COP_OBJECTS &&
	       (uint32_t)f->offset + f->size <= x->object[f->object];
}

/* An older library has fewer fields than this program knows. */
static bool is_readable(struct cop_export *x)
{
	if (memcmp(x->magic, COP_EXPORT_MAGIC, sizeof(x->magic)) ||
	    x->layout != COP_EXPORT_LAYOUT || !x->object[COP_OBJ_SOCK])
		return false;
	for (int i = 0; i < COP_OBJECTS; i++)
		if (x->object[i] > COP_OBJECT_MAX)
			return false;
	for (int i = 0; i < COP_FIELDS; i++) {
		if (i >= x->fields)
			x->field[i].size = 0;
		if (!field_fits(x, i))
			return false;
	}
	return true;
}

static const char *take(struct own *own, Elf *elf)
{
	struct cop_export *x = &own->export;
	size_t len = offsetof(struct cop_export, field);
	uint64_t addr;

	if (gelf_getclass(elf) !=
	    (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return "is for another machine";
	if (!take_segments(own, elf))
		return "has no build-id: link it with --build-id";
	if (!find_symbol(elf, &addr) || !read_at(elf, addr, x, len))
		return "has no symbol " COP_EXPORT_SYMBOL;
	if (x->fields > COP_FIELDS)
		x->fields = COP_FIELDS;
	if (!read_at(elf, addr + len, x->field, x->fields * sizeof(*x->field)))
		return "is cut off";
	relocate(elf, addr, x, len);
	return is_readable(x) ? NULL : "has another layout than this cop knows";
}

const char *own_read(struct own *own)
{
	const char *wrong = "is no library";
	Elf *elf;
	int fd;

	memset(own, 0, sizeof(*own));
	if (!library_ours(own->path))
		return "can't be read";
	fd = open(own->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return "can't be read";
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		wrong = take(own, elf);
	elf_end(elf);
	close(fd);
	return wrong;
}

static void move(const void **pointer, uint64_t by)
{
	*pointer = (const void *)((uintptr_t)*pointer + (uintptr_t)by);
}

void own_export(const struct own *own, uint64_t start, struct cop_export *x)
{
	uint64_t by = start - own->begin;

	*x = own->export;
	move(&x->table, by);
	move(&x->process, by);
	for (int i = 0; i < COP_KINDS; i++)
		move(&x->protos[i], by);
}
