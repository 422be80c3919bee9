// SPDX-License-Identifier: MIT
/*
 * test_source.c - flow/source.c: what is lost, late and double, exactly; by
 * sequences that are written out, and by random ones beside a model that
 * remembers every number there was.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "flow/source.h"
#include "lib/transport.h"
#include "unit/helpers.h"

TestSuite(cop_source, .timeout = 60);

#define MS     1000ull
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)

/* A sender, the path and the receiver; times in microseconds. */
static struct cop_source source;
static struct cop_source by_short_way;	/* the same, by cop_source_next() */
static uint64_t our_clock, their_clock; /* theirs ahead of ours by that much */
static uint32_t seq_base;
static bool ordered;

static void begin_with(uint32_t seq, uint64_t clock)
{
	memset(&source, 0, sizeof(source));
	memset(&by_short_way, 0, sizeof(by_short_way));
	our_clock = 5 * SECOND;
	their_clock = clock;
	seq_base = seq;
	ordered = true;
}

/* Every datagram of these tests, and so each of them tests both ways. */
static void takes(const struct cop_arrival *a)
{
	cop_source_update(&source, a);
	if (cop_source_is_next(&by_short_way, a))
		cop_source_next(&by_short_way, a);
	else
		cop_source_update(&by_short_way, a);
	cr_assert(zero(int, memcmp(&by_short_way, &source, sizeof(source))),
		  "the short way differs at number %u", a->seq);
}

static void arrives(uint32_t number, uint64_t sent, bool first)
{
	struct cop_arrival a = { .now = our_clock,
				 .seq = seq_base + number,
				 .tstamp = their_clock + sent,
				 .len = 10,
				 .first = first,
				 .ordered = ordered };

	takes(&a);
}

/* The number-th of a sender that sends each millisecond. */
static void comes(uint32_t number)
{
	our_clock += MS;
	arrives(number, number * MS, !number);
}

/* ---- sequences ------------------------------------------------------------ */

/*
 * What comes: numbers, and ranges of them. "|" is a sender that begins anew, a
 * second later, "|+9" and "|-9" one whose numbers begin there. "~" is another
 * thread that receives too, "?" a datagram that no note was taken of.
 */
struct sequence {
	const char *what;
	const char *comes;
	unsigned int lost, reordered, duplicated, restarts, unordered;
};

