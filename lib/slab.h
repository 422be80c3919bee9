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

/*
 * The first chunk holds 64 objects at most, and fits into a page if one object
 * does.
 */
#define COP_SLAB_SHIFT(size)  \
	((size) <= 64	  ? 6 \
	 : (size) <= 128  ? 5 \
	 : (size) <= 256  ? 4 \
	 : (size) <= 512  ? 3 \
	 : (size) <= 1024 ? 2 \
	 : (size) <= 2048 ? 1 \
			  : 0)

/*
 * Every object begins with a struct slab_node. Only the slab writes it, and
 * only while the object is free.
 */
struct slab_node {
	_Atomic(uint32_t)
		next;	/* (a) 1 + index of the next free object, 0: none */
	uint32_t index; /* (c) this object's number */
};

struct cop_slab {
	size_t size;		 /* (c) bytes of one object */
	unsigned int shift;	 /* (c) chunk 0 has 1 << shift objects */
	_Atomic(uint64_t) free;	 /* (a) tag << 32 | 1 + index of the first free
				  * object, 0: none */
	_Atomic(uint32_t) fresh; /* (a) index of the next new object */
	_Atomic(char *) chunks[COP_SLAB_CHUNKS]; /* (a) made when needed */
};

#define COP_SLAB(type)                                                       \
	{                                                                    \
		.size = sizeof(type), .shift = COP_SLAB_SHIFT(sizeof(type)), \
	}

/**
 * cop_slab_alloc - take an object
 * @slab: the slab
 *
 * Returns the object, its contents as its last owner left them (zero when it
 * is new), or NULL when there is no memory. Lock-free, async-signal-safe.
 * Counterpart: kmem_cache_alloc() on a SLAB_TYPESAFE_BY_RCU cache.
 */
void *cop_slab_alloc(struct cop_slab *slab);

/**
 * cop_slab_take - take an object that is free already
 * @slab: the slab
 *
 * As cop_slab_alloc(), but asks for no memory: returns NULL if no object is free.
 */
void *cop_slab_take(struct cop_slab *slab);

/**
 * cop_slab_free - give an object back
 * @slab: its slab
 * @object: from cop_slab_alloc()
 *
 * Lock-free, async-signal-safe.
 */
void cop_slab_free(struct cop_slab *slab, void *object);

#endif /* COP_SLAB_H */
