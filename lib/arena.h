/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that is never given back.
 */
#ifndef COP_ARENA_H
#define COP_ARENA_H

#include <stddef.h>

#define COP_ARENA_RESERVE (48 * 1024)  /* bytes in the library's data */
#define COP_ARENA_LEAST	  (128 * 1024) /* bytes of the first mapping */
#define COP_ARENA_MOST	  (256 * 1024) /* bytes of the largest one */

/**
 * cop_arena_take - take memory for good
 * @len: bytes
 *
 * Returns zeros, aligned to 64 bytes, or NULL if there is no memory. Maps
 * little more than it returns, because a program may have locked or limited its
 * memory. Lock-free, async-signal-safe; errno stays. Counterpart:
 * memblock_alloc().
 */
void *cop_arena_take(size_t len);

#endif /* COP_ARENA_H */
