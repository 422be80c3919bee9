/* SPDX-License-Identifier: MIT */
/*
 * own.h - reads the libcop.so that belongs to this cop: its build-id, by which
 * it is known in another process's memory, and the places of its objects.
 */
#ifndef COP_TOOLS_OWN_H
#define COP_TOOLS_OWN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inet/export.h"

#define OWN_NOTE_MAX 128

struct own {
	char path[PATH_MAX];
	struct cop_export export; /* its pointers are addresses in the file */
	uint64_t begin;		  /* address of the file's first byte */
	uint64_t note_at;	  /* offset of the note with the build-id, from
				   * there */
	size_t note_len;
	unsigned char note[OWN_NOTE_MAX];
};

/**
 * own_read - read the library that belongs to this cop
 * @own: filled in
 *
 * Returns NULL, or a text that says what is wrong with the library.
 */
const char *own_read(struct own *own);

/**
 * own_export - turn the library's export into one for a process
 * @own: from own_read()
 * @start: address of the file's first byte in the process
 * @x: set to own->export, with addresses of the process
 */
void own_export(const struct own *own, uint64_t start, struct cop_export *x);

#endif /* COP_TOOLS_OWN_H */
