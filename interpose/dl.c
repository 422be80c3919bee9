// SPDX-License-Identifier: MIT
/*
 * interpose/dl.c - dlopen and dlmopen. A plugin that is opened with
 * RTLD_DEEPBIND would find libc's symbols before this library's, so that flag
 * is dropped.
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
 * libc looks at its caller's address, to find the caller's namespace and
 * RUNPATH. So the wrapper jumps to it, as for vfork().
 */
EXPORT JUMPS_TO_NEXT void *dlopen(const char *file, int mode)
{
	JUMP_TO_NEXT cop_libc.dlopen(file, bound_plainly(mode));
}

/*
 * In another namespace this library is not there to be found: the flag stays.
 */
EXPORT JUMPS_TO_NEXT void *dlmopen(Lmid_t ns, const char *file, int mode)
{
	JUMP_TO_NEXT cop_libc.dlmopen(
		ns, file, ns == LM_ID_BASE ? bound_plainly(mode) : mode);
}
