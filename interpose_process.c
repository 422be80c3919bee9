// SPDX-License-Identifier: MIT
/*
 * interpose_process.c - the calls that make a child which shares this process's
 * memory, but not its descriptors. Such a child changes no table: it only has
 * to be known that there can be one.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: cop_process.c.
 * Counterpart in the kernel: kernel/fork.c.
 */
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>

#include "cop/interpose.h"
#include "cop/libc.h"
#include "cop/process.h"

/*
 * vfork() returns twice, first in the child, which goes on to overwrite the
 * stack below its caller: no frame of ours may be there. So the next definition
 * is jumped to, not called.
 */
#ifdef __clang__
#define JUMP __attribute__((musttail)) return
#define JUMPS
#else
#define JUMP  return
#define JUMPS __attribute__((optimize("O2")))
#endif

EXPORT JUMPS pid_t vfork(void)
{
	cop_process_share();
	JUMP cop_libc.vfork();
}

EXPORT JUMPS pid_t __vfork(void)
{
	cop_process_share();
	JUMP cop_libc.vfork();
}

EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	void *ptid, *tls, *ctid;
	va_list ap;

	va_start(ap, arg);
	ptid = va_arg(ap, void *);
	tls = va_arg(ap, void *);
	ctid = va_arg(ap, void *);
	va_end(ap);
	if (flags & CLONE_VM && !(flags & CLONE_FILES))
		cop_process_share();
	return cop_libc.clone(fn, stack, flags, arg, ptid, tls, ctid);
}