static const struct sequence sequences[] = {
	{ "nothing is lost", "0-200", 0, 0, 0, 0, 0 },
	{ "one alone", "0", 0, 0, 0, 0, 0 },
	{ "one alone that is not the first", "9", 0, 0, 0, 0, 0 },
	{ "one is lost", "0-4 6-9", 1, 0, 0, 0, 0 },
	{ "every other one is lost", "0 2 4 6 8 10", 5, 0, 0, 0, 0 },
	{ "a burst is lost", "0-9 30-39", 20, 0, 0, 0, 0 },
	{ "as many as the window", "0-9 74-80", 64, 0, 0, 0, 0 },
	{ "a burst beyond the window", "0-9 1000-1009", 990, 0, 0, 0, 0 },
	{ "two bursts and one", "0-9 12-19 24 26-30", 7, 0, 0, 0, 0 },

	{ "two swap places", "0 2 1 3", 0, 1, 0, 0, 0 },
	{ "one is late by two", "0 2 3 1 4", 0, 1, 0, 0, 0 },
	{ "one is late by 62", "0 2-64 1 65", 0, 1, 0, 0, 0 },
	{ "one is late by 63", "0 2-65 1 66", 0, 1, 0, 0, 0 },
	{ "one is late by 1000", "0 2-1001 1 1002", 0, 1, 0, 0, 0 },
	{ "all come backwards", "0 9 8 7 6 5 4 3 2 1 10", 0, 8, 0, 0, 0 },
	{ "each pair swaps", "0 2 1 4 3 6 5 8 7", 0, 4, 0, 0, 0 },
	{ "three overtake three", "0 4 5 6 1 2 3 7", 0, 3, 0, 0, 0 },

	{ "two at once", "0 1 1 2", 0, 0, 1, 0, 0 },
	{ "three at once", "0 1 1 1 2", 0, 0, 2, 0, 0 },
	{ "the first twice", "0 0 1 2", 0, 0, 1, 0, 0 },
	{ "the first twice, late", "0-30 0 31", 0, 0, 1, 0, 0 },
	{ "the first twice, very late", "0-500 0 501", 0, 0, 1, 0, 0 },
	{ "everything twice", "0 0 1 1 2 2 3 3", 0, 0, 4, 0, 0 },
	{ "one comes again after 62", "0-63 1 64", 0, 0, 1, 0, 0 },
	{ "one comes again after 63", "0-64 1 65", 0, 0, 1, 0, 0 },
	{ "one comes again after 1000, none lost", "0-1001 1", 0, 0, 1, 0, 0 },
	{ "a late one twice", "0 2 1 1 3", 0, 1, 1, 0, 0 },
	{ "a double hides no loss", "0 1 1 3", 1, 0, 1, 0, 0 },

	{ "lost, and back", "0-4 6-9 5 10", 0, 1, 0, 0, 0 },
	{ "two lost, one back", "0-3 6-9 5 10", 1, 1, 0, 0, 0 },
	{ "lost, back, and twice", "0-4 6-9 5 5 10", 0, 1, 1, 0, 0 },
	{ "a burst is lost, all back", "0-9 30-39 10-29 40", 0, 20, 0, 0, 0 },
	{ "lost, and back beyond the window", "0-4 6-99 5", 0, 1, 0, 0, 0 },
	{ "beyond the window another is lost", "0 2-4 6-99 5", 1, 1, 0, 0, 0 },

	{ "the first is late", "1 0 2", 0, 1, 0, 0, 0 },
	{ "the first is late by 100", "1-100 0 101", 0, 1, 0, 0, 0 },
	{ "the first is late, twice", "1 0 0 2", 0, 1, 1, 0, 0 },
	{ "the first is lost", "1-9", 0, 0, 0, 0, 0 },
	{ "the first is lost, another later", "1-5 7-9", 1, 0, 0, 0, 0 },
	{ "from the middle on", "50-59 61", 1, 0, 0, 0, 0 },
	{ "those ahead of the first to come", "5 3 6", 1, 1, 0, 0, 0 },
	{ "the same, all", "5 3 4 6", 0, 2, 0, 0, 0 },
	{ "the same, the first too", "5 0 6", 4, 1, 0, 0, 0 },
	{ "ahead of the first, twice", "5 3 3 6", 1, 1, 1, 0, 0 },

	{ "begins anew", "0-9 | 0-9", 0, 0, 0, 1, 0 },
	{ "begins anew after one", "0 | 0", 0, 0, 0, 1, 0 },
	{ "begins anew thrice", "0-3 | 0-3 | 0 | 0 1", 0, 0, 0, 3, 0 },
	{ "begins anew, and gets further", "0-3 | 0-99", 0, 0, 0, 1, 0 },
	{ "begins anew with a higher number", "0-9 |+500 0-9", 0, 0, 0, 1, 0 },
	{ "begins anew with a lower number", "0-9 |-500 0-9", 0, 0, 0, 1, 0 },
	{ "begins anew half the circle on", "0-9 |+2147483647 0-9", 0, 0, 0, 1,
	  0 },
	{ "loss ahead of it stays", "0 2-9 | 0-9", 1, 0, 0, 1, 0 },
	{ "loss on both sides", "0 2-9 | 0 3-9", 3, 0, 0, 1, 0 },
	{ "what comes late is the new one's", "0 3 | 0 2 1", 2, 1, 0, 1, 0 },
	{ "its first twice", "0-9 | 0 0 1", 0, 0, 1, 1, 0 },
	{ "its first is late", "0-9 | 1 0 2", 0, 1, 0, 1, 0 },
	{ "its first is later", "0-9 | 3 2 1 0 4", 0, 3, 0, 1, 0 },
	{ "its first is lost", "0-9 | 1-9", 0, 0, 0, 1, 0 },
	{ "its first three are lost", "0-9 | 3-9", 0, 0, 0, 1, 0 },
	{ "its first is lost, and more", "0-9 | 1 4-9", 2, 0, 0, 1, 0 },
	{ "its first is lost, the next twice", "0-9 | 1 1 2", 0, 0, 1, 1, 0 },

	{ "of two threads one was held up", "0 ~ 2 1 3", 0, 0, 0, 0, 1 },
	{ "lost, and back by either", "0 5 ~ 3 4 6", 2, 0, 0, 0, 2 },
	{ "a double is one anyhow", "0 ~ 1 1 2", 0, 0, 1, 0, 0 },

	{ "one that no note was taken of", "0-4 ? 6-9", 0, 0, 0, 0, 0 },
	{ "none that was lost there", "0-4 ? 5-9", 0, 0, 0, 0, 0 },
	{ "no note of many", "0-4 ? 60-69", 0, 0, 0, 0, 0 },
	{ "loss ahead of it stays lost", "0 2-4 ? 6-9", 1, 0, 0, 0, 0 },
	{ "loss behind it is loss", "0-4 ? 6 8 9", 1, 0, 0, 0, 0 },
	{ "late, of ahead of it: who knows", "0-4 ? 8 6 9", 0, 0, 0, 0, 1 },
	{ "the next is late: who knows", "0-4 ? 3 6 7", 0, 0, 0, 0, 1 },
	{ "late, of behind it", "0-4 ? 8 10 9", 0, 1, 0, 0, 0 },
	{ "double behind it", "0-4 ? 8 9 8", 0, 0, 1, 0, 0 },
	{ "no note at the very start", "? 5 6 8", 1, 0, 0, 0, 0 },
	{ "begins anew behind it", "0-4 ? | 0 2", 1, 0, 0, 1, 0 },
	{ "twice in a row", "0-4 ? ? 9 ? 12 14", 1, 0, 0, 0, 0 },
};

