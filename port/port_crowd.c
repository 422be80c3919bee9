// SPDX-License-Identifier: MIT
/*
 * port/port_crowd.c - whether other processes hold so many ports that the kernel
 * had better choose an ephemeral one.
 *
 * Owns: a flag, two counters, and the ports that collided. Protected by: atomic
 * accesses; they only steer the choice. Counterpart in the kernel: none; its one table
 * has all ports.
 */
#include <errno.h>
#include <stdatomic.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/port_bits.h"
#include "lib/scratch_socket.h"
#include "port/helper.h"
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

static struct cop_port_bits
	foreign; /* (a) ports that collided in this second */
static struct cop_port_bits suspect; /* (a) ports that collided before */
static _Atomic(bool)
	any_foreign; /* (a) whether there are some of either kind */

static bool has_port(struct cop_port_bits *bits, uint16_t snum)
{
	return READ_ONCE(*port_word(bits, snum)) & port_mask(snum);
}

static void note_foreign(uint16_t snum)
{
	u64_or(port_word(&foreign, snum), port_mask(snum));
	WRITE_ONCE(any_foreign, true);
}

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
	note_foreign(snum);
	cop_debug(-1, "port %u is another process's", snum);
}

bool cop_port_ask_foreign(uint16_t snum)
{
	struct cop_scratch helper;
	bool is_held;

	if (cop_confined() || cop_scratch_dual(&helper) < 0)
		return false;
	is_held = cop_helper_bind(&helper, htons(snum)) == -EADDRINUSE;
	cop_scratch_close(&helper);
	if (is_held)
		note_foreign(snum);
	return is_held;
}

/* A port that collided before this second may be free again: the kernel knows. */
bool cop_port_is_foreign(uint16_t snum)
{
	if (likely(!READ_ONCE(any_foreign)))
		return false;
	if (has_port(&foreign, snum))
		return true;
	if (!has_port(&suspect, snum))
		return false;
	u64_and(port_word(&suspect, snum), ~port_mask(snum));
	return cop_port_ask_foreign(snum);
}

void cop_port_pardon(uint16_t snum)
{
	if (likely(!READ_ONCE(any_foreign)))
		return;
	u64_and(port_word(&foreign, snum), ~port_mask(snum));
	u64_and(port_word(&suspect, snum), ~port_mask(snum));
}

static void make_suspect(unsigned int q, unsigned int w)
{
	uint64_t ports = atomic_exchange(&foreign.word[q][w], 0);

	if (ports)
		u64_or(&suspect.word[q][w], ports);
}

void cop_port_forget_foreign(void)
{
	if (likely(!READ_ONCE(any_foreign)))
		return;
	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++)
		for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
			make_suspect(q, w);
}

void cop_port_crowd_measure(unsigned int inuse, unsigned int held,
			    unsigned int range)
{
	unsigned int others = inuse > held ? inuse - held : 0;

	WRITE_ONCE(crowded, others > range / CROWD_SHARE);
}
