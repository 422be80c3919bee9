// SPDX-License-Identifier: MIT
/*
 * port/port_crowd.c - whether other processes hold so many ports that the choice
 * of an ephemeral one is better left to the kernel.
 *
 * Owns: a flag and two counters. Protected by: atomic accesses; they only steer
 * the choice. May call: nobody. Counterpart in the kernel: none, its ports are
 * all in one table.
 */
#include <stdatomic.h>

#include "lib/compiler.h"
#include "port/port_crowd.h"
#include "lib/env.h"

/* One port in so many held by others: a try in so many costs 0.4 ms more. */
#define CONTENDED_SHARE 1024
#define BACKOFF_MIN	256
#define BACKOFF_MAX	65536

static _Atomic(bool) crowded;		/* (a) by the kernel's count */
static _Atomic(unsigned int) backoff;	/* (a) binds after a collision */
static _Atomic(unsigned int) remaining; /* (a) of those, still to come */

bool cop_contended(void)
{
	unsigned int left = READ_ONCE(remaining);

	if (likely(!left))
		return READ_ONCE(crowded);
	WRITE_ONCE(remaining, left - 1);
	return true;
}

void cop_collision(uint16_t snum)
{
	unsigned int next = READ_ONCE(backoff) * 2;

	if (next < BACKOFF_MIN)
		next = BACKOFF_MIN;
	if (next > BACKOFF_MAX)
		next = BACKOFF_MAX;
	WRITE_ONCE(backoff, next);
	WRITE_ONCE(remaining, next);
	cop_debug(-1, "port %u is another process's", snum);
}

void cop_contention_measure(unsigned int inuse, unsigned int held,
			    unsigned int range)
{
	unsigned int others = inuse > held ? inuse - held : 0;

	WRITE_ONCE(crowded, others > range / CONTENDED_SHARE);
}