struct player {
	uint64_t sent; /* when the sender's number 0 was */
	unsigned int total;
};

static void play_range(struct player *p, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i <= to; i++, p->total++) {
		our_clock += MS;
		arrives(i, p->sent + i * MS, !i);
	}
}

static const char *play_token(struct player *p, const char *at)
{
	unsigned int from, to;
	char *end = (char *)at + 1;

	if (*at == '?') {
		cop_source_skip(&source);
		cop_source_skip(&by_short_way);
	} else if (*at == '~') {
		ordered = false;
	} else if (*at == '|') {
		p->sent += 5 * SECOND;
		our_clock += 5 * SECOND;
		seq_base += isspace(at[1]) ? 0 : strtol(at + 1, &end, 10);
	} else {
		from = to = strtoul(at, &end, 10);
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		play_range(p, from, to);
	}
	return end;
}

static void play(const struct sequence *s, uint32_t seq, uint64_t clock)
{
	struct player p = { 0 };

	begin_with(seq, clock);
	for (const char *at = s->comes; *at;)
		at = isspace(*at) ? at + 1 : play_token(&p, at);
#define SAME(got, want)                                                     \
	cr_expect(eq(u64, (got), (want)), "%s: numbers from %u, clock %lu", \
		  s->what, seq, (unsigned long)clock)
	SAME(cop_source_lost(&source), s->lost);
	SAME(source.reordered, s->reordered);
	SAME(source.duplicated, s->duplicated);
	SAME(source.restarts, s->restarts);
	SAME(source.unordered, s->unordered);
	SAME(source.datagrams, p.total);
	SAME(source.bytes, p.total * 10);
}

/* Wherever the numbers and the sender's clock wrap, the figures are the same. */
Test(cop_source, sequences_have_exact_figures)
{
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		play(&sequences[i], 0, 0);
}

Test(cop_source, numbers_may_wrap_anywhere)
{
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		for (uint32_t back = 1; back < 130; back++)
			play(&sequences[i], -back, 0);
}

