// SPDX-License-Identifier: MIT
/*
 * interpose/confine.c - the calls by which a process confines itself with
 * seccomp. Before it is confined, the library does the work that the filter may
 * forbid later.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * kernel/seccomp.c.
 */
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "socket/confine.h"
#include "interpose/interpose.h"
#include "lib/libc.h"

/*
 * libseccomp passes no program (NULL) to ask what the kernel can do: no filter.
 */
static bool confines(unsigned long mode, unsigned long filter)
{
	return mode == SECCOMP_MODE_STRICT ||
	       (mode == SECCOMP_MODE_FILTER && filter);
}

/*
 * The strict mode also takes the cycle counter away. Returns whether the process was not
 * confined before.
 */
static bool confine_begin(unsigned long mode)
{
	const bool becomes = cop_confine_begin();

	if (becomes && mode == SECCOMP_MODE_STRICT)
		cop_clock_spare_counter(true);
	return becomes;
}

static void confine_undo(unsigned long mode)
{
	if (mode == SECCOMP_MODE_STRICT)
		cop_clock_spare_counter(false);
	cop_confine_undo();
}

static noinline int prctl_confine(const unsigned long *a)
{
	bool becomes = confine_begin(a[0]);
	int ret = cop_libc.prctl(PR_SET_SECCOMP, a[0], a[1], a[2], a[3]);

	if (ret && becomes)
		confine_undo(a[0]);
	return ret;
}

EXPORT int prctl(int option, ...)
{
	unsigned long a[COP_PRCTL_ARGS];
	va_list ap;

	va_start(ap, option);
	cop_prctl_args(a, ap);
	va_end(ap);
	if (unlikely(option == PR_SET_SECCOMP && confines(a[0], a[1])))
		return prctl_confine(a);
	if (unlikely(option == PR_SET_TSC && a[0] == PR_TSC_SIGSEGV))
		cop_clock_spare_counter(true);
	return cop_libc.prctl(option, a[0], a[1], a[2], a[3]);
}

/*
 * SECCOMP_SET_MODE_STRICT is 0 and SECCOMP_SET_MODE_FILTER 1: the mode minus
 * one.
 */
long syscall_seccomp(const long *a)
{
	const unsigned long mode = a[0] + 1;
	bool becomes = confines(mode, a[2]) && confine_begin(mode);
	long ret = cop_libc.syscall(SYS_seccomp, a[0], a[1], a[2]);

	if (ret < 0 && becomes)
		confine_undo(mode);
	return ret;
}
