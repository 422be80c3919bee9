/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that is never given back.
 */
#ifndef COP_ARENA_H
#define COP_ARENA_H

#include <stddef.h>

#define COP_ARENA_RESERVE (48 * 1024)  /* bytes that need no mapping */
#define COP_ARENA_LEAST	  (128 * 1024) /* that are mapped at first, and */
#define COP_ARENA_MOST	  (256 * 1024) /* in the end at once */

/**
 * cop_arena_take - take memory for good
 * @len: bytes
 *
 * Returns zeros, aligned to 64 bytes, or NULL where there is no memory. Where a
 * program has its memory locked or limited, little more is mapped than is taken.
 * Lock-free, async-signal-safe; errno stays. Counterpart: memblock_alloc().
 */
void *cop_arena_take(size_t len);

#endif /* COP_ARENA_H */
