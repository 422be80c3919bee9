/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - the Internet checksum of RFC 1071.
 *
 * The sum of 16-bit words with end-around carry is the same in any order, in either
 * byte order, and with wider words. So words of 32 bits are added in lanes of 64 bits,
 * several at a time, and the carries are added at the end. All sums here are in the
 * byte order of memory. Counterpart in the kernel: lib/checksum.c.
 */
#ifndef UDPLITE_CHECKSUM_H
#define UDPLITE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A lane of 64 bits has room for the carries of 2^32 words. */
typedef uint64_t csum_lanes __attribute__((vector_size(32)));

#define CSUM_BLOCK (2 * sizeof(csum_lanes))

/**
 * csum_fold - the sum of the 16-bit words of a sum
 * @sum: a sum of words of any width, below 2^62
 */
static inline uint16_t csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The last bytes, fewer than 8; a missing last byte counts as 0. */
static inline uint64_t csum_rest(const unsigned char *at, size_t len)
{
	uint32_t four = 0;
	uint16_t two = 0;
	uint64_t sum = 0;

	if (len & 4) {
		memcpy(&four, at, sizeof(four));
		at += sizeof(four);
	}
	if (len & 2) {
		memcpy(&two, at, sizeof(two));
		at += sizeof(two);
	}
	memcpy(&sum, at, len & 1);
	return sum + four + two;
}

/* A few bytes, and the bytes behind the last block. */
static inline uint64_t csum_tail(const unsigned char *at, size_t len)
{
	uint64_t low = 0, high = 0, word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		low += word & 0xffffffff;
		high += word >> 32;
	}
	return low + high + csum_rest(at, len);
}

/* One block: the upper and the lower halves of its lanes. */
static inline __attribute__((always_inline)) void
csum_block(const unsigned char *at, csum_lanes *low, csum_lanes *high)
{
	csum_lanes a, b;

	memcpy(&a, at, sizeof(a));
	memcpy(&b, at + sizeof(a), sizeof(b));
	*low += (a & 0xffffffff) + (b & 0xffffffff);
	*high += (a >> 32) + (b >> 32);
}

static inline __attribute__((always_inline)) uint64_t
csum_blocks(const void *data, size_t len)
{
	const unsigned char *at = data;
	csum_lanes low = { 0 }, high = { 0 };

	for (; len >= CSUM_BLOCK; at += CSUM_BLOCK, len -= CSUM_BLOCK)
		csum_block(at, &low, &high);
	low += high;
	return low[0] + low[1] + low[2] + low[3] + csum_tail(at, len);
}

static inline uint64_t csum_any(const void *data, size_t len)
{
	return csum_blocks(data, len);
}

#ifdef __x86_64__
static inline __attribute__((target("avx2"))) uint64_t
csum_avx2(const void *data, size_t len)
{
	return csum_blocks(data, len);
}

static inline bool csum_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}
#else
static inline uint64_t csum_avx2(const void *data, size_t len)
{
	return csum_any(data, len);
}

static inline bool csum_has_avx2(void)
{
	return false;
}
#endif

/**
 * csum_partial - the sum of the words of some bytes
 * @data: the bytes, not aligned; fewer than 2^32
 * @len: how many
 * @avx2: csum_has_avx2(), asked once
 *
 * Returns less than 2^48. Sums of several parts may be added if all parts but the last
 * one have an even length.
 */
static inline uint64_t csum_partial(const void *data, size_t len, bool avx2)
{
	if (len < 2 * CSUM_BLOCK)
		return csum_tail(data, len);
	return avx2 ? csum_avx2(data, len) : csum_any(data, len);
}

#endif /* UDPLITE_CHECKSUM_H */
