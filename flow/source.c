// SPDX-License-Identifier: MIT
/*
 * flow/source.c - loss, order, duplicates and jitter of a flow, computed from the
 * numbers and times in the headers of its datagrams.
 *
 * Owns: nothing. Protected by: the caller, who owns the struct. Counterpart: the
 * struct source of RFC 3550, appendix A.1; the kernel has none.
 */
#include "lib/compiler.h"
#include "lib/transport.h"
#include "flow/source.h"

/*
 * A datagram with a lower number was sent earlier, so its time is earlier too. But
 * a sending thread may be interrupted between the clock and the number, and such a
 * datagram may seem newer by so much.
 */
#define AHEAD_US 10000

/*
 * Numbers are kept in 64 bits. The first one of a stretch is stored as this plus the
 * number, so that there is room for a lower number that arrives later.
 */
#define POSITION_ZERO (1ull << 32)

uint64_t cop_source_lost(const struct cop_source *s)
{
	return s->lost + s->missing;
}

static uint64_t highest(const struct cop_source *s)
{
	return s->next - 1;
}

static void stretch_begin(struct cop_source *s, const struct cop_arrival *a)
{
	s->lost += s->missing;
	s->missing = 0;
	s->base = POSITION_ZERO + a->seq;
	s->next = s->base + 1;
	s->window = 1;
}

static void sender_begin(struct cop_source *s, const struct cop_arrival *a)
{
	stretch_begin(s, a);
	s->saw_first = a->first;
	s->first_tstamp = a->tstamp;
	s->last_tstamp = a->tstamp;
	s->torn = s->skip = s->repeats = false;
}

/* Whether this is a first datagram, but not the one with first_tstamp. */
static bool is_other_first(const struct cop_source *s,
			   const struct cop_arrival *a)
{
	return a->first && s->saw_first && a->tstamp != s->first_tstamp;
}

/*
 * Whether the sender counts from 0 again, because another program or socket has its
 * address now. A later datagram of the new sender may overtake the first one, so
 * COP_F_FIRST is not the only sign.
 */
static bool has_restarted(const struct cop_source *s,
			  const struct cop_arrival *a, int64_t newer,
			  int32_t ahead)
{
	if (newer < -COP_SOURCE_BEHIND_US)
		return a->first || ahead <= 0;
	if (a->first)
		return newer > 0 ||
		       (is_other_first(s, a) &&
			(int32_t)(a->tstamp - s->first_tstamp) > 0);
	return ahead <= 0 && newer > AHEAD_US;
}

/*
 * Whether this number was received before. Beyond the window nobody knows. While
 * numbers are missing, the datagram counts as one of those.
 */
static bool is_known(const struct cop_source *s, const struct cop_arrival *a,
		     uint32_t behind)
{
	if (a->first && s->saw_first && !(a->lacks & COP_HAS_TSTAMP))
		return true;
	if (behind < COP_SOURCE_WINDOW)
		return s->window >> behind & 1;
	return highest(s) - behind >= s->base && !s->missing;
}

/* The number is @ahead above the highest one so far. */
static void move_ahead(struct cop_source *s, uint32_t ahead)
{
	s->next += ahead;
	s->missing += ahead - 1;
	s->window = ahead < COP_SOURCE_WINDOW ? s->window << ahead | 1 : 1;
}

static void count_late(struct cop_source *s, const struct cop_arrival *a)
{
	if (a->ordered)
		s->reordered++;
	else
		s->unordered++;
}

/* A new number, @behind the highest one. */
static void fill_in(struct cop_source *s, const struct cop_arrival *a,
		    uint32_t behind)
{
	count_late(s, a);
	if (behind < COP_SOURCE_WINDOW)
		s->window |= 1ull << behind;
	if (highest(s) - behind < s->base) {
		s->missing += s->base - (highest(s) - behind) - 1;
		s->base = highest(s) - behind;
	} else if (s->missing) {
		s->missing--;
	}
}

