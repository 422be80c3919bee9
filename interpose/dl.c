// SPDX-License-Identifier: MIT
/*
 * interpose/dl.c - dlopen and dlmopen: a plugin that is bound deep finds libc ahead
 * of this library, so it is bound as others are.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * none; elf/dl-open.c in libc.
 */
#include <dlfcn.h>

#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"

static int bound_plainly(int mode)
{
	return mode & ~RTLD_DEEPBIND;
}

/*
 * libc looks at who has called it, for the caller's namespace and RUNPATH: so it is
 * jumped to, as vfork() is.
 */
EXPORT JUMPS_TO_NEXT void *dlopen(const char *file, int mode)
{
	JUMP_TO_NEXT cop_libc.dlopen(file, bound_plainly(mode));
}

/* In a namespace of its own there is no such library to be found. */
EXPORT JUMPS_TO_NEXT void *dlmopen(Lmid_t ns, const char *file, int mode)
{
	JUMP_TO_NEXT cop_libc.dlmopen(
		ns, file, ns == LM_ID_BASE ? bound_plainly(mode) : mode);
}