Test(cop_source, numbers_may_change_sign_anywhere)
{
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		for (uint32_t back = 1; back < 130; back++)
			play(&sequences[i], (1u << 31) - back, 0);
}

Test(cop_source, the_senders_clock_may_wrap_anywhere)
{
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		for (uint64_t back = 0; back < 130; back++) {
			play(&sequences[i], 0, (1ull << 32) - back * MS);
			play(&sequences[i], 0, (1ull << 31) - back * MS);
			play(&sequences[i], -back, -back * MS);
		}
}

/* Of a flow with loss a number that is 64 or more behind may be either; and is late. */
Test(cop_source, beyond_the_window_a_double_makes_up_for_a_loss)
{
	static const struct sequence s = {
		"double for late", "0 2-70 3 71", 0, 1, 0, 0, 0
	};

	play(&s, 0, 0);
}

/* ---- a sender that begins anew at once, or is not alone ------------------- */

static void sent_at(uint32_t number, uint64_t sent, bool first)
{
	our_clock += MS;
	arrives(number, sent, first);
}

static void figures_are(unsigned int lost, unsigned int reordered,
			unsigned int duplicated, unsigned int restarts)
{
	cr_expect(eq(u64, cop_source_lost(&source), lost));
	cr_expect(eq(u32, source.reordered, reordered));
	cr_expect(eq(u32, source.duplicated, duplicated));
	cr_expect(eq(u32, source.restarts, restarts));
}

Test(cop_source, a_new_start_is_seen_however_soon_it_comes)
{
	begin_with(0, 0);
	for (uint32_t i = 0; i < 10; i++)
		sent_at(i, i, !i);
	for (uint32_t i = 0; i < 10; i++)
		sent_at(i, 10 + i, !i);
	figures_are(0, 0, 0, 1);
}

/* The new start's second datagram overtook its first, within milliseconds. */
Test(cop_source, a_soon_new_start_is_seen_when_its_first_is_late)
{
	begin_with(0, 0);
	for (uint32_t i = 0; i < 10; i++)
		sent_at(i, i, !i);
	sent_at(1, 11, false);
	sent_at(0, 10, true);
	for (uint32_t i = 2; i < 30; i++)
		sent_at(i, 10 + i, false);
	cr_expect(eq(u32, source.restarts, 1));
	cr_expect(eq(u32, source.duplicated, 1), "its second only");
	cr_expect(eq(u64, cop_source_lost(&source), 1), "that one again");
}

/* Of a start before this one: no number of this one has come, or is back. */
Test(cop_source, a_first_of_before_touches_no_number)
{
	begin_with(0, 0);
	sent_at(0, 0, true);
	sent_at(1, 10, false);
	sent_at(0, 5 * SECOND, true);
	sent_at(2, 5 * SECOND + 2, false);
	sent_at(0, 0, true);
	sent_at(3, 5 * SECOND + 3, false);
	figures_are(1, 1, 0, 1);
}

/* A sender's thread took the time, and another the number before it did. */
Test(cop_source, times_of_a_senders_threads_may_cross)
{
	begin_with(0, 0);
	sent_at(0, 0, true);
	for (uint32_t i = 1; i < 50; i += 2) {
		sent_at(i + 1, i * MS, false);
		sent_at(i, i * MS + 900, false);
	}
	figures_are(0, 25, 0, 0);
}

/* ---- long silence, and clocks that jump ----------------------------------- */

static void silence(uint64_t us, uint32_t *number, uint64_t *sent)
{
	our_clock += us;
	*sent += us;
	for (int i = 0; i < 3; i++, ++*number, *sent += MS)
		sent_at(*number, *sent, !*number);
}

static const unsigned int idle_minutes[] = { 1,	 4,  10, 35,  36,  40, 60,
					     70, 72, 80, 107, 108, 150 };

Test(cop_source, silence_of_any_length_is_no_new_start)
{
	for (size_t i = 0; i < ARRAY_SIZE(idle_minutes); i++) {
		uint32_t number = 0;
		uint64_t sent = 0;

		begin_with(0, 0);
		for (int times = 0; times < 4; times++)
			silence(idle_minutes[i] * MINUTE, &number, &sent);
		figures_are(0, 0, 0, 0);
		cr_expect(zero(u32, source.jitter), "%u minutes",
			  idle_minutes[i]);
	}
}

