// SPDX-License-Identifier: MIT
/*
 * port/helper.c - a second kernel socket, which holds a port at the wildcard address
 * while a socket of the program binds to the port at one address.
 *
 * The kernel gives a port to two sockets at two addresses; COP does not. While the
 * helper holds the port at the wildcard address, no other socket can bind to it at
 * any address. The helper is a dual-stack socket of IPv6, so this holds for both
 * families. The program's socket can join it, because both have SO_REUSEADDR. The
 * helper is a scratch socket (lib/scratch_socket.c) that lives for one call.
 *
 * Owns: nothing. Protected by: the caller's reference. Counterpart in the kernel:
 * none; there one lookup covers all addresses.
 */
#include <sys/socket.h>

#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "port/helper.h"
#include "port/kernel_bind.h"

bool cop_helps(struct sock *sk, int fd, const struct cop_scratch *helper)
{
	if (likely(!READ_ONCE(cop_netns_left) &&
		   !sock_flag(sk, SOCK_ELSEWHERE)))
		return true;
	return cop_netns_same(fd, helper->fd);
}

/* A bind to one address of IPv6 sets IPV6_V6ONLY, which a disconnect leaves. */
static bool may_be_v6only(struct sock *sk)
{
	return sock_flag(sk, SOCK_MAYBE_V6ONLY) ||
	       READ_ONCE(sk->sk_userlocks) & SOCK_BINDADDR_LOCK;
}

bool cop_bind_sees_all(struct sock *sk, int fd, const union cop_addr *addr)
{
	return cop_addr_is_any(addr) && !sock_flag(sk, SOCK_ON_DEVICE) &&
	       (likely(!may_be_v6only(sk)) ||
		!sock_is_v6only(fd, sk->sk_family));
}

int cop_helper_bind(const struct cop_scratch *helper, __be16 port)
{
	union cop_addr any = cop_addr_any(helper->family);

	cop_addr_set_port(&any, port);
	return kernel_bind(helper->fd, &any);
}

static void set_reuse(int fd, int value)
{
	cop_libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value,
			    sizeof(value));
}

void cop_helper_share(const struct cop_scratch *helper, int fd)
{
	set_reuse(helper->fd, 1);
	set_reuse(fd, 1);
}

void cop_helper_unshare(int fd)
{
	set_reuse(fd, 0);
}
