/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - the few words of the kernel's compiler.h and refcount style
 * that the rest is written in.
 */
#ifndef COP_COMPILER_H
#define COP_COMPILER_H

#include <stdatomic.h>
#include <stddef.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/*
 * The kernel's own calls overwrite the processor's stack of return addresses,
 * so each return between a system call and the program is mispredicted. The
 * functions on the way of a datagram are therefore made one in each file.
 */
#define flatten	 __attribute__((flatten))

#define noinline __attribute__((noinline))

/*
 * vfork() returns twice, first in the child, which goes on to overwrite the
 * stack below its caller: no frame of ours may be there. So the next definition
 * is jumped to, not called: "JUMP_TO_NEXT next();" in a function that is
 * JUMPS_TO_NEXT, also where the compiler does not optimize.
 */
#ifdef __clang__
#define JUMP_TO_NEXT __attribute__((musttail)) return
#define JUMPS_TO_NEXT
#else
#define JUMP_TO_NEXT  return
#define JUMPS_TO_NEXT __attribute__((optimize("O2")))
#endif

#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))

#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* Relaxed accesses, for values that stand alone: counters, flags, hints. */
#define READ_ONCE(x)	 atomic_load_explicit(&(x), memory_order_relaxed)
#define WRITE_ONCE(x, v) atomic_store_explicit(&(x), (v), memory_order_relaxed)

#endif /* COP_COMPILER_H */
