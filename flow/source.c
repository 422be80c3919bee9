// SPDX-License-Identifier: MIT
/*
 * flow/source.c - loss, order, duplicates and jitter of a flow, from the numbers
 * and times in its headers.
 *
 * Owns: nothing. Protected by: the caller. May call: nothing. Counterpart: the
 * struct source of RFC 3550, appendix A.1.
 */
#include "lib/compiler.h"
#include "flow/source.h"

/* A late datagram is not newer than what came before it, but for threads that
 * were interrupted between taking the time and taking a number. */
#define AHEAD_US 10000

/* None is under way for longer (RFC 1122: a TTL of 255 seconds at most). */
#define BEHIND_US 255000000

/* Numbers are kept in 64 bits, from here on, so that those below the first fit. */
#define POSITION_ZERO (1ull << 32)

uint64_t cop_source_lost(const struct cop_source *s)
{
	return s->lost + s->missing;
}

static void stretch_begin(struct cop_source *s, const struct cop_arrival *a)
{
	s->lost += s->missing;
	s->missing = 0;
	s->base = s->highest = POSITION_ZERO + a->seq;
	s->window = 1;
}

static void sender_begins(struct cop_source *s, const struct cop_arrival *a)
{
	stretch_begin(s, a);
	s->saw_first = a->first;
	s->first_tstamp = a->tstamp;
	s->last_tstamp = a->tstamp;
	s->torn = s->skip = false;
}

/*
 * How much later than the latest it was sent. The sender's clock comes round in
 * 71 minutes, so of those that it may mean the one that is next to the time which
 * has passed here is taken.
 */
static int64_t newer_by(const struct cop_source *s, const struct cop_arrival *a)
{
	uint64_t silent = a->now > s->end ? a->now - s->end : 0;

	return (int64_t)silent +
	       (int32_t)(a->tstamp - s->last_tstamp - (uint32_t)silent);
}

/* A first datagram, and not the one that the stretch began with. */
static bool is_other_first(const struct cop_source *s,
			   const struct cop_arrival *a)
{
	return a->first && s->saw_first && a->tstamp != s->first_tstamp;
}

/*
 * The sender has lost count: it is another program by now, or another socket. Its
 * first datagram may itself have been overtaken.
 */
static bool has_restarted(const struct cop_source *s,
			  const struct cop_arrival *a, int64_t newer,
			  int32_t ahead)
{
	if (newer < -BEHIND_US)
		return a->first || ahead <= 0;
	if (a->first)
		return newer > 0 ||
		       (is_other_first(s, a) &&
			(int32_t)(a->tstamp - s->first_tstamp) > 0);
	return ahead <= 0 && newer > AHEAD_US;
}

/* Beyond the window it is as likely one that is missing as there are any. */
static bool came_before(const struct cop_source *s, const struct cop_arrival *a,
			uint32_t behind)
{
	if (a->first && s->saw_first)
		return true;
	if (behind < COP_SOURCE_WINDOW)
		return s->window >> behind & 1;
	return s->highest - behind >= s->base && !s->missing;
}

static void goes_on(struct cop_source *s, uint32_t ahead)
{
	s->highest += ahead;
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

static void is_late(struct cop_source *s, const struct cop_arrival *a,
		    uint32_t behind)
{
	count_late(s, a);
	if (behind < COP_SOURCE_WINDOW)
		s->window |= 1ull << behind;
	if (s->highest - behind < s->base) {
		s->missing += s->base - (s->highest - behind) - 1;
		s->base = s->highest - behind;
	} else if (s->missing) {
		s->missing--;
	}
}

/* What is not ahead. Returns whether it is one that had not come yet. */
static bool falls_behind(struct cop_source *s, const struct cop_arrival *a,
			 uint32_t behind)
{
	if (s->skip || (s->torn && s->highest - behind < s->base)) {
		s->unordered++;
		return false;
	}
	if (is_other_first(s, a)) {
		count_late(s, a); /* of a start before this one */
		return false;
	}
	if (came_before(s, a, behind)) {
		s->duplicated++;
		return false;
	}
	is_late(s, a, behind);
	return true;
}

/* Likewise. */
static bool take_number(struct cop_source *s, const struct cop_arrival *a,
			int64_t newer)
{
	int32_t ahead = a->seq - (uint32_t)s->highest;

	if (has_restarted(s, a, newer, ahead)) {
		sender_begins(s, a);
		s->restarts++;
	} else if (ahead <= 0) {
		return falls_behind(s, a, -(uint32_t)ahead);
	} else if (s->skip) {
		stretch_begin(s, a);
		s->torn = true;
		s->skip = false;
	} else {
		goes_on(s, ahead);
	}
	return true;
}

/*
 * RFC 3550, appendix A.8: |D| less a sixteenth of what there is, rounded. More
 * than a datagram can be under way is a clock that was set, and would overflow.
 */
static void take_jitter(struct cop_source *s, uint32_t transit)
{
	int32_t d = transit - s->transit;
	uint32_t far = d < 0 ? -(uint32_t)d : (uint32_t)d;

	s->jitter += min_t(uint32_t, far, BEHIND_US) - ((s->jitter + 8) >> 4);
	s->transit = transit;
}

/* A note that is taken late, by a thread that was held up, ends nothing. */
static void take_gap(struct cop_source *s, uint64_t now)
{
	if (now <= s->end)
		return;
	if (now - s->end > s->gap)
		s->gap = min_t(uint64_t, now - s->end, UINT32_MAX);
	s->end = now;
}

static void source_begin(struct cop_source *s, const struct cop_arrival *a)
{
	sender_begins(s, a);
	s->begin = s->end = a->now;
	s->transit = (uint32_t)a->now - a->tstamp;
}

static void source_goes_on(struct cop_source *s, const struct cop_arrival *a)
{
	uint32_t transit = (uint32_t)a->now - a->tstamp;
	uint32_t restarts = s->restarts;
	int64_t newer = newer_by(s, a);
	bool fresh = take_number(s, a, newer);

	if (restarts != s->restarts)
		s->transit = transit; /* of another clock, maybe */
	else if (fresh)
		take_jitter(s, transit);
	if (newer > 0 || newer < -BEHIND_US)
		s->last_tstamp = a->tstamp;
	take_gap(s, a->now);
}

void cop_source_update(struct cop_source *s, const struct cop_arrival *a)
{
	if (unlikely(!s->datagrams))
		source_begin(s, a);
	else
		source_goes_on(s, a);
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
