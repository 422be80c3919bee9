// SPDX-License-Identifier: MIT
/*
 * cop_slab.c - type-stable memory without locks.
 *
 * Owns: the chunks of each slab, and the reserve that the first of them are
 * taken from. Protected by: atomic operations; the free
 * list's head carries a tag against ABA. May call: mmap() only, which is what
 * keeps it usable in a signal handler. Counterpart in the kernel: mm/slub.c.
 */
#include <sys/mman.h>

#include "cop/atomic.h"
#include "cop/compiler.h"
#include "cop/slab.h"

static size_t chunk_objects(unsigned int chunk)
{
	return (size_t)COP_SLAB_FIRST << chunk;
}

/* Chunk i starts at object COP_SLAB_FIRST * (2^i - 1). */
static unsigned int chunk_of(uint32_t index, uint32_t *offset)
{
	uint32_t n = index / COP_SLAB_FIRST + 1;
	unsigned int chunk = 31 - __builtin_clz(n);

	*offset = index - COP_SLAB_FIRST * ((1u << chunk) - 1);
	return chunk;
}

static struct slab_node *slab_at(struct cop_slab *slab, uint32_t index)
{
	uint32_t offset;
	unsigned int chunk = chunk_of(index, &offset);
	char *base = atomic_load_explicit(&slab->chunks[chunk],
					  memory_order_acquire);

	return (struct slab_node *)(base + offset * slab->size);
}

/*
 * The first chunks lie here, enough for a thousand sockets: a fork() copies what
 * is beside the library's other data for less than a mapping of its own. Pages
 * that nobody has used cost nothing.
 */
static char reserve[512 * 1024] __attribute__((aligned(64)));
static _Atomic(uint32_t) reserve_used;

static char *reserve_take(size_t len)
{
	uint32_t used = READ_ONCE(reserve_used);

	len = (len + 63) & ~63ul;
	do {
		if (len > sizeof(reserve) - used)
			return NULL;
	} while (!u32_cas(&reserve_used, &used, used + len));
	return reserve + used;
}

/* Map a chunk; whoever comes second throws his own away. */
static int chunk_map(struct cop_slab *slab, unsigned int chunk)
{
	size_t len = chunk_objects(chunk) * slab->size;
	char *none = NULL;
	char *base = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return -1;
	if (!atomic_compare_exchange_strong(&slab->chunks[chunk], &none, base))
		munmap(base, len);
	return 0;
}

/* A part of the reserve that comes second is lost: it was never touched. */
static int chunk_make(struct cop_slab *slab, unsigned int chunk)
{
	char *base = reserve_take(chunk_objects(chunk) * slab->size);
	char *none = NULL;

	if (!base)
		return chunk_map(slab, chunk);
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

/* Hand out the first object that nobody has had, with its chunk made first. */
static struct slab_node *slab_grow(struct cop_slab *slab)
{
	uint32_t index = READ_ONCE(slab->fresh);
	struct slab_node *node;
	unsigned int chunk;
	uint32_t offset;

	do {
		chunk = chunk_of(index, &offset);
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
