/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - the few words of the kernel's compiler.h and refcount style
 * that the rest is written in.
 */
#ifndef COP_COMPILER_H
#define COP_COMPILER_H

#include <stdatomic.h>
#include <stddef.h>

#define likely(x)	  __builtin_expect(!!(x), 1)
#define unlikely(x)	  __builtin_expect(!!(x), 0)

#define noinline	  __attribute__((noinline))

#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))

#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* Relaxed accesses, for values that stand alone: counters, flags, hints. */
#define READ_ONCE(x)	 atomic_load_explicit(&(x), memory_order_relaxed)
#define WRITE_ONCE(x, v) atomic_store_explicit(&(x), (v), memory_order_relaxed)

#endif /* COP_COMPILER_H */
