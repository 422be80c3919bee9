/* SPDX-License-Identifier: MIT */
/*
 * arch.h - what differs between the processors: docs/processors.md lists them.
 * lib/atomic.h has the operations that one of them lacks, lib/clock.c a faster clock
 * for one of them.
 */
#ifndef COP_ARCH_H
#define COP_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No address of a program has more bits. A 32-bit program may use all of them. */
#define COP_USER_BITS (sizeof(void *) == 8 ? 63 : 32)

/*
 * Which argument of the system call clone() has its flags: on s390 the child's stack
 * comes first.
 */
#ifdef __s390__
#define COP_CLONE_FLAGS 1
#else
#define COP_CLONE_FLAGS 0
#endif

/* A position in a file among the arguments @a of a system call: one register, or two. */
#define COP_FILE_POS(a, n)         \
	(sizeof(long) == 8         \
		 ? (int64_t)(a)[n] \
		 : (int64_t)((uint64_t)(a)[(n) + 1] << 32 | (uint32_t)(a)[n]))

/* ---- numbers of 128 bits ---------------------------------------------------- */

/*
 * u128_product(a, b): the product of two words.
 * u128_add(a, b, high): a + b + high * 2^64, modulo 2^128.
 * u128_high(a): the upper word.
 */
#ifdef __SIZEOF_INT128__
typedef unsigned __int128 cop_u128;

static inline cop_u128 u128_product(uint64_t a, uint64_t b)
{
	return (cop_u128)a * b;
}

static inline cop_u128 u128_add(cop_u128 a, cop_u128 b, uint64_t high)
{
	return a + (b + ((cop_u128)high << 64));
}

static inline uint64_t u128_high(cop_u128 a)
{
	return a >> 64;
}
#else
typedef struct {
	uint64_t low, high;
} cop_u128;

static inline cop_u128 u128_product(uint64_t a, uint64_t b)
{
	const uint64_t al = (uint32_t)a, ah = a >> 32;
	const uint64_t bl = (uint32_t)b, bh = b >> 32;
	const uint64_t middle = ah * bl + (al * bl >> 32);
	const uint64_t other = al * bh + (uint32_t)middle;

	return (cop_u128){ a * b, ah * bh + (middle >> 32) + (other >> 32) };
}

static inline cop_u128 u128_add(cop_u128 a, cop_u128 b, uint64_t high)
{
	const uint64_t low = a.low + b.low;

	return (cop_u128){ low, a.high + b.high + high + (low < b.low) };
}

static inline uint64_t u128_high(cop_u128 a)
{
	return a.high;
}
#endif

#endif /* COP_ARCH_H */
