// SPDX-License-Identifier: MIT
/*
 * lib/dlerror.c - keeps the message of the program's last dlopen() over those of the
 * library.
 *
 * Each call of libc's dlopen(), dlsym() and dlclose() drops the message that was there
 * before, whether it fails or not, and dlerror() alone can't put one back. libc has the
 * message in a variable of each thread, __libc_dlerror_result, which points to memory
 * of malloc(), or is NULL without a message. So the library sets it to NULL, and later
 * to what it was.
 *
 * Owns: where the variable lies, from errno on: both are in libc's thread-local
 * memory, so this distance is the same in each thread. Protected by: it is written
 * once, when the library starts. Counterpart in the kernel: none.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "lib/dlerror.h"

static ptrdiff_t distance; /* (c) bytes behind errno; 0: there is none */

void cop_dlerror_init(void)
{
	int saved = errno;
	char *at = dlvsym(RTLD_NEXT, "__libc_dlerror_result", "GLIBC_PRIVATE");

	errno = saved;
	distance = at ? at - (char *)&errno : 0;
}

void cop_dlerror_hide(struct cop_dlerror *keep)
{
	keep->at = distance ? (void *)((char *)&errno + distance) : NULL;
	if (!keep->at)
		return;
	keep->result = *keep->at;
	*keep->at = NULL;
}

/*
 * A second dlerror() frees what the first one has returned. libc may keep its memory
 * without a message, which a later call would use again.
 */
void cop_dlerror_show(const struct cop_dlerror *keep)
{
	dlerror();
	dlerror();
	if (!keep->at || !keep->result)
		return;
	free(*keep->at);
	*keep->at = keep->result;
}
