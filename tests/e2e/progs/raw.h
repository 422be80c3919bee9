/* SPDX-License-Identifier: MIT */
/*
 * raw.h - system calls that no library can see, by an instruction.
 */
#ifndef COP_TEST_RAW_H
#define COP_TEST_RAW_H

#include <sys/syscall.h>

#include "prog.h"

/*
 * Returns -errno, as the kernel does. Always inline, so that a vfork() child has
 * no frame to return from.
 */
static inline __attribute__((always_inline)) long
raw6(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
	(void)nr, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	errno = ENOSYS;
	skip("no raw system call on this machine");
	return -ENOSYS;
#endif
}

static inline __attribute__((always_inline)) long raw(long nr, long a, long b,
						      long c, long d)
{
	return raw6(nr, a, b, c, d, 0, 0);
}

static inline void raw_close(int fd)
{
	if (raw(SYS_close, fd, 0, 0, 0))
		die("raw close");
}

/* A result as libc would have it, for T(). */
static inline long with_errno(long ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

#endif /* COP_TEST_RAW_H */
