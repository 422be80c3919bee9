// SPDX-License-Identifier: MIT
/*
 * lib/scratch_socket.c - a UDP socket of the kernel for a part of a call.
 *
 * Owns: nothing. Protected by: the part, see lib/scratch.c. Counterpart in the
 * kernel: sock_create_kern().
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/scratch.h"
#include "lib/scratch_socket.h"
#include "lib/sysctl.h"

static int open_socket(struct cop_scratch *scratch, int family)
{
	scratch->family = family;
	scratch->fd = cop_libc.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return scratch->fd;
}

static bool open_dual(struct cop_scratch *scratch)
{
	const int off = 0;

	if (open_socket(scratch, AF_INET6) < 0)
		return false;
	cop_sysctl_refresh();
	if (unlikely(cop_sysctl_may_be_v6only()))
		cop_libc.setsockopt(scratch->fd, IPPROTO_IPV6, IPV6_V6ONLY,
				    &off, sizeof(off));
	return true;
}

int cop_scratch_socket(struct cop_scratch *scratch, int family)
{
	cop_scratch_begin(scratch);
	if (open_socket(scratch, family) < 0)
		cop_scratch_end(scratch);
	return scratch->fd;
}

int cop_scratch_dual(struct cop_scratch *scratch)
{
	cop_scratch_begin(scratch);
	if (!open_dual(scratch) && open_socket(scratch, AF_INET) < 0)
		cop_scratch_end(scratch);
	return scratch->fd;
}

void cop_scratch_close(struct cop_scratch *scratch)
{
	cop_libc.close(scratch->fd);
	cop_scratch_end(scratch);
}
