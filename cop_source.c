// SPDX-License-Identifier: MIT
/*
 * cop_source.c - loss, order, duplicates and jitter of a flow, from the numbers
 * and times in its headers.
 *
 * Owns: nothing. Protected by: the caller. May call: nothing. Counterpart: the
 * struct source of RFC 3550, appendix A.1.
 */
#include "cop/compiler.h"
#include "cop/source.h"

/* A late datagram is not newer than what came before it, but for threads that
 * were interrupted between taking the time and taking a number. */
#define AHEAD_US 10000

/* None is under way for longer (RFC 1122: a TTL of 255 seconds at most). */
#define BEHIND_US (255 * 1000000)

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

/* The sender has lost count: it is another program by now, or another socket. */
static bool has_restarted(const struct cop_source *s,
			  const struct cop_arrival *a, int32_t ahead)
{
	int32_t newer = a->tstamp - s->last_tstamp;

	if (newer < -BEHIND_US)
		return ahead <= 0;
	if (a->first)
		return newer > 0;
	return ahead <= 0 && newer > AHEAD_US;
}

/* Beyond the window it is as likely one that is missing as there are any. */
static bool came_before(const struct cop_source *s, const struct cop_arrival *a,
			uint32_t behind)
{
	if (a->first && s->saw_first)
		return a->tstamp == s->first_tstamp;
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

static void is_late(struct cop_source *s, const struct cop_arrival *a,
		    uint32_t behind)
{
	if (a->ordered)
		s->reordered++;
	else
		s->unordered++;
	if (behind < COP_SOURCE_WINDOW)
		s->window |= 1ull << behind;
	if (s->highest - behind < s->base) {
		s->missing += s->base - (s->highest - behind) - 1;
		s->base = s->highest - behind;
	} else if (s->missing) {
		s->missing--;
	}
}

/* Returns whether it is one that had not come yet. */
static bool take_number(struct cop_source *s, const struct cop_arrival *a)
{
	int32_t ahead = a->seq - (uint32_t)s->highest;
	uint32_t behind = -(uint32_t)ahead;

	if (has_restarted(s, a, ahead)) {
		sender_begins(s, a);
		s->restarts++;
	} else if (ahead > 0 && s->skip) {
		stretch_begin(s, a);
		s->torn = true;
		s->skip = false;
	} else if (ahead > 0) {
		goes_on(s, ahead);
	} else if (s->skip || (s->torn && s->highest - behind < s->base)) {
		s->unordered++;
		return false;
	} else if (came_before(s, a, behind)) {
		s->duplicated++;
		return false;
	} else {
		is_late(s, a, behind);
	}
	return true;
}

/* RFC 3550, appendix A.8: |D| less a sixteenth of what there is, rounded. */
static void take_jitter(struct cop_source *s, uint32_t transit)
{
	int32_t d = transit - s->transit;

	s->jitter +=
		(d < 0 ? -(uint32_t)d : (uint32_t)d) - ((s->jitter + 8) >> 4);
}

static void take_time(struct cop_source *s, const struct cop_arrival *a)
{
	uint32_t transit = (uint32_t)a->now - a->tstamp;
	uint64_t gap = a->now - s->end;

	take_jitter(s, transit);
	s->transit = transit;
	if (gap > s->gap && a->now > s->end)
		s->gap = min_t(uint64_t, gap, UINT32_MAX);
}

static void source_begin(struct cop_source *s, const struct cop_arrival *a)
{
	sender_begins(s, a);
	s->begin = a->now;
	s->transit = (uint32_t)a->now - a->tstamp;
}

void cop_source_update(struct cop_source *s, const struct cop_arrival *a)
{
	uint32_t restarts = s->restarts;

	if (unlikely(!s->datagrams))
		source_begin(s, a);
	else if (take_number(s, a) && restarts == s->restarts)
		take_time(s, a);
	if (unlikely(a->first) && !s->saw_first) {
		s->saw_first = true;
		s->first_tstamp = a->tstamp;
	}
	if ((int32_t)(a->tstamp - s->last_tstamp) > 0)
		s->last_tstamp = a->tstamp;
	if (restarts != s->restarts)
		s->transit = (uint32_t)a->now - a->tstamp;
	s->end = a->now;
	s->bytes += a->len;
	s->datagrams++;
}

void cop_source_skip(struct cop_source *s)
{
	s->skip = s->datagrams;
}
