// SPDX-License-Identifier: MIT
/*
 * lib/kernel_socket.c - what the kernel says of the socket behind a descriptor.
 *
 * Owns: nothing. Protected by: nothing; the caller keeps the descriptor open.
 * Counterpart in the kernel: inet_getname() and sk_getsockopt().
 */
#include <string.h>
#include <sys/socket.h>

#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"

void ip_local_name(int fd, struct sockaddr_in *local)
{
	socklen_t len = sizeof(*local);

	memset(local, 0, sizeof(*local));
	if (cop_libc.getsockname(fd, (struct sockaddr *)local, &len))
		memset(local, 0, sizeof(*local));
}

uint64_t sock_kernel_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (cop_confined() ||
	    cop_libc.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		return 0;
	return cookie;
}