/* What comes double, late or not at all behind it is told as ever. */
Test(cop_source, after_silence_all_is_as_before)
{
	for (size_t i = 0; i < ARRAY_SIZE(idle_minutes); i++) {
		uint64_t sent = idle_minutes[i] * MINUTE;

		begin_with(0, 0);
		sent_at(0, 0, true);
		our_clock += sent;
		sent_at(1, sent, false);
		sent_at(1, sent, false);
		sent_at(3, sent + 3 * MS, false);
		sent_at(2, sent + 2 * MS, false);
		sent_at(6, sent + 6 * MS, false);
		figures_are(2, 1, 1, 0);
	}
}

Test(cop_source, a_new_start_is_seen_after_any_silence)
{
	for (size_t i = 0; i < ARRAY_SIZE(idle_minutes); i++) {
		uint64_t sent = idle_minutes[i] * MINUTE;

		for (uint32_t begins = 0; begins < 2; begins++) {
			begin_with(0, 0);
			for (uint32_t n = 0; n < 5; n++)
				sent_at(n, n * MS, !n);
			our_clock += sent;
			for (uint32_t n = begins; n < 5; n++)
				sent_at(n, sent + n * MS, !n);
			figures_are(0, 0, 0, 1);
		}
	}
}

/* Its clock begins at 0 again, its numbers too. */
Test(cop_source, a_rebooted_sender_begins_again)
{
	for (uint32_t begins = 0; begins < 2; begins++) {
		begin_with(0, 0);
		for (uint32_t n = 0; n < 9; n++)
			sent_at(n, 20 * MINUTE + n * MS, !n);
		our_clock += MINUTE;
		for (uint32_t n = begins; n < 5; n++)
			sent_at(n, 30 * SECOND + n * MS, !n);
		figures_are(0, 0, 0, 1);
	}
}

/* It was up for a shorter time than anything is under way. */
Test(cop_source, a_sender_that_is_rebooted_often_begins_again_each_time)
{
	begin_with(0, 0);
	for (uint32_t boot = 0; boot < 5; boot++)
		for (uint32_t n = 0; n < 9; n++)
			sent_at(n, (20 + boot) * SECOND + n * 10 * SECOND, !n);
	figures_are(0, 0, 0, 4);
}

Test(cop_source, a_reboot_is_seen_beyond_half_the_circle)
{
	begin_with(0, 0);
	sent_at(0x90000000, 20 * MINUTE, false);
	sent_at(0x90000001, 20 * MINUTE + 1, false);
	sent_at(0, 30 * SECOND, true);
	sent_at(1, 30 * SECOND + 1, false);
	figures_are(0, 0, 0, 1);
}

/* ---- jitter and gap ------------------------------------------------------- */

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (uint64_t)seed * sides >> 32;
}

/* RFC 3550, section 6.4.1, as it is written there. */
struct jitter_model {
	double last, j;
	bool any;
};

static double jitter_of(struct jitter_model *m, double transit)
{
	if (m->any)
		m->j += (fabs(transit - m->last) - m->j) / 16;
	m->last = transit;
	m->any = true;
	return m->j;
}

/* In sixteenths it is at most half a microsecond off by what is rounded. */
static void jitter_is(double want)
{
	cr_expect(le(dbl, fabs(source.jitter / 16.0 - want), 0.51),
		  "%f, want %f", source.jitter / 16.0, want);
}

static void jitter_for(uint32_t spread, uint64_t clock)
{
	struct jitter_model model = { 0 };
	uint64_t begin, delay, sent = 0;

	begin_with(-500, clock);
	begin = our_clock;
	for (uint32_t i = 0; i < 5000; i++) {
		sent += 1 + dice(40000);
		delay = 1000 + dice(spread);
		our_clock = begin + sent + delay;
		arrives(i, sent, !i);
		jitter_is(jitter_of(&model, delay));
		if (!dice(7))
			arrives(i, sent, !i); /* of no importance */
	}
	cr_expect(ne(u32, source.jitter, 0));
}

