// SPDX-License-Identifier: MIT
/*
 * lib/atomic.c - whether the process has one thread.
 *
 * Owns: a pointer to where glibc says so. Protected by: it is set once, while the
 * library starts. Counterpart in the kernel: none.
 */
#include "lib/atomic.h"

#if defined(__x86_64__) && !defined(COP_TSAN)
static const char unknown;

const char *cop_one_thread_at = &unknown;

static __attribute__((constructor)) void find_out(void)
{
	if (&__libc_single_threaded)
		cop_one_thread_at = &__libc_single_threaded;
}
#endif
