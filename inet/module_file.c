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
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inet/module_file.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/scratch.h"

#define PHDRS_MAX 64

/* No module has more memory, and no address in a file is higher. */
#define MEMORY_MAX (1ul << 30)

/* The header of this library itself: a module has the same kind. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static bool is_of_our_kind(const ElfW(Ehdr) * elf)
{
	return !memcmp(elf->e_ident, __ehdr_start.e_ident, EI_VERSION + 1) &&
	       elf->e_machine == __ehdr_start.e_machine;
}

/* The program headers of a file. */
struct segments {
	ElfW(Phdr) at[PHDRS_MAX];
	size_t n;
};

static bool is_whole(const ElfW(Phdr) * segment, off64_t size)
{
	return segment->p_offset <= (size_t)size &&
	       segment->p_filesz <= (size_t)size - segment->p_offset;
}

static bool has_size(const ElfW(Phdr) * segment)
{
	return segment->p_filesz <= segment->p_memsz &&
	       segment->p_memsz <= MEMORY_MAX &&
	       segment->p_vaddr <= MEMORY_MAX && segment->p_align &&
	       segment->p_align <= MEMORY_MAX &&
	       !(segment->p_align & (segment->p_align - 1));
}

static uintptr_t end_of(const ElfW(Phdr) * segment)
{
	return segment->p_vaddr + segment->p_memsz;
}

/*
 * The loader reserves memory up to the end of the last segment. A segment that goes
 * further would be mapped over another library.
 */
static const char *check_loads(const struct segments *s, off64_t size)
{
	uintptr_t end = 0;

	for (size_t i = 0; i < s->n; i++) {
		const ElfW(Phdr) *segment = &s->at[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (!is_whole(segment, size))
			return "it is cut off";
		if (!has_size(segment) || segment->p_vaddr < end)
			return "it is damaged";
		end = end_of(segment);
	}
	return end ? NULL : "it is damaged";
}

/*
 * Linkers make the part that the loader protects from writing end with a page. Of a
 * PT_TLS only the data are mapped.
 */
static bool covers(const ElfW(Phdr) * load, const ElfW(Phdr) * segment)
{
	const uintptr_t end = (end_of(load) + load->p_align - 1) &
			      ~(uintptr_t)(load->p_align - 1);

	const size_t size = segment->p_type == PT_TLS ? segment->p_filesz
						      : segment->p_memsz;

	return load->p_type == PT_LOAD && segment->p_vaddr >= load->p_vaddr &&
	       segment->p_vaddr <= end && size <= end - segment->p_vaddr;
}

/* The loader reads and protects parts of what it has mapped, and checks none. */
static bool is_mapped(const struct segments *s, const ElfW(Phdr) * segment)
{
	if (segment->p_type == PT_NULL || segment->p_type == PT_GNU_STACK)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (covers(&s->at[i], segment))
			return true;
	return false;
}

static const char *check_segments(int fd, const ElfW(Ehdr) * elf, off64_t size)
{
	struct segments s = { .n = elf->e_phnum };
	const size_t len = s.n * sizeof(*s.at);
	const char *fault;

	if (!s.n || s.n > PHDRS_MAX || elf->e_phentsize != sizeof(*s.at) ||
	    pread64(fd, s.at, len, elf->e_phoff) != (ssize_t)len)
		return "it is damaged";
	fault = check_loads(&s, size);
	for (size_t i = 0; !fault && i < s.n; i++)
		if (!is_mapped(&s, &s.at[i]))
			fault = "it is damaged";
	return fault;
}

static const char *check_file(int fd)
{
	ElfW(Ehdr) elf;
	struct stat64 st;

	if (fstat64(fd, &st) || !S_ISREG(st.st_mode))
		return "it is no file";
	if (pread64(fd, &elf, sizeof(elf), 0) != sizeof(elf) ||
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

/*
 * A FIFO of that name must not hold the program up, nor may its writer find that it has
 * a reader for a moment. So the file is opened only if it is a regular one.
 */
const char *module_file_fault(const char *path)
{
	struct cop_scratch part;
	const char *fault;
	struct stat64 st;
	int fd;

	if (stat64(path, &st))
		return open_fault(errno);
	if (!S_ISREG(st.st_mode))
		return "it is no file";
	cop_scratch_begin(&part);
	fd = open64(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	fault = fd < 0 ? open_fault(errno) : check_file(fd);
	if (fd >= 0)
		cop_libc.close(fd);
	cop_scratch_end(&part);
	return fault;
}
