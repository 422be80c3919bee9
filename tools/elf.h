/* SPDX-License-Identifier: MIT */
/*
 * elf.h - reads from an ELF file's headers how the program is started.
 */
#ifndef COP_TOOLS_ELF_H
#define COP_TOOLS_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct elf_image {
	bool is_native; /* for the machine that cop is for, with its word length
			  * and byte order; else nothing below is known */
	bool has_interp; /* it asks for a loader, which is */
	char interp[PATH_MAX];
	bool is_library; /* or a loader: dynamic, not marked as a program */
	bool is_go;	 /* made by the Go compiler, all or in part */
};

/**
 * elf_read - read the headers of an ELF file
 * @fd: the file
 * @image: filled in
 *
 * Returns 0, or -1 if it is no ELF file that the kernel starts or a loader
 * loads.
 */
int elf_read(int fd, struct elf_image *image);

#endif /* COP_TOOLS_ELF_H */
