// SPDX-License-Identifier: MIT
/*
 * wire/buffer.c - buffers for datagrams whose payload is encoded.
 *
 * Owns: the slab of buffers. Protected by: the slab is lock-free; a buffer belongs to
 * the call that has taken it. A fork during another thread's call leaves that thread's
 * buffer unused in the child. Counterpart in the kernel: alloc_skb().
 */
#include <string.h>

#include "wire/buffer.h"

static struct cop_slab buffer_slab = COP_SLAB(struct cop_buffer);

struct cop_buffer *cop_buffer_get(void)
{
	struct cop_buffer *buffer = cop_slab_alloc(&buffer_slab);

	if (buffer)
		buffer->used = 0;
	return buffer;
}

void cop_buffer_put(void *buffer)
{
	struct cop_buffer *b = buffer;

	explicit_bzero(b->data, b->used);
	cop_slab_free(&buffer_slab, b);
}
