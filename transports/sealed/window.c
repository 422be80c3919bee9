// SPDX-License-Identifier: MIT
/*
 * window.c - sliding windows against replay, one for each stream: RFC 6479, with atomic
 * words in the place of its lock.
 *
 * RFC 6479 keeps a ring of blocks of bits. Here a word is a block: 16 bits for 16
 * datagrams, and above them the number of the block. One compare and swap moves a word
 * to a later block or sets a bit, so a signal handler, another thread and another
 * process may do it at the same time, and a kill leaves nothing half done. A window is
 * 2,033 datagrams wide, or wider: an old number is accepted as long as no later one
 * needs its word.
 *
 * Only authentic datagrams make streams. When there is no room for one more, the
 * stream goes whose last datagram is oldest. From then on its bucket refuses, of streams
 * that it does not know, datagrams that are as old as that: its *floor*. So what was
 * received once is never received again, whatever was forgotten.
 *
 * Owns: 2,048 buckets of 8 streams, 17 MB of which only what is used has memory.
 * Protected by: atomic operations. A process that is killed while it makes a stream
 * leaves its slot unused for good.
 */
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "window.h"

#define BUCKETS 2048
#define WAYS	8
#define BLOCKS	128
#define BITS	16 /* datagrams of a block; SEALED_COUNTER_END has 48 more */

/*
 * A tag is a hash of the stream; a number that tells the streams apart that a slot has
 * had; and two bits.
 */
#define TAG_BUSY 1ull	   /* all of it: the slot is being emptied */
#define TAG_OWN	 0x8000ull /* a stream that the socket sends itself */
#define TAG_NEW	 0x4000ull /* nobody uses it yet: its maker may take it back */
#define TAG_USE	 0x3fffull
#define TAG_HASH (~0ull << 16)

/* A bucket is looked at for each datagram, forged ones too, so it is small. */
struct slot {
	_Atomic(uint64_t) tag;	/* (a) 0: free */
	_Atomic(uint64_t) last; /* (a) time of its latest datagram */
};

struct bucket {
	_Atomic(uint64_t) floor; /* (a) of streams that are not in it */
	struct slot slot[WAYS];
};

/* Of the slot of the same number. */
struct window {
	_Atomic(uint64_t) use;		 /* (a) streams that the slot has had */
	_Atomic(uint64_t) floor;	 /* (a) what is as old is refused */
	_Atomic(uint64_t) block[BLOCKS]; /* (a) number and bits */
};

static struct bucket *buckets;
static struct window *windows;
static uint64_t max_age;
static unsigned char secret[crypto_shorthash_KEYBYTES];

size_t sealed_window_size(void)
{
	return BUCKETS * (sizeof(struct bucket) + WAYS * sizeof(struct window));
}

void sealed_window_init(void *memory, uint64_t age)
{
	buckets = memory;
	windows = (struct window *)(buckets + BUCKETS);
	max_age = age;
	randombytes_buf(secret, sizeof(secret));
}

static void raise(_Atomic(uint64_t) *to, uint64_t value)
{
	uint64_t is = atomic_load(to);

	while (is < value && !atomic_compare_exchange_weak(to, &is, value))
		;
}

/* Nobody knows the secret, so nobody can fill one bucket. */
static uint64_t hash_of(const struct sealed_stream *s)
{
	uint64_t in[3] = { s->socket, s->salt.word[0], s->salt.word[1] }, out;

	crypto_shorthash((unsigned char *)&out, (unsigned char *)in, sizeof(in),
			 secret);
	return out | 1ull << 63; /* a tag is never 0 */
}

static struct bucket *bucket_of(uint64_t hash)
{
	return &buckets[hash % BUCKETS];
}

static struct window *window_of(const struct bucket *b, const struct slot *slot)
{
	return &windows[(b - buckets) * WAYS + (slot - b->slot)];
}

static bool is_of(uint64_t tag, uint64_t hash)
{
	return !((tag ^ hash) & TAG_HASH);
}

/* Two streams of one tag would share a window: then datagrams are lost, no more. */
static struct slot *find(struct bucket *b, uint64_t hash, uint64_t *tag)
{
	for (int i = 0; i < WAYS; i++) {
		*tag = atomic_load(&b->slot[i].tag);
		if (is_of(*tag, hash) && !(*tag & TAG_NEW))
			return &b->slot[i];
	}
	return NULL;
}

/* ---- a stream that is known ------------------------------------------------- */

static bool is_seen(uint64_t word, uint64_t counter)
{
	const uint64_t block = counter / BITS + 1, has = word >> BITS;

	return has > block || (has == block && word >> counter % BITS & 1);
}

static _Atomic(uint64_t) *block_of(struct window *w, uint64_t counter)
{
	return &w->block[counter / BITS % BLOCKS];
}

static enum sealed_seen look(struct window *w, uint64_t tag,
			     const struct sealed_stream *s)
{
	if (tag & TAG_OWN)
		return SEALED_OWN;
	if (s->time <= atomic_load(&w->floor))
		return SEALED_CROWDED;
	if (is_seen(atomic_load(block_of(w, s->counter)), s->counter))
		return SEALED_SEEN;
	return SEALED_NEW;
}

