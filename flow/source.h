/* SPDX-License-Identifier: MIT */
/*
 * source.h - what the datagrams of one flow say of the path they came by.
 */
#ifndef COP_SOURCE_H
#define COP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define COP_SOURCE_WINDOW 64 /* numbers that are remembered one by one */

/* One datagram, as it was received. */
struct cop_arrival {
	uint64_t now;	 /* microseconds, our clock */
	uint32_t seq;	 /* of its header */
	uint32_t tstamp; /* of its header: microseconds, the sender's clock */
	uint32_t len;	 /* payload, bytes */
	bool first;	 /* COP_F_FIRST */
	bool ordered;	 /* false: another thread may have received before us
			  * what came behind it */
};

/*
 * All zero before the first datagram. A *stretch* is what a sender has numbered
 * without a break. Protected by whoever owns it, see flow/flow.c.
 */
struct cop_source {
	uint64_t datagrams; /* that came, duplicates too */
	uint64_t bytes;	    /* of their payloads */
	uint64_t base;	    /* first number of the stretch */
	uint64_t highest;   /* last number of the stretch */
	uint64_t missing;   /* numbers of the stretch that did not come */
	uint64_t window;    /* bit i: highest - i came */
	uint64_t lost;	    /* in the stretches before */
	uint64_t begin;	    /* when the first came, microseconds */
	uint64_t end;	    /* when the last came, microseconds */
	uint32_t reordered;
	uint32_t duplicated;
	uint32_t unordered; /* late, but maybe only by our own threads */
	uint32_t restarts;
	uint32_t jitter;       /* microseconds, times 16 */
	uint32_t transit;      /* of the last: our clock less the sender's */
	uint32_t gap;	       /* longest time without any, microseconds */
	uint32_t first_tstamp; /* of the datagram with COP_F_FIRST */
	uint32_t last_tstamp;  /* the latest there was */
	bool saw_first;	       /* that datagram came */
	bool torn; /* what is in front of the stretch is not known */
	bool skip; /* the next datagram begins a stretch */
};

/**
 * cop_source_update - take note of a datagram
 * @s: of its flow
 * @a: the datagram
 *
 * A number below the highest that has not come yet is *reordered* (RFC 4737,
 * section 3.3: it is less than NextExp); one that has come is *duplicated* and
 * nothing else (RFC 5560). Jitter is that of RFC 3550, section 6.4.1.
 * Numbers are compared modulo 2^32. COP_F_FIRST, or numbers that go back while the
 * sender's clock goes on, tell that the sender has begun anew.
 */
void cop_source_update(struct cop_source *s, const struct cop_arrival *a);

/**
 * cop_source_skip - a datagram came of which nothing is known
 * @s: of its flow
 *
 * What is missing next to it is not taken for lost.
 */
void cop_source_skip(struct cop_source *s);

/**
 * cop_source_lost - how many datagrams did not come
 * @s: of the flow
 *
 * RFC 3550, appendix A.3: those that were to be expected between the first and
 * the highest number that came, less those that came; duplicates don't count.
 */
uint64_t cop_source_lost(const struct cop_source *s);

#endif /* COP_SOURCE_H */
