// SPDX-License-Identifier: MIT
/*
 * port/helper.c - a second kernel socket, which holds a port at the wildcard address
 * while a socket of the program binds to the port at one address.
 *
 * The kernel gives a port to two sockets at two addresses; COP does not. While the
 * helper holds the port at the wildcard address, no other socket can bind to it at
 * any address. With SO_REUSEADDR on both of them, the program's socket can. The
 * helper is a scratch socket (lib/scratch.c) that lives for one call.
 *
 * Owns: nothing. Protected by: the caller's reference. Counterpart in the kernel:
 * none; there one lookup covers all addresses.
 */
#include <sys/socket.h>

#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "port/helper.h"

bool cop_helps(struct sock *sk, int fd, int helper)
{
	if (likely(!READ_ONCE(cop_netns_left) &&
		   !sock_flag(sk, SOCK_ELSEWHERE)))
		return true;
	return cop_netns_same(fd, helper);
}

static void set_reuse(int fd, int value)
{
	cop_libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value,
			    sizeof(value));
}

void cop_helper_share(int helper, int fd)
{
	set_reuse(helper, 1);
	set_reuse(fd, 1);
}

void cop_helper_unshare(int fd)
{
	set_reuse(fd, 0);
}
