/* SPDX-License-Identifier: MIT */
/*
 * source.h - the figures of one flow: what the datagrams of a sender tell about
 * the path they came by.
 */
#ifndef COP_SOURCE_H
#define COP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define COP_SOURCE_WINDOW 64 /* the last numbers, each remembered by a bit */

/* A datagram that was received. */
struct cop_arrival {
	uint64_t now;	 /* microseconds, our clock */
	uint32_t seq;	 /* of its header */
	uint32_t tstamp; /* of its header: microseconds, the sender's clock */
	uint32_t len;	 /* payload, bytes */
	uint8_t lacks;	 /* COP_HAS_*: what its header does not have */
	uint8_t narrow;	 /* by how many bits its number is shorter than 32 */
	bool first;	 /* COP_F_FIRST */
	bool ordered;	 /* false: another thread may have received a later
			  * datagram, and counted it before this one */
};

/*
 * All zero before the first datagram. A *stretch* is a run of consecutive numbers
 * of one sender, received or missing; a restart of the sender ends it, and so does
 * a datagram that nobody could count. The owner protects it: cop_flows.lock.
 */
struct cop_source {
	uint64_t datagrams;  /* received, duplicates included */
	uint64_t bytes;	     /* of their payloads */
	uint64_t base;	     /* first number of the stretch */
	uint64_t highest;    /* last number of the stretch */
	uint64_t missing;    /* numbers of the stretch not received yet */
	uint64_t window;     /* bit i: number highest - i was received */
	uint64_t lost;	     /* missing at the end of earlier stretches */
	uint64_t begin;	     /* time of the first datagram, microseconds */
	uint64_t end;	     /* time of the last one, microseconds */
	uint32_t reordered;  /* late by the path */
	uint32_t duplicated; /* received more than once */
	uint32_t unordered;  /* late by the path or by our own threads */
	uint32_t restarts;   /* how often the sender began anew */
	uint32_t jitter;     /* microseconds, times 16 */
	uint32_t
		transit; /* of the last datagram: our clock less the sender's */
	uint32_t gap;	 /* longest time without a datagram, microseconds */
	uint32_t first_tstamp; /* tstamp of the datagram with COP_F_FIRST */
	uint32_t last_tstamp;  /* the latest tstamp so far */
	bool saw_first;	       /* the datagram with COP_F_FIRST was received */
	bool torn;	/* the stretch began behind a datagram nobody counted: a
		    * number below base may have been counted before */
	bool skip;	/* the next datagram begins a stretch */
	bool repeats;	/* without times: the last number was known already, */
	uint32_t again; /* and this is the next one */
};

/**
 * cop_source_update - count a datagram
 * @s: the figures of its flow
 * @a: the datagram
 *
 * A datagram whose number is below the highest one is *reordered* if the number
 * is new (RFC 4737, section 3.3: it is less than NextExp), and *duplicated* if it
 * is not (RFC 5560). Jitter is that of RFC 3550, section 6.4.1. Numbers are
 * compared modulo 2^32, or modulo as many bits as the header has. The sender has
 * *restarted* if a datagram has COP_F_FIRST, or a lower number although the sender's
 * clock has gone on. Where the header has no time, two known numbers in a row say so.
 */
void cop_source_update(struct cop_source *s, const struct cop_arrival *a);

/**
 * cop_source_skip - note that a datagram may have come that nobody counted
 * @s: the figures of the flow it may belong to
 *
 * The gap ahead of the next datagram does not count as lost.
 */
void cop_source_skip(struct cop_source *s);

/**
 * cop_source_lost - how many datagrams were lost
 * @s: the figures of the flow
 *
 * RFC 3550, appendix A.3: how many numbers there are from the first to the highest
 * one received, less how many of them were received. Duplicates don't count.
 */
uint64_t cop_source_lost(const struct cop_source *s);

#endif /* COP_SOURCE_H */