Test(cop_source, jitter_is_that_of_rfc_3550)
{
	for (uint32_t spread = 2; spread <= 2000000; spread *= 10) {
		jitter_for(spread, 0);
		jitter_for(spread, (1ull << 32) - 3 * SECOND);
	}
}

Test(cop_source, a_steady_flow_has_no_jitter)
{
	begin_with(0, 0);
	for (uint32_t i = 0; i < 1000; i++)
		comes(i);
	cr_expect(zero(u32, source.jitter));
}

Test(cop_source, a_new_start_leaves_the_jitter_as_it_is)
{
	begin_with(0, 0);
	for (uint32_t i = 0; i < 10; i++)
		comes(i);
	their_clock += 77 * SECOND; /* another host's */
	for (uint32_t i = 0; i < 10; i++)
		comes(i);
	cr_expect(eq(u32, source.restarts, 1));
	cr_expect(zero(u32, source.jitter));
}

/* A clock that is set to and fro by half its circle: a large figure, no other. */
Test(cop_source, jitter_does_not_overflow)
{
	uint32_t last = 0;

	begin_with(0, 0);
	for (uint32_t i = 0; i < 200; i++) {
		sent_at(i + 1, i % 2 * (1ull << 31), false);
		cr_assert(ge(u32, source.jitter, last), "after %u", i);
		last = source.jitter;
	}
}

static const struct {
	const char *what;
	uint32_t number[6];
	uint64_t after[6]; /* microseconds, what came before it */
	unsigned int n;
	uint64_t gap;
} gaps[] = {
	{ "one alone", { 0 }, { 77 }, 1, 0 },
	{ "two", { 0, 1 }, { 0, 1500 }, 2, 1500 },
	{ "the longest first", { 0, 1, 2 }, { 0, 9000, 10 }, 3, 9000 },
	{ "the longest last", { 0, 1, 2 }, { 0, 10, 9000 }, 3, 9000 },
	{ "lost ones are a gap", { 0, 1, 9 }, { 0, 10, 80 }, 3, 80 },
	{ "a late one ends it", { 0, 2, 1, 3 }, { 0, 10, 500, 20 }, 4, 500 },
	{ "a double ends it", { 0, 0, 1 }, { 0, 700, 20 }, 3, 700 },
	{ "a double is in it", { 0, 1, 1, 2 }, { 0, 10, 300, 400 }, 4, 400 },
	{ "at once", { 0, 1, 2 }, { 0, 0, 0 }, 3, 0 },
	{ "an hour and more", { 0, 1 }, { 0, 71 * MINUTE }, 2, 71 * MINUTE },
	{ "as long as can be", { 0, 1 }, { 0, 100 * MINUTE }, 2, UINT32_MAX },
};

Test(cop_source, the_gap_is_the_longest_time_without_any)
{
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		uint64_t begin, sent = 0;

		begin_with(0, 0);
		begin = our_clock;
		for (unsigned int n = 0; n < gaps[i].n; n++) {
			sent += gaps[i].after[n];
			our_clock = begin + sent;
			arrives(gaps[i].number[n], gaps[i].number[n], false);
		}
		cr_expect(eq(u32, source.gap, gaps[i].gap), "%s", gaps[i].what);
		cr_expect(eq(u64, source.end, begin + sent));
	}
}

/* A thread was held up between its receive and the note that is taken of it. */
Test(cop_source, a_note_that_is_taken_late_makes_no_gap)
{
	begin_with(0, 0);
	our_clock = 1000;
	arrives(0, 0, true);
	our_clock = 1100;
	arrives(2, 2, false);
	our_clock = 1050;
	arrives(1, 1, false);
	our_clock = 1150;
	arrives(3, 3, false);
	cr_expect(eq(u32, source.gap, 100));
	cr_expect(eq(u64, source.end, 1150));
}

