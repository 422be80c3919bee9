/* SPDX-License-Identifier: MIT */
/*
 * slab.h - type-stable memory: objects of one size that are recycled but never
 * given back, so that a pointer to one always points to an object of its type.
 */
#ifndef COP_SLAB_H
#define COP_SLAB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define COP_SLAB_CHUNKS 24 /* chunk i holds 1 << (shift + i) objects */

/* The first one is no larger than a page, if it can, and holds 64 at most. */
#define COP_SLAB_SHIFT(size)  \
	((size) <= 64	  ? 6 \
	 : (size) <= 128  ? 5 \
	 : (size) <= 256  ? 4 \
	 : (size) <= 512  ? 3 \
	 : (size) <= 1024 ? 2 \
	 : (size) <= 2048 ? 1 \
			  : 0)

/*
 * Every object begins with a struct slab_node, which the slab alone writes
 * while the object is free and nobody else ever writes.
 */
struct slab_node {
	_Atomic(uint32_t)
		next;	/* (a) 1 + index of the next free one, 0: none */
	uint32_t index; /* (c) of this object */
};

struct cop_slab {
	size_t size;		 /* (c) bytes of one object */
	unsigned int shift;	 /* (c) of the first chunk */
	_Atomic(uint64_t) free;	 /* (a) tag << 32 | 1 + index of the first */
	_Atomic(uint32_t) fresh; /* (a) objects that were ever handed out */
	_Atomic(char *) chunks[COP_SLAB_CHUNKS]; /* (a) mapped when needed */
};

#define COP_SLAB(type)                                                       \
	{                                                                    \
		.size = sizeof(type), .shift = COP_SLAB_SHIFT(sizeof(type)), \
	}

/**
 * cop_slab_alloc - take an object
 * @slab: where from
 *
 * Returns the object, its contents as its last owner left them (zero when it
 * is new), or NULL when there is no memory. Lock-free, async-signal-safe.
 * Counterpart: kmem_cache_alloc() on a SLAB_TYPESAFE_BY_RCU cache.
 */
void *cop_slab_alloc(struct cop_slab *slab);

/**
 * cop_slab_free - give an object back
 * @slab: where it came from
 * @object: what cop_slab_alloc() returned
 *
 * Lock-free, async-signal-safe.
 */
void cop_slab_free(struct cop_slab *slab, void *object);

#endif /* COP_SLAB_H */
