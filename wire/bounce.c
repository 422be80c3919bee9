// SPDX-License-Identifier: MIT
/*
 * wire/bounce.c - a buffer for one whole datagram, for messages of many iovecs.
 *
 * Owns: nothing; each call has a buffer of its own. Protected by: nothing to
 * protect. Counterpart in the kernel: none.
 */
#include <errno.h>
#include <sys/mman.h>

#include "wire/bounce.h"
#include "wire/hdr.h"

void *cop_bounce_map(void)
{
	void *buf = mmap(NULL, COP_DATAGRAM_MAX, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return buf == MAP_FAILED ? NULL : buf;
}

void cop_bounce_unmap(void *buf)
{
	munmap(buf, COP_DATAGRAM_MAX);
}

int cop_bounce_seal(void *buf)
{
	return mprotect(buf, COP_DATAGRAM_MAX, PROT_NONE) ? -EFAULT : 0;
}
