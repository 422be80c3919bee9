/* SPDX-License-Identifier: MIT */
/*
 * kernel_bind.h - bind() of a kernel socket. Has no .c: it is one call.
 */
#ifndef COP_KERNEL_BIND_H
#define COP_KERNEL_BIND_H

#include <netinet/in.h>

#include "lib/libc.h"

/* Returns 0 or the kernel's error. */
static inline int kernel_bind(int fd, const struct sockaddr_in *addr)
{
	return cop_libc_result(cop_libc.bind(fd, (const struct sockaddr *)addr,
					     sizeof(*addr)));
}

#endif /* COP_KERNEL_BIND_H */
