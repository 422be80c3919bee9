// SPDX-License-Identifier: MIT
/*
 * lib/sockname.c - addresses from a program, and addresses from the kernel.
 *
 * Owns: nothing. Protected by: nothing to protect.
 * Counterpart in the kernel: move_addr_to_kernel() in net/socket.c, inet_getname().
 */
#include <errno.h>
#include <string.h>

#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/sockname.h"
#include "lib/uaccess.h"

int cop_addr_fits(int fd, const struct sockaddr *uaddr, socklen_t len)
{
	if (len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	if (len && !user_readable(fd, uaddr, len))
		return -EFAULT;
	return 0;
}

int move_addr_to_kernel(int fd, const struct sockaddr *uaddr, socklen_t len,
			struct sockaddr_storage *kaddr)
{
	int err = cop_addr_fits(fd, uaddr, len);

	if (err)
		return err;
	memset(kaddr, 0, sizeof(*kaddr));
	if (len)
		memcpy(kaddr, uaddr, len);
	return 0;
}

int cop_addr_import(int fd, const struct sockaddr *uaddr, socklen_t len,
		    union cop_addr *addr)
{
	int err = cop_addr_fits(fd, uaddr, len);

	memset(addr, 0, sizeof(*addr));
	if (unlikely(err))
		return err;
	if (likely(len == sizeof(addr->in)))
		memcpy(&addr->in, uaddr, sizeof(addr->in));
	else if (len)
		memcpy(addr, uaddr, min_t(socklen_t, len, sizeof(*addr)));
	return 0;
}

typedef int name_call(int fd, struct sockaddr *addr, socklen_t *len);

static bool ask_name(name_call *call, int fd, union cop_addr *addr)
{
	socklen_t len = sizeof(*addr);
	int saved = errno;

	memset(addr, 0, sizeof(*addr));
	if (call(fd, &addr->sa, &len)) {
		memset(addr, 0, sizeof(*addr));
		errno = saved;
	}
	return addr->family != AF_UNSPEC;
}

bool cop_local_addr(int fd, union cop_addr *addr)
{
	return ask_name(cop_libc.getsockname, fd, addr);
}

bool cop_peer_addr(int fd, union cop_addr *addr)
{
	return ask_name(getpeername, fd, addr);
}
