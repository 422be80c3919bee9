/* SPDX-License-Identifier: MIT */
/*
 * kernel_bind.h - bind() of a kernel socket. Has no .c: each function is one call.
 */
#ifndef COP_KERNEL_BIND_H
#define COP_KERNEL_BIND_H

#include "lib/addr.h"
#include "lib/cancel.h"
#include "lib/libc.h"

/* Returns 0 or the kernel's error. */
static inline int kernel_bind(int fd, const union cop_addr *addr)
{
	return cop_libc_result(
		cop_libc.bind(fd, &addr->sa, cop_addr_len(addr)));
}

/* Gives a port back that the kernel has chosen. Returns 0 or the kernel's error. */
static inline int kernel_unbind(int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	int cancel = cancel_off();
	int err = cop_libc_result(cop_libc.connect(fd, &none, sizeof(none)));

	cancel_on(cancel);
	return err;
}

#endif /* COP_KERNEL_BIND_H */
