/* SPDX-License-Identifier: MIT */
/*
 * source.h - the figures of one flow: what the datagrams of a sender tell about
 * the path they came by.
 */
#ifndef COP_SOURCE_H
#define COP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

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
	uint64_t next;	     /* the number behind the last one of the stretch */
	uint64_t missing;    /* numbers of the stretch not received yet */
	uint64_t window;     /* bit i: number next - 1 - i was received */
	uint64_t lost;	     /* missing at the end of earlier stretches */
	uint64_t end;	     /* time of the last datagram, microseconds */
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

/* No datagram is on its way for longer: RFC 1122 limits the TTL to 255 seconds. */
#define COP_SOURCE_BEHIND_US 255000000

/*
 * How many microseconds after the latest datagram so far this one was sent; less
 * than 0 if before it. The sender's clock has 32 bits and wraps every 71 minutes,
 * so the difference of two times leaves open how many turns lie between. The
 * result is the possible value nearest to the time that has passed here, @silent.
 */
static inline int64_t cop_source_newer(const struct cop_source *s,
				       const struct cop_arrival *a)
{
	const uint64_t silent = a->now > s->end ? a->now - s->end : 0;

	return (int64_t)silent +
	       (int32_t)(a->tstamp - s->last_tstamp - (uint32_t)silent);
}

/*
 * The longest silence, microseconds, behind which the difference of the two times itself
 * says as much: newer or not, or further back than COP_SOURCE_BEHIND_US.
 */
#define COP_SOURCE_SOON_US ((1ull << 31) - COP_SOURCE_BEHIND_US)

/* As long as this, microseconds, the silence may be ahead of cop_source_next(). */
static inline uint32_t cop_source_quiet(const struct cop_source *s)
{
	return min_t(uint32_t, s->gap, COP_SOURCE_SOON_US);
}

/* Whether a datagram has the latest tstamp so far, or that of another clock. */
#define cop_tstamp_is_last(newer) \
	(likely((newer) > 0) || (newer) < -COP_SOURCE_BEHIND_US)

/*
 * RFC 3550, appendix A.8: add |D|, and subtract a sixteenth of the jitter so far,
 * rounded. If |D| is longer than a datagram can be on its way, somebody has set a
 * clock. The limit also keeps the sum from overflowing. Returns the jitter behind a
 * datagram whose transit is @transit, and that of the one before it @last.
 */
static inline uint32_t cop_jitter_next(uint32_t jitter, uint32_t last,
				       uint32_t transit)
{
	/* afresh(): the compiler would take two differences. */
	int32_t d = afresh(transit - last);
	uint32_t far = d < 0 ? -(uint32_t)d : (uint32_t)d;

	return jitter + min_t(uint32_t, far, COP_SOURCE_BEHIND_US) -
	       ((jitter + 8) >> 4);
}

static inline void cop_source_take_jitter(struct cop_source *s,
					  uint32_t transit)
{
	s->jitter = cop_jitter_next(s->jitter, s->transit, transit);
	s->transit = transit;
}

/* A thread that was held up may count a datagram late; that ends no gap. */
static inline void cop_source_take_gap(struct cop_source *s, uint64_t now)
{
	if (unlikely(now <= s->end))
		return;
	if (unlikely(now - s->end > s->gap))
		s->gap = min_t(uint64_t, now - s->end, UINT32_MAX);
	s->end = now;
}

/**
 * cop_source_ahead - what keeps a datagram from being the one behind the highest number
 *		      so far, with nothing else to be found out of it
 * @s: the figures of its flow, which has had a datagram
 * @a: the datagram
 *
 * 0 for nearly every datagram. The caller still has to see to @s->skip, and to
 * cop_source_quiet(). Each question that has no branch of its own costs less.
 */
static inline uint32_t cop_source_ahead(const struct cop_source *s,
					const struct cop_arrival *a)
{
	return (a->seq ^ (uint32_t)s->next) | a->first | a->lacks | a->narrow;
}

/* Whether cop_source_next() is for a datagram. */
static inline bool cop_source_is_next(const struct cop_source *s,
				      const struct cop_arrival *a)
{
	return s->datagrams && !s->skip && !cop_source_ahead(s, a) &&
	       a->now - s->end <= cop_source_quiet(s);
}

/**
 * cop_source_next - cop_source_update() for a datagram that is the next one
 * @s: the figures of its flow
 * @a: the datagram
 */
static inline void cop_source_next(struct cop_source *s,
				   const struct cop_arrival *a)
{
	const int32_t newer = a->tstamp - s->last_tstamp;

	if (cop_tstamp_is_last(newer))
		s->last_tstamp = a->tstamp;
	cop_source_take_jitter(s, (uint32_t)a->now - a->tstamp);
	s->end = a->now;
	s->next++;
	s->window = s->window << 1 | 1;
	s->bytes += a->len;
	s->datagrams++;
}

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
