/* SPDX-License-Identifier: MIT */
/*
 * own.h - the libcop.so that belongs to this cop: how it is told from others in
 * another process's memory, and where in that memory its objects are.
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
	struct cop_export export; /* its pointers are addresses of the file */
	uint64_t begin;		  /* address of the file's first byte */
	uint64_t note_at;	  /* the note with its build-id: how far behind
				   * that */
	size_t note_len;
	unsigned char note[OWN_NOTE_MAX];
};

/**
 * own_read - read the library that belongs to this cop
 * @own: what is read
 *
 * Returns NULL, or what is wrong with the library.
 */
const char *own_read(struct own *own);

/**
 * own_export - what the library exports where it is mapped
 * @own: from own_read()
 * @start: where the file's first byte is
 * @x: the same as own->export, but with addresses of that process
 */
void own_export(const struct own *own, uint64_t start, struct cop_export *x);

#endif /* COP_TOOLS_OWN_H */
