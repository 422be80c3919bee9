/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - read-modify-write operations that leave the bus alone while the
 * process has one thread.
 *
 * A locked instruction costs some 20 cycles and drains the pipeline. In a
 * process with one thread only a signal handler can interrupt an operation, and
 * no handler runs in the middle of an instruction: one instruction without the
 * lock prefix is enough. glibc's __libc_single_threaded says whether there is
 * one thread; glibc's allocator trusts it too. Other architectures, and
 * ThreadSanitizer, get C11's operations.
 */
#ifndef COP_ATOMIC_H
#define COP_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

#if defined(__SANITIZE_THREAD__)
#define COP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COP_TSAN 1
#endif
#endif

/* glibc has this symbol since 2.32. */
extern char __libc_single_threaded __attribute__((weak));

/* one_thread() where no instruction depends on it: the same on each architecture. */
static inline bool process_is_alone(void)
{
	return &__libc_single_threaded && __libc_single_threaded;
}

#if defined(__x86_64__) && !defined(COP_TSAN)
/*
 * (c) Where that is, once the constructors have run. Until then, and with an older
 * glibc, a place that says that there may be several threads.
 */
extern const char *cop_one_thread_at HIDDEN;

static inline bool one_thread(void)
{
	return *cop_one_thread_at;
}

/*
 * Called before a clone() that libc does not see and whose child shares the
 * memory.
 */
static inline void threads_begin(void)
{
	if (&__libc_single_threaded && __libc_single_threaded)
		__libc_single_threaded = 0;
}

#define UNLOCKED_ADD(v, n, suffix)               \
	__asm__ volatile("xadd" suffix " %0, %1" \
			 : "+r"(n), "+m"(*(v))::"memory")
#define UNLOCKED_COUNT(v, n, suffix) \
	__asm__ volatile("add" suffix " %1, %0" : "+m"(*(v)) : "er"(n) : "cc")
#define UNLOCKED_CAS(v, old, new, done, suffix)                 \
	__asm__ volatile("cmpxchg" suffix " %3, %1"             \
			 : "=@ccz"(done), "+m"(*(v)), "+a"(old) \
			 : "r"(new)                             \
			 : "memory")
#else
static inline bool one_thread(void)
{
	return false;
}

static inline void threads_begin(void)
{
}

#define UNLOCKED_ADD(v, n, suffix) (void)0
#define UNLOCKED_COUNT(v, n, suffix) \
	atomic_fetch_add_explicit(v, n, memory_order_relaxed)
#define UNLOCKED_CAS(v, old, new, done, suffix) (done = false)
#endif

/*
 * type_add(v, n): adds n to *v, returns the old value. type_add_as(v, n, alone): the same,
 * for a caller that has asked one_thread() already. type_cas(v, old, new):
 * if *v equals *old, sets *v to new and returns true; else sets *old to *v and
 * returns false.
 */
#define COP_ATOMIC_CAS(name, type, suffix)                                   \
	static inline bool name##_cas(_Atomic(type) *v, type *old, type new) \
	{                                                                    \
		type was = *old;                                             \
		bool done;                                                   \
                                                                             \
		if (unlikely(!one_thread()))                                 \
			return atomic_compare_exchange_strong(v, old, new);  \
		UNLOCKED_CAS(v, was, new, done, suffix);                     \
		*old = was;                                                  \
		return done;                                                 \
	}

#define COP_ATOMIC(name, type, suffix)                                         \
	static inline type name##_add_as(_Atomic(type) *v, type n, bool alone) \
	{                                                                      \
		if (likely(alone)) {                                           \
			UNLOCKED_ADD(v, n, suffix);                            \
			return n;                                              \
		}                                                              \
		return atomic_fetch_add(v, n);                                 \
	}                                                                      \
                                                                               \
	static inline type name##_add(_Atomic(type) *v, type n)                \
	{                                                                      \
		return name##_add_as(v, n, one_thread());                      \
	}                                                                      \
	COP_ATOMIC_CAS(name, type, suffix)

COP_ATOMIC(u32, uint32_t, "l")
COP_ATOMIC(u64, uint64_t, "q")
COP_ATOMIC(int, int, "l")

/*
 * type_count(v, n, alone): adds n to *v, for a caller that has asked one_thread()
 * already: a function that counts several things asks once.
 */
#define COP_ATOMIC_COUNT(name, type, suffix)                                   \
	static inline void name##_count(_Atomic(type) *v, type n, bool alone)  \
	{                                                                      \
		if (likely(alone))                                             \
			UNLOCKED_COUNT(v, n, suffix);                          \
		else                                                           \
			atomic_fetch_add_explicit(v, n, memory_order_relaxed); \
	}

COP_ATOMIC_COUNT(u32, uint32_t, "l")
COP_ATOMIC_COUNT(u64, uint64_t, "q")

#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_2
COP_ATOMIC(u16, uint16_t, "w")

#define COP_ATOMIC_U16(name, c11, result)                                   \
	static inline uint16_t u16_##name(_Atomic(uint16_t) *v, uint16_t n) \
	{                                                                   \
		return c11(v, n);                                           \
	}
#else
/*
 * Before gcc 13 such operations on RISC-V are calls of libatomic, which would be one
 * more library in each program. So the word around the two bytes changes.
 */
static inline bool u16_cas(_Atomic(uint16_t) *v, uint16_t *old, uint16_t new)
{
	typedef uint32_t __attribute__((may_alias)) word_t;
	const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	const unsigned int shift = (((uintptr_t)v ^ (big ? 2 : 0)) & 2) * 8;
	word_t *word = (word_t *)((uintptr_t)v & ~(uintptr_t)3), next;
	word_t is = __atomic_load_n(word, __ATOMIC_RELAXED);

	do {
		if ((uint16_t)(is >> shift) != *old) {
			*old = is >> shift;
			return false;
		}
		next = (is & ~(0xffffu << shift)) | (uint32_t) new << shift;
	} while (!__atomic_compare_exchange_n(
		word, &is, next, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

#define COP_ATOMIC_U16(name, c11, result)                                   \
	static inline uint16_t u16_##name(_Atomic(uint16_t) *v, uint16_t n) \
	{                                                                   \
		uint16_t old = READ_ONCE(*v);                               \
                                                                            \
		while (!u16_cas(v, &old, result))                           \
			;                                                   \
		return old;                                                 \
	}

COP_ATOMIC_U16(add, , old + n)
#endif

/* u16_exchange, u16_or, u16_and: return the old value. */
COP_ATOMIC_U16(exchange, atomic_exchange, n)
COP_ATOMIC_U16(or, atomic_fetch_or, old | n)
COP_ATOMIC_U16(and, atomic_fetch_and, old &n)

/* type_or, type_and: change bits, return the old value. */
#define COP_ATOMIC_BITS(name, type)                                \
	static inline type name##_or(_Atomic(type) *v, type bits)  \
	{                                                          \
		type old = READ_ONCE(*v);                          \
                                                                   \
		while (!name##_cas(v, &old, old | bits))           \
			;                                          \
		return old;                                        \
	}                                                          \
	static inline type name##_and(_Atomic(type) *v, type bits) \
	{                                                          \
		type old = READ_ONCE(*v);                          \
                                                                   \
		while (!name##_cas(v, &old, old & bits))           \
			;                                          \
		return old;                                        \
	}

COP_ATOMIC_BITS(u32, uint32_t)
COP_ATOMIC_BITS(u64, uint64_t)

#endif /* COP_ATOMIC_H */
