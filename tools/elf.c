// SPDX-License-Identifier: MIT
/*
 * elf.c - reads from an ELF file's headers how the program is started: for
 * which machine it is, which loader it asks for, and whether the Go compiler
 * has made it.
 *
 * It reads little, because a program waits for it: mostly the first page, and
 * the names of the sections. The file may be wrong: offsets that point beyond
 * it are ignored. Counterpart in the kernel: load_elf_binary().
 */
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"

#define PAGE	  4096	    /* the kernel's limit for program headers, too */
#define NAMES_MAX (1 << 20) /* all names of sections; mostly some 100 bytes */
#define GO_NOTE	  4	    /* type of the note with the name of a Go build */

/*
 * This program's own header, from the linker: libcop.so is for the same
 * machine.
 */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct elf_file {
	int fd;
	size_t len; /* of head */
	_Alignas(16) unsigned char head[PAGE];
	_Alignas(16) unsigned char rest[PAGE]; /* read last, beyond head */
};

/*
 * Reads up to a page of the file; NULL if there is less. Valid until the next
 * call.
 */
static const void *part(struct elf_file *f, uint64_t offset, size_t n)
{
	if (offset <= f->len && n <= f->len - offset)
		return f->head + offset;
	if (n > sizeof(f->rest) || offset > INT64_MAX ||
	    pread(f->fd, f->rest, n, offset) != (ssize_t)n)
		return NULL;
	return f->rest;
}

/* ---- segments ------------------------------------------------------------ */

/* The loader's name must end with a 0, as the kernel demands. */
static int read_interp(struct elf_file *f, const ElfW(Phdr) * ph,
		       struct elf_image *image)
{
	const char *path;

	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(image->interp))
		return -1;
	path = part(f, ph->p_offset, ph->p_filesz);
	if (!path || path[ph->p_filesz - 1])
		return -1;
	strcpy(image->interp, path);
	image->has_interp = true;
	return 0;
}

/* Programs and libraries are both ET_DYN, but a program is marked as one. */
static bool is_pie(const ElfW(Dyn) * dyn, size_t n)
{
	for (; n && dyn->d_tag != DT_NULL; dyn++, n--)
		if (dyn->d_tag == DT_FLAGS_1)
			return dyn->d_un.d_val & DF_1_PIE;
	return false;
}

static bool is_library(struct elf_file *f, const ElfW(Phdr) * ph)
{
	ElfW(Dyn) dyn[PAGE / sizeof(ElfW(Dyn))];
	size_t size = ph->p_filesz < sizeof(dyn) ? ph->p_filesz : sizeof(dyn);
	const void *p = part(f, ph->p_offset, size);

	if (!p)
		return false;
	memcpy(dyn, p, size);
	return !is_pie(dyn, size / sizeof(*dyn));
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static bool has_go_note(const unsigned char *p, size_t len)
{
	ElfW(Nhdr) note;

	while (len >= sizeof(note)) {
		size_t size;

		memcpy(&note, p, sizeof(note));
		if (note.n_namesz > len || note.n_descsz > len)
			return false;
		size = sizeof(note) + padded(note.n_namesz) +
		       padded(note.n_descsz);
		if (size > len)
			return false;
		if (note.n_type == GO_NOTE && note.n_namesz == 4 &&
		    !memcmp(p + sizeof(note), "Go\0", 4))
			return true;
		p += size;
		len -= size;
	}
	return false;
}

static int read_segment(struct elf_file *f, const ElfW(Phdr) * ph,
			struct elf_image *image)
{
	const void *p;

	switch (ph->p_type) {
	case PT_INTERP:
		return image->has_interp ? 0 : read_interp(f, ph, image);
	case PT_DYNAMIC:
		image->is_library = is_library(f, ph);
		return 0;
	case PT_NOTE:
		p = part(f, ph->p_offset, ph->p_filesz);
		if (p && has_go_note(p, ph->p_filesz))
			image->is_go = true;
		return 0;
	default:
		return 0;
	}
}

static int read_segments(struct elf_file *f, const ElfW(Ehdr) * eh,
			 struct elf_image *image)
{
	ElfW(Phdr) ph[PAGE / sizeof(ElfW(Phdr))];
	const void *p;

	if (eh->e_phentsize != sizeof(*ph) || !eh->e_phnum ||
	    eh->e_phnum > sizeof(ph) / sizeof(*ph))
		return -1;
	p = part(f, eh->e_phoff, eh->e_phnum * sizeof(*ph));
	if (!p)
		return -1;
	memcpy(ph, p, eh->e_phnum * sizeof(*ph));
	for (unsigned int i = 0; i < eh->e_phnum; i++)
		if (read_segment(f, &ph[i], image))
			return -1;
	return 0;
}

/* ---- sections ------------------------------------------------------------ */

/*
 * A Go build without a name has no note, but it has a section that only Go
 * makes.
 */
static bool names_have_go(const char *names, size_t len)
{
	static const char *const marks[] = { ".go.buildinfo",
					     ".note.go.buildid" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (memmem(names, len, marks[i], strlen(marks[i]) + 1))
			return true;
	return false;
}

/*
 * One section has the names of all sections. A header may claim any size, and
 * the file may be sparse.
 */
static bool has_go_section(struct elf_file *f, const ElfW(Ehdr) * eh)
{
	ElfW(Shdr) sh;
	const void *p;
	char *names;
	bool is_go;

	if (!eh->e_shoff || eh->e_shentsize != sizeof(sh))
		return false;
	p = part(f, eh->e_shoff + eh->e_shstrndx * sizeof(sh), sizeof(sh));
	if (!p)
		return false;
	memcpy(&sh, p, sizeof(sh));
	if (sh.sh_type != SHT_STRTAB || sh.sh_size > NAMES_MAX)
		return false;
	p = part(f, sh.sh_offset, sh.sh_size);
	if (p)
		return names_have_go(p, sh.sh_size);
	names = malloc(sh.sh_size);
	is_go = names &&
		pread(f->fd, names, sh.sh_size, sh.sh_offset) ==
			(ssize_t)sh.sh_size &&
		names_have_go(names, sh.sh_size);
	free(names);
	return is_go;
}

int elf_read(int fd, struct elf_image *image)
{
	struct elf_file f = { .fd = fd };
	ssize_t n = pread(fd, f.head, sizeof(f.head), 0);
	ElfW(Ehdr) eh;

	image->is_native = image->has_interp = false;
	image->is_library = image->is_go = false;
	if (n < EI_NIDENT || memcmp(f.head, ELFMAG, SELFMAG))
		return -1;
	f.len = n;
	if (f.head[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
	    f.head[EI_DATA] != __ehdr_start.e_ident[EI_DATA])
		return 0;
	if (f.len < sizeof(eh))
		return -1;
	memcpy(&eh, f.head, sizeof(eh));
	if (eh.e_machine != __ehdr_start.e_machine)
		return 0;
	image->is_native = true;
	if (read_segments(&f, &eh, image))
		return -1;
	if (!image->is_go)
		image->is_go = has_go_section(&f, &eh);
	return 0;
}
