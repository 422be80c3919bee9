// SPDX-License-Identifier: MIT
/*
 * cop_random.c - SipHash-1-3 over a counter, keyed from the kernel.
 *
 * Owns: the key and counter in struct cop_process. Protected by: atomic
 * operations. May call: getrandom(). Counterpart in the kernel:
 * get_random_u32(), and siphash for the port offsets of RFC 6056.
 */
#include <sys/random.h>
#include <time.h>

#include "cop/compiler.h"
#include "cop/process.h"
#include "cop/random.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

/* SipHash-1-3 of one 64-bit word (Aumasson, Bernstein: 2012). */
static uint64_t siphash(uint64_t k0, uint64_t k1, uint64_t word)
{
	const uint64_t length = 8ull << 56;
	struct sip s = { k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull,
			 k0 ^ 0x6c7967656e657261ull,
			 k1 ^ 0x7465646279746573ull };

	s.v3 ^= word;
	sip_round(&s);
	s.v0 ^= word;
	s.v3 ^= length;
	sip_round(&s);
	s.v0 ^= length;
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Early in boot the kernel may have no entropy yet; the clock must do then. */
static void random_key(struct cop_process *process)
{
	struct timespec now;
	uint64_t key[2];

	if (getrandom(key, sizeof(key), GRND_NONBLOCK) != sizeof(key)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		key[0] = (uint64_t)now.tv_nsec;
		key[1] = (uintptr_t)process ^ (uint64_t)now.tv_sec;
	}
	WRITE_ONCE(process->key[0], key[0]);
	WRITE_ONCE(process->key[1], key[1]);
	atomic_store_explicit(&process->keyed, 1, memory_order_release);
}

uint32_t cop_random(void)
{
	struct cop_process *process = cop_process();

	if (unlikely(!atomic_load_explicit(&process->keyed,
					   memory_order_acquire)))
		random_key(process);
	return siphash(READ_ONCE(process->key[0]), READ_ONCE(process->key[1]),
		       ADD_ONCE(process->counter, 1));
}
