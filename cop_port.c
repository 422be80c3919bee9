// SPDX-License-Identifier: MIT
/*
 * cop_port.c - the port space: 128 queues, a bitmap and a rover.
 *
 * Owns: cop_port_table. Protected by: the claim of a port is one atomic
 * operation on its word of the bitmap; the lengths of the queues follow it and
 * only steer the choice. Counterpart in the kernel: udp_lib_get_port() in net/ipv4/udp.c.
 */
#include "cop_port.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/random.h"

/* A queue of this length is as good as full; see cop_port_claim_any(). */
#define LENGTH_FULL (COP_QUEUE_PORTS - 1)
#define KEY_FULL    (LENGTH_FULL * COP_HTABLE_SIZE)
#define KEY_BASE    INT16_MIN /* signed keys: SSE2 has a minimum for these only */

#define NO_TSAN	    __attribute__((no_sanitize("thread")))

struct cop_port_table cop_port_table = { .random = cop_random };

unsigned int cop_port_held(const struct cop_port_table *table)
{
	unsigned int held = 0;

	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++)
		held += READ_ONCE(table->count[q]) & ~COP_QUEUE_FULL;
	return held;
}

bool cop_port_is_taken(struct cop_port_table *table, uint16_t snum)
{
	return READ_ONCE(*port_word(&table->taken, snum)) & port_mask(snum);
}

unsigned int cop_port_queue_length(const struct cop_port_table *table,
				   unsigned int queue)
{
	return READ_ONCE(table->count[queue % COP_HTABLE_SIZE]) &
	       ~COP_QUEUE_FULL;
}

bool cop_port_claim(struct cop_port_table *table, uint16_t snum)
{
	uint64_t mask = port_mask(snum);

	if (u64_or(port_word(&table->taken, snum), mask) & mask)
		return false;
	u16_add(&table->count[port_queue(snum)], 1);
	return true;
}

static void queue_look_again(struct cop_port_table *table, unsigned int q)
{
	u16_and(&table->count[q], ~COP_QUEUE_FULL);
}

void cop_port_release(struct cop_port_table *table, uint16_t snum)
{
	_Atomic(uint16_t) *count = &table->count[port_queue(snum)];
	uint64_t mask = port_mask(snum);

	/* The port first: see queue_is_full(). */
	if (unlikely(!(u64_and(port_word(&table->taken, snum), ~mask) & mask)))
		return; /* two threads have released it at once */
	if (unlikely(u16_add(count, -1) & COP_QUEUE_FULL))
		queue_look_again(table, port_queue(snum));
}

static unsigned int queue_length(struct cop_port_table *table, unsigned int q)
{
	unsigned int length = 0;

	for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
		length += __builtin_popcountll(
			READ_ONCE(table->taken.word[q][w]));
	return length;
}

bool cop_port_reclaim(struct cop_port_table *table, uint16_t snum)
{
	unsigned int q = port_queue(snum);
	uint64_t mask = port_mask(snum);

	if (!(u64_and(port_word(&table->taken, snum), ~mask) & mask))
		return false;
	WRITE_ONCE(table->count[q], queue_length(table, q));
	return true;
}

/* Bits [from, 64) of a word; @from may be below 0 or above 63. */
static uint64_t bits_from(int from)
{
	if (from >= 64)
		return 0;
	return from <= 0 ? ~0ull : ~0ull << from;
}

/* The places of queue @q in word @w whose ports are in [@low, @high]. */
static uint64_t range_word(unsigned int q, unsigned int w, int low, int high)
{
	int first = (low - (int)q + COP_HTABLE_SIZE - 1) / COP_HTABLE_SIZE;
	int behind = (high - (int)q + COP_HTABLE_SIZE) / COP_HTABLE_SIZE;
	int base = w * 64;

	if (high < (int)q)
		return 0;
	return bits_from(first - base) & ~bits_from(behind - base);
}

/*
 * The places in a queue that the range covers: the first one, and how many. A
 * search begins at one of them. From a place outside the range every search would
 * find the same port first.
 */
static uint32_t places_of(uint16_t low, uint16_t high)
{
	unsigned int first = port_place(low);

	return first << 16 | (port_place(high) - first + 1);
}

void cop_port_allow(struct cop_port_table *table, uint16_t low, uint16_t high,
		    const struct cop_port_bits *reserved)
{
	for (unsigned int q = 0; q < COP_HTABLE_SIZE; q++) {
		for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++) {
			uint64_t word = range_word(q, w, low, high);

			if (reserved)
				word &= ~READ_ONCE(reserved->word[q][w]);
			WRITE_ONCE(table->allowed.word[q][w], word);
		}
		if (READ_ONCE(table->count[q]) & COP_QUEUE_FULL)
			queue_look_again(table, q);
	}
	WRITE_ONCE(table->places, places_of(low, high));
}

static uint64_t free_in_word(struct cop_port_table *table, unsigned int q,
			     unsigned int w)
{
	return READ_ONCE(table->allowed.word[q][w]) &
	       ~atomic_load(&table->taken.word[q][w]);
}

