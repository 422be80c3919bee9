// SPDX-License-Identifier: MIT
/*
 * inet/module_file.c - whether a file can be a module, before libc maps it.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * elf_validity_check() in kernel/module/main.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inet/module_file.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/scratch.h"

#define PHDRS_MAX 64

/* The header of this library itself: a module has the same kind. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static bool is_of_our_kind(const ElfW(Ehdr) * elf)
{
	return !memcmp(elf->e_ident, __ehdr_start.e_ident, EI_VERSION + 1) &&
	       elf->e_machine == __ehdr_start.e_machine;
}

static bool is_whole(const ElfW(Phdr) * segment, off_t size)
{
	return segment->p_type != PT_LOAD ||
	       (segment->p_offset <= (size_t)size &&
		segment->p_filesz <= (size_t)size - segment->p_offset);
}

static const char *check_segments(int fd, const ElfW(Ehdr) * elf, off_t size)
{
	ElfW(Phdr) segment[PHDRS_MAX];
	const size_t len = elf->e_phnum * sizeof(*segment);

	if (!elf->e_phnum || elf->e_phnum > PHDRS_MAX ||
	    elf->e_phentsize != sizeof(*segment) ||
	    pread(fd, segment, len, elf->e_phoff) != (ssize_t)len)
		return "it is damaged";
	for (size_t i = 0; i < elf->e_phnum; i++)
		if (!is_whole(&segment[i], size))
			return "it is cut off";
	return NULL;
}

static const char *check_file(int fd)
{
	ElfW(Ehdr) elf;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return "it is no file";
	if (pread(fd, &elf, sizeof(elf), 0) != sizeof(elf) ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG))
		return "it is no ELF file";
	if (!is_of_our_kind(&elf))
		return "it is for another architecture";
	if (elf.e_type != ET_DYN)
		return "it is no shared object";
	return check_segments(fd, &elf, st.st_size);
}

static const char *open_fault(int err)
{
	if (err == ENOENT || err == ENOTDIR)
		return "";
	return err == EACCES ? "it can't be read" : "it can't be opened";
}

/* A FIFO of that name must not hold the program up. */
const char *module_file_fault(const char *path)
{
	struct cop_scratch part;
	const char *fault;
	int fd;

	cop_scratch_begin(&part);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	fault = fd < 0 ? open_fault(errno) : check_file(fd);
	if (fd >= 0)
		cop_libc.close(fd);
	cop_scratch_end(&part);
	return fault;
}
