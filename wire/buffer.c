// SPDX-License-Identifier: MIT
/*
 * wire/buffer.c - buffers for datagrams whose payload is encoded, and for batches.
 *
 * Owns: the slab of buffers, and a spare one. Protected by: both are lock-free; a buffer
 * belongs to the call that has taken it. A fork during another thread's call leaves that
 * thread's buffer unused in the child. Counterpart in the kernel: alloc_skb().
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/buffer.h"

/* What a confined process has: 1 MB of addresses, of which a page each is touched. */
#define RESERVED 15

static struct cop_slab buffer_slab = COP_SLAB(struct cop_buffer);

/* (a) The address of a free buffer that is not in the slab, which takes longer; or 0. */
static _Atomic(uint64_t) spare;

static struct cop_buffer *spare_take(void)
{
	uint64_t at = READ_ONCE(spare);

	return likely(at) && likely(u64_cas(&spare, &at, 0))
		       ? (struct cop_buffer *)(uintptr_t)at
		       : NULL;
}

static bool spare_put(struct cop_buffer *buffer)
{
	uint64_t none = 0;

	return u64_cas(&spare, &none, (uintptr_t)buffer);
}

static noinline struct cop_buffer *slab_take(void)
{
	return cop_confined() ? cop_slab_take(&buffer_slab)
			      : cop_slab_alloc(&buffer_slab);
}

void cop_buffer_reserve(void)
{
	struct cop_buffer *buffer[RESERVED];
	int n = 0;

	while (n < RESERVED && (buffer[n] = cop_slab_alloc(&buffer_slab)))
		n++;
	while (n)
		cop_slab_free(&buffer_slab, buffer[--n]);
}

struct cop_buffer *cop_buffer_get(void)
{
	struct cop_buffer *buffer = spare_take();

	if (unlikely(!buffer))
		buffer = slab_take();
	if (unlikely(!buffer))
		return NULL;
	buffer->used = 0;
	buffer->data =
		buffer->room + ((COP_BUFFER_AT - (uintptr_t)buffer->room) &
				(COP_BUFFER_STRIDE - 1));
	return buffer;
}

void cop_buffer_put(void *buffer)
{
	struct cop_buffer *b = buffer;

	if (b->used)
		explicit_bzero(b->data, b->used);
	if (unlikely(!spare_put(b)))
		cop_slab_free(&buffer_slab, b);
}

ssize_t cop_buffer_use(ssize_t (*call)(struct cop_buffer *buffer, void *args),
		       void *args)
{
	struct _pthread_cleanup_buffer cleanup;
	struct cop_buffer *buffer = cop_buffer_get();
	ssize_t n;

	if (!buffer)
		return -ENOBUFS;
	_pthread_cleanup_push(&cleanup, cop_buffer_put, buffer);
	n = call(buffer, args);
	_pthread_cleanup_pop(&cleanup, 1);
	return n;
}
