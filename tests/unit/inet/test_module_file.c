// SPDX-License-Identifier: MIT
/*
 * test_module_file.c - inet/module_file.c: libc maps no file that the library has not
 * looked at.
 */
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "inet/module_file.h"
#include "unit/helpers.h"

static char dir[] = "/tmp/cop-module-XXXXXX";
static char path[64];
static unsigned char whole[1 << 16]; /* the beginning of this program */

static void setup(void)
{
	int self = open("/proc/self/exe", O_RDONLY);

	cr_assert(ne(ptr, mkdtemp(dir), NULL));
	snprintf(path, sizeof(path), "%s/module", dir);
	cr_assert(eq(long, read(self, whole, sizeof(whole)), sizeof(whole)));
	close(self);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(inet_module_file, .init = setup, .fini = teardown, .timeout = 20);

static void put(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert(eq(long, write(fd, data, len), len));
	close(fd);
}

#define FAULT(text) \
	cr_expect(eq(str, (char *)(module_file_fault(path) ?: "none"), text))

Test(inet_module_file, a_whole_object_of_our_kind_is_taken)
{
	cr_assert(zero(ptr, (void *)module_file_fault("/proc/self/exe")));
}

Test(inet_module_file, a_file_that_is_not_there_is_no_fault)
{
	FAULT("");
	snprintf(path, sizeof(path), "/dev/null/module");
	FAULT("");
}

Test(inet_module_file, each_kind_of_wrong_file_is_named)
{
	ElfW(Ehdr) *elf = (void *)whole;

	put("", 0);
	FAULT("it is no ELF file");
	put("#!/bin/sh and more than there are bytes in a header of ELF", 58);
	FAULT("it is no ELF file");
	put(whole, sizeof(*elf));
	FAULT("it is damaged");
	put(whole, sizeof(whole));
	FAULT("it is cut off");
	elf->e_phnum = 65535;
	put(whole, sizeof(whole));
	FAULT("it is damaged");
	elf->e_type = ET_REL;
	put(whole, sizeof(whole));
	FAULT("it is no shared object");
	elf->e_machine++;
	put(whole, sizeof(whole));
	FAULT("it is for another architecture");
}

Test(inet_module_file, a_fifo_and_a_directory_are_no_files)
{
	cr_assert(zero(int, mkfifo(path, 0644)));
	FAULT("it is no file");
	unlink(path);
	cr_assert(zero(int, mkdir(path, 0755)));
	FAULT("it is no file");
	rmdir(path);
}

/* ---- segments --------------------------------------------------------------- */

/* The smallest file that can be a module: code and data of a page each. */
static struct {
	ElfW(Ehdr) elf;
	ElfW(Phdr) segment[3];
	char rest[8192 - sizeof(ElfW(Ehdr)) - 3 * sizeof(ElfW(Phdr))];
} small;

static void make_small(void)
{
	static const ElfW(Phdr) segment[3] = {
		{ .p_type = PT_LOAD,
		  .p_filesz = 4096,
		  .p_memsz = 4096,
		  .p_align = 4096 },
		{ .p_type = PT_LOAD,
		  .p_offset = 4096,
		  .p_vaddr = 4096,
		  .p_filesz = 4096,
		  .p_memsz = 5000,
		  .p_align = 4096 },
		{ .p_type = PT_GNU_RELRO, .p_vaddr = 4096, .p_memsz = 100 },
	};

	memcpy(&small.elf, whole, sizeof(small.elf));
	small.elf.e_type = ET_DYN;
	small.elf.e_phnum = 3;
	small.elf.e_phoff = offsetof(typeof(small), segment);
	memcpy(small.segment, segment, sizeof(segment));
}

static void expect_small(const char *fault)
{
	put(&small, sizeof(small));
	FAULT((char *)fault);
	make_small();
}

Test(inet_module_file, segments_that_a_linker_makes_are_taken)
{
	make_small();
	expect_small("none");
	small.segment[1].p_filesz = 0; /* .bss alone */
	expect_small("none");
	small.segment[2].p_memsz = 8192; /* to the end of the last page */
	expect_small("none");
	small.segment[2] = (ElfW(Phdr)){ .p_type = PT_GNU_STACK };
	expect_small("none");
	small.segment[2] = (ElfW(
		Phdr)){ .p_type = PT_TLS, .p_vaddr = 9000, .p_memsz = 1 << 20 };
	expect_small("none");
}

Test(inet_module_file, segments_that_reach_into_other_memory_are_refused)
{
	make_small();
	small.segment[0].p_memsz = 4097; /* over the second one */
	expect_small("it is damaged");
	small.segment[1].p_vaddr = 0;
	expect_small("it is damaged");
	small.segment[1].p_memsz = (1ul << 30) + 1;
	expect_small("it is damaged");
	small.segment[1].p_vaddr = -4096ul;
	expect_small("it is damaged");
	small.segment[1].p_memsz = 4095; /* less than the file has */
	expect_small("it is damaged");
	small.segment[1].p_align = 3;
	expect_small("it is damaged");
	small.segment[1].p_align = 0;
	expect_small("it is damaged");
	small.segment[2].p_memsz = 8193;
	expect_small("it is damaged");
	small.segment[2].p_vaddr = 1 << 20;
	expect_small("it is damaged");
	small.segment[2].p_memsz = -1ul;
	expect_small("it is damaged");
	small.segment[0].p_type = small.segment[1].p_type = PT_NULL;
	expect_small("it is damaged");
}

Test(inet_module_file, a_segment_that_the_file_does_not_have_is_cut_off)
{
	make_small();
	small.segment[1].p_offset = 4097;
	expect_small("it is cut off");
	small.segment[1].p_offset = -4096ul;
	expect_small("it is cut off");
	small.segment[1].p_filesz = -1ul;
	expect_small("it is cut off");
}
