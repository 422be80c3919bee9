/* SPDX-License-Identifier: MIT */
/*
 * bounce.h - a buffer for one whole datagram.
 *
 * A header of ours goes beside the program's iovecs, in an array on the stack. Where
 * the iovecs are too many for that, the datagram takes a detour through this buffer.
 */
#ifndef COP_BOUNCE_H
#define COP_BOUNCE_H

#include <limits.h>
#include <stddef.h>

#include "lib/confine.h"

/* Iovecs that a call copies to the stack. More would be too much for some stacks. */
#define COP_IOV_ON_STACK 64

/**
 * cop_iov_limit - the most iovecs that a message may have and still do without the
 *		   buffer
 * @ours: how many the library adds
 *
 * A confined process may not be allowed to map memory, so its iovecs go on the stack
 * as long as the kernel takes so many.
 */
static inline size_t cop_iov_limit(size_t ours)
{
	return cop_confined() ? IOV_MAX - ours : COP_IOV_ON_STACK;
}

/**
 * cop_bounce_map - make a buffer of COP_DATAGRAM_MAX bytes
 *
 * It is mapped, since it is too large for some stacks and malloc() is not
 * async-signal-safe. Returns NULL where no memory is left.
 */
void *cop_bounce_map(void);

/**
 * cop_bounce_unmap - give a buffer back
 * @buf: from cop_bounce_map()
 */
void cop_bounce_unmap(void *buf);

/**
 * cop_bounce_seal - let every access to a buffer be a fault from now on
 * @buf: from cop_bounce_map()
 *
 * Returns 0 or -EFAULT.
 */
int cop_bounce_seal(void *buf);

#endif /* COP_BOUNCE_H */
