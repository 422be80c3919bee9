/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - macros that have the names and meanings of the kernel's.
 */
#ifndef COP_COMPILER_H
#define COP_COMPILER_H

#include <stdatomic.h>
#include <stddef.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/*
 * During a system call the kernel overwrites the processor's stack of return
 * addresses, so the processor mispredicts each return from there to the
 * program. So the functions on a datagram's way are flattened: one function in
 * each file.
 */
#define flatten	 __attribute__((flatten))

#define noinline __attribute__((noinline))

/*
 * A pointer, of which the compiler does not know that it has seen it before. So behind a
 * call it finds the fields of a struct by the pointer alone, and keeps no address of each
 * of them across the call. Counterpart: OPTIMIZER_HIDE_VAR().
 */
#define afresh(ptr)                              \
	({                                       \
		__typeof__(ptr) afresh_ = (ptr); \
                                                 \
		__asm__("" : "+r"(afresh_));     \
		afresh_;                         \
	})

/* Tell the compiler what it can't find out, since the value was in memory meanwhile. */
#define promise(is)                              \
	do {                                     \
		if (!(is))                       \
			__builtin_unreachable(); \
	} while (0)

/* Have the compiler keep a variable in memory from here on. */
#define in_memory(x) __asm__("" : "+m"(x))

/*
 * For the declaration of a variable that a datagram's way reads. -fvisibility=hidden counts
 * for definitions only, so without this each read would take the address out of a table.
 */
#define HIDDEN __attribute__((visibility("hidden")))

/*
 * vfork() returns twice, first in the child. The child then overwrites the
 * stack below vfork()'s caller, so the library must have no frame there. The
 * wrapper therefore jumps to the next definition instead of calling it:
 * "JUMP_TO_NEXT next();" in a function marked JUMPS_TO_NEXT. It jumps without
 * optimization, too.
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

/*
 * READ_ONCE() where no other thread changes the value: an instruction can have it as an
 * operand in memory.
 */
#define READ_ALONE(x) (*(const __typeof__(READ_ONCE(x)) *)&(x))

#endif /* COP_COMPILER_H */
