/* SPDX-License-Identifier: MIT */
/*
 * buffer.h - buffers for datagrams whose payload is encoded, and for batches.
 */
#ifndef COP_BUFFER_H
#define COP_BUFFER_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/slab.h"
#include "wire/ends.h"
#include "wire/hdr.h"

/*
 * A processor copies slowly where the lower 12 bits of both addresses are nearly equal.
 * The kernel has datagrams at the begin of a half page, so the data is amid one.
 */
#define COP_BUFFER_STRIDE 2048
#define COP_BUFFER_AT	  1024

/* Bytes for the arrays of a batch. */
#define COP_BUFFER_ARRAYS 8704

/* A datagram is put together here, or taken apart; or all datagrams of a batch. */
struct cop_buffer {
	struct slab_node node;
	size_t used;	     /* bytes that are to be wiped */
	unsigned char *data; /* COP_DATAGRAM_MAX bytes in @room */
	unsigned char control[COP_CONTROL_MAX] __attribute__((aligned(8)));
	unsigned char arrays[COP_BUFFER_ARRAYS] __attribute__((aligned(16)));
	unsigned char room[COP_DATAGRAM_MAX + COP_BUFFER_STRIDE];
};

/**
 * cop_buffer_reserve - make some buffers ready
 *
 * A process that confines itself later may not be allowed to map memory, so it has these
 * only. Called when a transport is registered that encodes payloads.
 */
void cop_buffer_reserve(void);

/**
 * cop_buffer_get - take a buffer
 *
 * Returns NULL where no memory is left, or in a confined process no buffer. As many buffers are kept for good as were ever
 * in use at once: one for each thread in a call. Lock-free, async-signal-safe.
 */
struct cop_buffer *cop_buffer_get(void);

/**
 * cop_buffer_put - wipe a buffer and give it back
 * @buffer: from cop_buffer_get(); the type is that of a thread's cleanup handler
 */
void cop_buffer_put(void *buffer);

/**
 * cop_buffer_use - make a call that needs a buffer for as long as it lasts
 * @call: the call
 * @args: its own arguments
 *
 * If the thread is cancelled in the call, the buffer is given back, too. Returns what the call
 * returns, or -ENOBUFS where there is no buffer.
 */
ssize_t cop_buffer_use(ssize_t (*call)(struct cop_buffer *buffer, void *args),
		       void *args);

#endif /* COP_BUFFER_H */
