/* SPDX-License-Identifier: MIT */
/*
 * filesystem.h - whether a page of a file may take for ever.
 */
#ifndef COP_TOOLS_FILESYSTEM_H
#define COP_TOOLS_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

/**
 * filesystem_begin - find out what is known from the start
 * @trusted: a file that has been read before; its file system can be read from
 *
 * Forgets what was known before.
 */
void filesystem_begin(const char *trusted);

/**
 * filesystem_stalls - whether a file's pages may take for ever
 * @t: a process that has the file mapped
 * @dev: the device, as in its map: the major number in the upper 32 bits
 *
 * Returns true where it is not known.
 */
bool filesystem_stalls(struct target *t, uint64_t dev);

#endif /* COP_TOOLS_FILESYSTEM_H */