Test(cop_source, the_silence_ahead_of_a_new_start_is_a_gap)
{
	begin_with(0, 0);
	comes(0);
	comes(1);
	our_clock += 3 * SECOND;
	arrives(0, 3 * SECOND, true);
	cr_expect(eq(u32, source.restarts, 1));
	cr_expect(eq(u32, source.gap, 3 * SECOND));
}

/* ---- a model -------------------------------------------------------------- */

/*
 * A stream of which datagrams are lost, come double and are late, in a number of
 * lives of the sender; the model keeps everything.
 */
enum { LIVES = 12, LIFE = 12000, EVENTS = LIVES * LIFE * 3, NEAR = 60 };

struct event {
	uint64_t at; /* place in the order of arrival */
	uint64_t sent;
	uint32_t number, life;
};

struct path {
	const char *what;
	uint32_t lost, doubled, late, very_late; /* one in so many, 0: none */
};

static const struct path paths[] = {
	{ "clean", 0, 0, 0, 0 },	  { "loss", 20, 0, 0, 0 },
	{ "doubles", 0, 10, 0, 0 },	  { "late", 0, 0, 5, 0 },
	{ "late and lost", 10, 0, 3, 0 }, { "all", 13, 11, 7, 101 },
	{ "chaos", 2, 2, 2, 0 },	  { "very late", 50, 0, 0, 30 },
	{ "half is lost", 2, 0, 9, 9 },
};

static struct event *events;
static size_t n_events;

static void add_event(uint64_t at, uint64_t sent, uint32_t number,
		      uint32_t life)
{
	events[n_events++] = (struct event){ at, sent, number, life };
}

static bool one_in(uint32_t n)
{
	return n && !dice(n);
}

/*
 * A double comes while its number is remembered: what is behind the highest by
 * less than 64. What is very late comes once.
 */
static void send_one(const struct path *path, uint64_t place, uint64_t sent,
		     uint32_t number, uint32_t life)
{
	uint64_t late = one_in(path->late) ? dice(NEAR) : 0;

	if (one_in(path->lost))
		return;
	if (one_in(path->very_late)) {
		add_event(place + dice(1000), sent, number, life);
		return;
	}
	add_event(place + late, sent, number, life);
	while (one_in(path->doubled) && n_events < EVENTS)
		add_event(place + dice(NEAR), sent, number, life);
}

