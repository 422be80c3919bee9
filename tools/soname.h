/* SPDX-License-Identifier: MIT */
/*
 * soname.h - the name that a library in another process has for the linker.
 */
#ifndef COP_TOOLS_SONAME_H
#define COP_TOOLS_SONAME_H

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

/**
 * soname_is - whether a library has a name, whatever its file is called
 * @t: the process, after target_mem() and mapped_find()
 * @start: address of the file's first byte in the process
 * @name: the name
 *
 * Believes what the process has in its memory, so the answer is good for a
 * message only. Returns false for a library of another word length.
 */
bool soname_is(const struct target *t, uint64_t start, const char *name);

#endif /* COP_TOOLS_SONAME_H */