/* The number is @behind the highest one, or equal. Returns whether it is new. */
static bool take_behind(struct cop_source *s, const struct cop_arrival *a,
			uint32_t behind)
{
	if (s->skip || (s->torn && highest(s) - behind < s->base)) {
		s->unordered++;
		return false;
	}
	if (is_other_first(s, a)) {
		count_late(s, a); /* sent before the sender restarted */
		return false;
	}
	if (is_known(s, a, behind)) {
		s->duplicated++;
		s->repeats = true;
		s->again = a->seq + 1;
		return false;
	}
	fill_in(s, a, behind);
	return true;
}

/* How far a number is above another one; less than 0 if it is below. */
static int32_t distance(const struct cop_arrival *a, uint32_t seq)
{
	return (int32_t)((a->seq - seq) << a->narrow) >> a->narrow;
}

/* Count the datagram's number. Returns whether it is new. */
static bool take_number(struct cop_source *s, const struct cop_arrival *a,
			int64_t newer)
{
	int32_t ahead = distance(a, highest(s));

	if (has_restarted(s, a, newer, ahead)) {
		sender_begin(s, a);
		s->restarts++;
	} else if (ahead <= 0) {
		return take_behind(s, a, -(uint32_t)ahead);
	} else if (s->skip) {
		stretch_begin(s, a);
		s->torn = true;
		s->skip = false;
	} else {
		move_ahead(s, ahead);
	}
	return true;
}

static void source_begin(struct cop_source *s, const struct cop_arrival *a)
{
	sender_begin(s, a);
	s->end = a->now;
	s->transit = (uint32_t)a->now - a->tstamp;
}

/*
 * Two known numbers in a row, each one more than the last: the sender begins anew, as
 * in RFC 3550, A.1. Only a clock could tell that sooner.
 */
static bool repeats_in_order(struct cop_source *s, const struct cop_arrival *a)
{
	bool is = s->repeats && !distance(a, s->again) &&
		  distance(a, highest(s)) <= 0;

	s->repeats = false;
	return is;
}

static void take_number_alone(struct cop_source *s, const struct cop_arrival *a)
{
	if (repeats_in_order(s, a)) {
		s->duplicated--;
		s->restarts++;
		sender_begin(s, a);
	} else {
		take_number(s, a, 0);
	}
}

/* The header has no number, or no time, or neither. */
static noinline void source_continue_lacking(struct cop_source *s,
					     const struct cop_arrival *a)
{
	if (!(a->lacks & COP_HAS_SEQ))
		take_number_alone(s, a);
	else if (!(a->lacks & COP_HAS_TSTAMP))
		cop_source_take_jitter(s, (uint32_t)a->now - a->tstamp);
	cop_source_take_gap(s, a->now);
}

static void source_continue(struct cop_source *s, const struct cop_arrival *a)
{
	uint32_t transit = (uint32_t)a->now - a->tstamp;
	uint32_t restarts = s->restarts;
	int64_t newer = cop_source_newer(s, a);
	bool fresh = take_number(s, a, newer);

	if (restarts != s->restarts)
		s->transit = transit; /* the clock may be another one */
	else if (fresh)
		cop_source_take_jitter(s, transit);
	if (cop_tstamp_is_last(newer))
		s->last_tstamp = a->tstamp;
	cop_source_take_gap(s, a->now);
}

void cop_source_update(struct cop_source *s, const struct cop_arrival *a)
{
	if (unlikely(!s->datagrams))
		source_begin(s, a);
	else if (unlikely(a->lacks & (COP_HAS_SEQ | COP_HAS_TSTAMP)))
		source_continue_lacking(s, a);
	else
		source_continue(s, a);
	if (unlikely(a->first) && !s->saw_first) {
		s->saw_first = true;
		s->first_tstamp = a->tstamp;
	}
	s->bytes += a->len;
	s->datagrams++;
}

void cop_source_skip(struct cop_source *s)
{
	s->skip = s->datagrams;
}
