/* SPDX-License-Identifier: MIT */
/*
 * filesystem.h - says whether reading a page of a file may take for ever.
 */
#ifndef COP_TOOLS_FILESYSTEM_H
#define COP_TOOLS_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

/**
 * filesystem_begin - forget all devices, and learn the ones that are safe
 * @trusted: a file that was read before, so its file system is safe
 */
void filesystem_begin(const char *trusted);

/**
 * filesystem_stalls - whether a file's pages may take for ever
 * @t: a process that has the file mapped
 * @dev: the device, as in its map: the major number in the upper 32 bits
 *
 * Returns true if it does not know the file system.
 */
bool filesystem_stalls(struct target *t, uint64_t dev);

#endif /* COP_TOOLS_FILESYSTEM_H */
