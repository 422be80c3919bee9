// SPDX-License-Identifier: MIT
/*
 * port/port_crowd.c - whether other processes hold so many ports that the kernel
 * had better choose an ephemeral one.
 *
 * Owns: a flag, two counters, and the ports that collided. Protected by: atomic accesses; they only steer
 * the choice. Counterpart in the kernel: none; its one table has all ports.
 */
#include <stdatomic.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "lib/port_bits.h"
#include "port/port_crowd.h"

/*
 * If other processes hold one port in 1024, one try in 1024 collides and costs 0.4 ms:
 * with more of them the kernel's choice is faster.
 */
#define CROWD_SHARE 1024
#define BACKOFF_MIN 256
#define BACKOFF_MAX 65536

static _Atomic(bool) crowded;		/* (a) what the last count says */
static _Atomic(unsigned int) backoff;	/* (a) ports that the last collision
					 * has left to the kernel */
static _Atomic(unsigned int) remaining; /* (a) how many of them are to come */

static struct cop_port_bits foreign; /* (a) ports that collided, for a second */
static _Atomic(bool) any_foreign;    /* (a) whether there are some */

bool cop_port_is_crowded(void)
{
	unsigned int left = READ_ONCE(remaining);

	if (likely(!left))
		return READ_ONCE(crowded);
	WRITE_ONCE(remaining, left - 1);
	return true;
}

void cop_port_crowd_collision(uint16_t snum)
{
	unsigned int next = READ_ONCE(backoff) * 2;

	if (next < BACKOFF_MIN)
		next = BACKOFF_MIN;
	if (next > BACKOFF_MAX)
		next = BACKOFF_MAX;
	WRITE_ONCE(backoff, next);
	WRITE_ONCE(remaining, next);
	u64_or(port_word(&foreign, snum), port_mask(snum));
	WRITE_ONCE(any_foreign, true);
	cop_debug(-1, "port %u is another process's", snum);
}

bool cop_port_is_foreign(uint16_t snum)
{
	return READ_ONCE(any_foreign) &&
	       READ_ONCE(*port_word(&foreign, snum)) & port_mask(snum);
}

void cop_port_forget_foreign(void)
{
	if (likely(!READ_ONCE(any_foreign)))
		return;
	WRITE_ONCE(any_foreign, false);
	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++)
		for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
			WRITE_ONCE(foreign.word[q][w], 0);
}

void cop_port_crowd_measure(unsigned int inuse, unsigned int held,
			    unsigned int range)
{
	unsigned int others = inuse > held ? inuse - held : 0;

	WRITE_ONCE(crowded, others > range / CROWD_SHARE);
}