static bool set_bit(_Atomic(uint64_t) *at, uint64_t counter)
{
	const uint64_t block = counter / BITS + 1;
	uint64_t is = atomic_load(at), to;

	do {
		if (is_seen(is, counter))
			return false;
		to = is >> BITS == block ? is : block << BITS;
		to |= 1ull << counter % BITS;
	} while (!atomic_compare_exchange_weak(at, &is, to));
	return true;
}

/*
 * The time comes first: a thread that removes the stream later knows how old this datagram is.
 * If somebody has removed it already, the bit may be in another stream's window: then
 * the datagram is lost.
 */
static enum sealed_seen take(struct slot *slot, struct window *w, uint64_t tag,
			     const struct sealed_stream *s)
{
	enum sealed_seen seen = look(w, tag, s);

	if (seen != SEALED_NEW)
		return seen;
	raise(&slot->last, s->time);
	if (!set_bit(block_of(w, s->counter), s->counter))
		return SEALED_SEEN;
	return atomic_load(&slot->tag) == tag ? SEALED_NEW : SEALED_CROWDED;
}

/* ---- a new stream ------------------------------------------------------------ */

/* One that is out of date, or a free slot, or else the one whose last is oldest. */
static struct slot *choose(struct bucket *b, uint64_t now, uint64_t *tag)
{
	uint64_t oldest = UINT64_MAX;
	struct slot *slot = NULL;

	for (int i = 0; i < WAYS; i++) {
		struct slot *is = &b->slot[i];
		uint64_t its = atomic_load(&is->tag);
		uint64_t last = its ? atomic_load(&is->last) : 0;

		if (its == TAG_BUSY || its & TAG_NEW || last >= oldest)
			continue;
		oldest = last;
		slot = is;
		*tag = its;
		if (its && last + max_age < now)
			break;
	}
	return slot;
}

/*
 * Nobody finds the old stream any more when its last time is read, so the floor covers
 * each datagram that it has let through.
 */
static struct slot *empty(struct bucket *b, uint64_t now)
{
	uint64_t tag = 0;
	struct slot *slot = choose(b, now, &tag);
	struct window *w;

	if (!slot ||
	    !atomic_compare_exchange_strong(&slot->tag, &tag, TAG_BUSY))
		return NULL;
	w = window_of(b, slot);
	raise(&b->floor, atomic_load(&slot->last));
	for (int i = 0; i < BLOCKS; i++)
		atomic_store_explicit(&w->block[i], 0, memory_order_relaxed);
	atomic_store(&w->floor, atomic_load(&b->floor));
	atomic_store(&slot->last, 0);
	return slot;
}

static bool is_elsewhere(struct bucket *b, const struct slot *slot,
			 uint64_t hash)
{
	for (int i = 0; i < WAYS; i++)
		if (&b->slot[i] != slot &&
		    is_of(atomic_load(&b->slot[i].tag), hash))
			return true;
	return false;
}

/*
 * Two threads may make one stream at once. Each shows its slot first and looks then, so
 * one of them sees the other at least, and gives up. Returns whether the stream is there;
 * if not, it may be there a moment later.
 */
static bool make(struct bucket *b, uint64_t hash, uint64_t own, uint64_t now)
{
	struct slot *slot = is_elsewhere(b, NULL, hash) ? NULL : empty(b, now);
	uint64_t tag;

	if (!slot)
		return false;
	tag = (hash & TAG_HASH) | own |
	      (atomic_fetch_add(&window_of(b, slot)->use, 1) & TAG_USE);
	atomic_store(&slot->tag, tag | TAG_NEW);
	if (is_elsewhere(b, slot, hash)) {
		atomic_store(&slot->tag, 0);
		return false;
	}
	atomic_store(&slot->tag, tag);
	return true;
}

/* Threads that make one stream at once give up one after the other. */
#define TRIES 16

static struct slot *find_or_make(struct bucket *b, uint64_t hash, uint64_t own,
				 uint64_t time, uint64_t now, uint64_t *tag)
{
	struct slot *slot;

	for (int i = 0; i < TRIES; i++) {
		slot = find(b, hash, tag);
		if (slot)
			return slot;
		if (!own && time <= atomic_load(&b->floor))
			return NULL;
		make(b, hash, own, now);
	}
	return NULL;
}

/* ---- for the transport --------------------------------------------------------- */

enum sealed_seen sealed_window_look(const struct sealed_stream *s)
{
	const uint64_t hash = hash_of(s);
	struct bucket *b = bucket_of(hash);
	uint64_t tag;
	struct slot *slot = find(b, hash, &tag);

	if (slot)
		return look(window_of(b, slot), tag, s);
	return s->time <= atomic_load(&b->floor) ? SEALED_CROWDED : SEALED_NEW;
}

enum sealed_seen sealed_window_take(const struct sealed_stream *s, uint64_t now)
{
	const uint64_t hash = hash_of(s);
	struct bucket *b = bucket_of(hash);
	uint64_t tag;
	struct slot *slot = find_or_make(b, hash, 0, s->time, now, &tag);

	return slot ? take(slot, window_of(b, slot), tag, s) : SEALED_CROWDED;
}

void sealed_window_own(const struct sealed_stream *s, uint64_t now)
{
	const uint64_t hash = hash_of(s);
	uint64_t tag;
	struct slot *slot = find_or_make(bucket_of(hash), hash, TAG_OWN,
					 s->time, now, &tag);

	if (slot)
		raise(&slot->last, s->time);
}