static int by_place(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Nothing of a life is under way when the next begins. */
static void make_stream(const struct path *path)
{
	uint64_t sent = 0;

	n_events = 0;
	for (uint32_t life = 0; life < LIVES; life++) {
		uint32_t length = 200 + dice(LIFE - 200);

		sent += SECOND;
		for (uint32_t i = 0; i < length; i++) {
			sent += dice(2000);
			send_one(path, (uint64_t)life * 4 * LIFE + i, sent, i,
				 life);
		}
	}
	qsort(events, n_events, sizeof(*events), by_place);
}

static struct model {
	bool came[LIFE];
	uint32_t lowest, highest, life;
	uint64_t lost, lost_before, unique;
	uint32_t reordered, duplicated, restarts;
} model;

static void model_begins(const struct event *e)
{
	memset(model.came, 0, sizeof(model.came));
	model.lost_before = model.lost;
	model.lowest = model.highest = e->number;
	model.came[e->number] = true;
	model.life = e->life;
	model.unique = 1;
}

static void model_takes(const struct event *e)
{
	if (e->life != model.life) {
		model_begins(e);
		model.restarts++;
	} else if (model.came[e->number]) {
		model.duplicated++;
	} else {
		model.came[e->number] = true;
		model.unique++;
		model.reordered += e->number < model.highest;
		if (e->number > model.highest)
			model.highest = e->number;
		if (e->number < model.lowest)
			model.lowest = e->number;
	}
	model.lost = model.lost_before + model.highest - model.lowest + 1 -
		     model.unique;
}

static bool model_agrees(void)
{
	return cop_source_lost(&source) == model.lost &&
	       source.reordered == model.reordered &&
	       source.duplicated == model.duplicated &&
	       source.restarts == model.restarts;
}

static void play_stream(const struct path *path, uint32_t number)
{
	make_stream(path);
	cr_assert(gt(u64, n_events, LIVES * 50));
	begin_with(dice(UINT32_MAX), dice(UINT32_MAX));
	model = (struct model){ 0 };
	for (size_t i = 0; i < n_events; i++) {
		const struct event *e = &events[i];

		our_clock += dice(3000);
		arrives(e->number, e->sent, !e->number);
		if (i)
			model_takes(e);
		else
			model_begins(e);
		cr_assert(model_agrees(),
			  "%s, stream %u, at %zu: number %u of life %u: "
			  "lost %lu, reordered %u, duplicated %u, restarts %u; "
			  "want %lu, %u, %u, %u",
			  path->what, number, i, e->number, e->life,
			  (unsigned long)cop_source_lost(&source),
			  source.reordered, source.duplicated, source.restarts,
			  (unsigned long)model.lost, model.reordered,
			  model.duplicated, model.restarts);
	}
	cr_expect(eq(u64, source.datagrams, n_events));
}

/* Where more than is remembered is missing, what is very late goes by its number. */
Test(cop_source, random_streams_have_the_models_figures)
{
	events = malloc(EVENTS * sizeof(*events));
	cr_assert(ne(ptr, events, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (seed = 1; seed < 40; seed += 13)
			play_stream(&paths[i], seed);
	free(events);
}

/* ---- headers without a number or without a time ------------------------------ */

static struct cop_arrival narrow(uint32_t seq, uint8_t lacks, uint8_t by)
{
	our_clock += MS;
	return (struct cop_arrival){ .now = our_clock,
				     .seq = seq & UINT32_MAX >> by,
				     .len = 10,
				     .lacks = lacks,
				     .narrow = by,
				     .first = !seq,
				     .ordered = true };
}

static void come_narrow(uint32_t from, uint32_t to, uint8_t lacks, uint8_t by)
{
	for (uint32_t seq = from; seq < to; seq++) {
		struct cop_arrival a = narrow(seq, lacks, by);

		takes(&a);
	}
}

Test(cop_source, a_number_of_8_bits_goes_on_at_0_behind_255)
{
	for (uint8_t by = 16; by <= 24; by += 8) {
		begin_with(0, 0);
		come_narrow(0, 200, COP_HAS_TSTAMP, by);
		come_narrow(203, 100000, COP_HAS_TSTAMP, by);
		cr_assert(eq(u64, cop_source_lost(&source), 3));
		cr_assert(eq(u64, source.datagrams, 100000 - 3));
		cr_assert(zero(u32, source.reordered));
		cr_assert(zero(u32, source.duplicated));
		cr_assert(zero(u32, source.restarts));
	}
}

Test(cop_source, without_a_number_only_datagrams_are_counted)
{
	begin_with(0, 0);
	for (int i = 0; i < 100; i++) {
		struct cop_arrival a =
			narrow(0, COP_HAS_SEQ | COP_HAS_TSTAMP, 0);

		takes(&a);
	}
	cr_assert(eq(u64, source.datagrams, 100));
	cr_assert(zero(u64, cop_source_lost(&source)));
	cr_assert(zero(u32, source.duplicated));
	cr_assert(zero(u32, source.jitter));
	cr_assert(eq(u32, source.gap, MS));
}

Test(cop_source, without_a_clock_two_known_numbers_in_a_row_are_a_restart)
{
	begin_with(0, 0);
	come_narrow(0, 100, COP_HAS_TSTAMP, 0);
	come_narrow(50, 51, COP_HAS_TSTAMP, 0); /* a duplicate */
	come_narrow(100, 101, COP_HAS_TSTAMP, 0);
	cr_assert(eq(u32, source.duplicated, 1));
	cr_assert(zero(u32, source.restarts));
	come_narrow(0, 300, COP_HAS_TSTAMP, 0);
	cr_assert(eq(u32, source.duplicated, 1));
	cr_assert(eq(u32, source.restarts, 1));
	cr_assert(zero(u64, cop_source_lost(&source)));
}