static uint64_t free_in_queue(struct cop_port_table *table, unsigned int q)
{
	uint64_t any = 0;

	for (unsigned int w = 0; w < COP_QUEUE_WORDS; w++)
		any |= free_in_word(table, q, w);
	return any;
}

/* Claim a free port of word @w from bit @from on; 0 when it has none. */
static uint16_t claim_in_word(struct cop_port_table *table, unsigned int q,
			      unsigned int w, unsigned int from)
{
	uint64_t avail;

	while ((avail = free_in_word(table, q, w) & (~0ull << from))) {
		unsigned int b = __builtin_ctzll(avail);
		uint16_t snum = (w * 64 + b) * COP_HTABLE_SIZE + q;

		if (cop_port_claim(table, snum))
			return snum;
	}
	return 0;
}

/* Claim the first free port from @place on, round the whole queue. */
static uint16_t claim_in_queue(struct cop_port_table *table, unsigned int q,
			       unsigned int place)
{
	unsigned int w = place / 64;
	unsigned int from = place % 64;
	uint16_t snum;

	for (unsigned int i = 0; i <= COP_QUEUE_WORDS; i++) {
		snum = claim_in_word(table, q, w, from);
		if (snum)
			return snum;
		w = (w + 1) % COP_QUEUE_WORDS;
		from = 0;
	}
	return 0;
}

/*
 * Note that a queue has no free port. This sets the hint and then looks a second
 * time; a release frees its port and then looks for the hint. The later of the two
 * sees what the other has done, so that no free port stays hidden.
 */
static bool queue_is_full(struct cop_port_table *table, unsigned int q)
{
	u16_or(&table->count[q], COP_QUEUE_FULL);
	if (!free_in_queue(table, q))
		return true;
	queue_look_again(table, q);
	return false;
}

/*
 * The first of the shortest queues from @rover on. The key of a queue is its
 * length times 128, plus its distance from the rover, so that one pass for the
 * least key finds it. The key of a full queue is at least KEY_FULL. The loads of
 * the lengths are not atomic, so that the compiler can load eight at once. A wrong
 * length does no harm: the claim itself decides.
 */
static NO_TSAN unsigned int shortest_queue(const struct cop_port_table *table,
					   unsigned int rover)
{
	const int16_t *count = (const int16_t *)table->count;
	int16_t best = INT16_MAX;

	for (int16_t q = 0; q < COP_HTABLE_SIZE; q++) {
		int16_t length = min_t(int16_t, count[q], LENGTH_FULL);
		int16_t ahead = (uint16_t)(q - rover) % COP_HTABLE_SIZE;
		int16_t key = KEY_BASE + length * COP_HTABLE_SIZE + ahead;

		best = min_t(int16_t, best, key);
	}
	return best - KEY_BASE;
}

/* A hint may be out of date, so look at every queue before the answer is no. */
static uint16_t claim_in_any_queue(struct cop_port_table *table,
				   unsigned int rover, unsigned int place)
{
	for (unsigned int i = 0; i < COP_HTABLE_SIZE; i++) {
		unsigned int q = (rover + i) % COP_HTABLE_SIZE;
		uint16_t snum;

		if (!free_in_queue(table, q))
			continue;
		snum = claim_in_queue(table, q, place);
		if (snum)
			return snum;
	}
	return 0;
}

uint16_t cop_port_next(const struct cop_port_table *table, unsigned int queue,
		       uint16_t after)
{
	const unsigned int q = queue % COP_HTABLE_SIZE;
	int from = after < q ? 0 : (after - q) / COP_HTABLE_SIZE + 1;

	for (unsigned int w = from / 64; w < COP_QUEUE_WORDS; w++) {
		uint64_t word = READ_ONCE(table->allowed.word[q][w]) &
				bits_from(from - (int)w * 64);

		if (word)
			return (w * 64 + __builtin_ctzll(word)) *
				       COP_HTABLE_SIZE +
			       q;
	}
	return 0;
}

/* A place of the range, from 25 random bits. */
static unsigned int random_place(const struct cop_port_table *table,
				 uint32_t random)
{
	uint32_t places = READ_ONCE(table->places);
	uint64_t number = places & 0xffff;

	return (places >> 16) + (unsigned int)(random * number >> 25);
}

uint16_t cop_port_claim_any(struct cop_port_table *table)
{
	uint32_t random = table->random();
	unsigned int rover = random % COP_HTABLE_SIZE;
	unsigned int place = random_place(table, random / COP_HTABLE_SIZE);

	for (;;) {
		unsigned int key = shortest_queue(table, rover);
		unsigned int q = (rover + key) % COP_HTABLE_SIZE;
		uint16_t snum;

		if (key >= KEY_FULL)
			return claim_in_any_queue(table, rover, place);
		snum = claim_in_queue(table, q, place);
		if (snum)
			return snum;
		queue_is_full(table, q);
	}
}
