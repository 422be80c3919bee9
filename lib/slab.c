// SPDX-License-Identifier: MIT
/*
 * lib/slab.c - type-stable memory without locks.
 *
 * Owns: the chunks of each slab. Protected by: atomic operations; the free
 * list's head carries a tag against ABA. Counterpart in the kernel: mm/slub.c.
 */
#include "lib/arena.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/slab.h"

static size_t chunk_objects(const struct cop_slab *slab, unsigned int chunk)
{
	return (size_t)1 << (slab->shift + chunk);
}

/* Chunk i starts at object (2^i - 1) << shift. */
static unsigned int chunk_of(const struct cop_slab *slab, uint32_t index,
			     uint32_t *offset)
{
	uint32_t n = (index >> slab->shift) + 1;
	unsigned int chunk = 31 - __builtin_clz(n);

	*offset = index - (((1u << chunk) - 1) << slab->shift);
	return chunk;
}

static struct slab_node *slab_at(struct cop_slab *slab, uint32_t index)
{
	uint32_t offset;
	unsigned int chunk = chunk_of(slab, index, &offset);
	char *base = atomic_load_explicit(&slab->chunks[chunk],
					  memory_order_acquire);

	return (struct slab_node *)(base + offset * slab->size);
}

/*
 * Two threads may make the same chunk at once. The memory of the second one is
 * lost; it costs address space only, because nothing has touched it.
 */
static int chunk_make(struct cop_slab *slab, unsigned int chunk)
{
	char *base = cop_arena_take(chunk_objects(slab, chunk) * slab->size);
	char *none = NULL;

	if (!base)
		return -1;
	atomic_compare_exchange_strong(&slab->chunks[chunk], &none, base);
	return 0;
}

static struct slab_node *slab_pop(struct cop_slab *slab)
{
	uint64_t head = atomic_load_explicit(&slab->free, memory_order_acquire);
	struct slab_node *node;
	uint64_t next;

	do {
		if (!(uint32_t)head)
			return NULL;
		node = slab_at(slab, (uint32_t)head - 1);
		next = ((head >> 32) + 1) << 32 | READ_ONCE(node->next);
	} while (!u64_cas(&slab->free, &head, next));
	return node;
}

/* Returns a new object. Makes its chunk first, if that is missing. */
static struct slab_node *slab_grow(struct cop_slab *slab)
{
	uint32_t index = READ_ONCE(slab->fresh);
	struct slab_node *node;
	unsigned int chunk;
	uint32_t offset;

	do {
		chunk = chunk_of(slab, index, &offset);
		if (chunk >= COP_SLAB_CHUNKS)
			return NULL;
		if (!atomic_load(&slab->chunks[chunk]) &&
		    chunk_make(slab, chunk))
			return NULL;
	} while (!u32_cas(&slab->fresh, &index, index + 1));
	node = slab_at(slab, index);
	node->index = index;
	return node;
}

void *cop_slab_take(struct cop_slab *slab)
{
	return slab_pop(slab);
}

void *cop_slab_alloc(struct cop_slab *slab)
{
	struct slab_node *node = slab_pop(slab);

	return node ? node : slab_grow(slab);
}

void cop_slab_free(struct cop_slab *slab, void *object)
{
	struct slab_node *node = object;
	uint64_t head = READ_ONCE(slab->free);
	uint64_t next;

	do {
		WRITE_ONCE(node->next, (uint32_t)head);
		next = ((head >> 32) + 1) << 32 | (node->index + 1);
	} while (!u64_cas(&slab->free, &head, next));
}
