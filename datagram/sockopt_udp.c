// SPDX-License-Identifier: MIT
/*
 * datagram/sockopt_udp.c - socket options of the level IPPROTO_UDP. Those that would join
 * or take away datagrams without regard to headers are refused.
 *
 * Owns: SOCK_CORK_OPT. Protected by: an atomic flag. Counterpart in the kernel:
 * udp_lib_setsockopt() and udp_lib_getsockopt() in net/ipv4/udp.c.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "datagram/cut.h"
#include "datagram/gro_option.h"
#include "datagram/sockopt_udp.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/uaccess.h"
#include "socket/sock.h"

/* A payload that is encoded can't be gathered in the kernel. */
static bool can_not_cork(struct sock *sk, int fd, const void *optval,
			 socklen_t optlen)
{
	int value;

	if (likely(!sk_wire(sk)->encode) || optlen < sizeof(value) ||
	    !user_readable(fd, optval, sizeof(value)))
		return false;
	memcpy(&value, optval, sizeof(value));
	return value;
}

/* When UDP_CORK is turned off, the kernel sends the corked datagram. */
static int set_cork(struct sock *sk, int fd, const void *optval,
		    socklen_t optlen)
{
	int err, value;

	if (can_not_cork(sk, fd, optval, optlen))
		return -EOPNOTSUPP;
	err = cop_libc_result(
		cop_libc.setsockopt(fd, IPPROTO_UDP, UDP_CORK, optval, optlen));
	if (err)
		return err;
	memcpy(&value, optval, sizeof(value));
	if (value)
		sock_set_flag(sk, SOCK_CORK_OPT);
	else
		sock_reset_flag(sk, SOCK_CORK_OPT | SOCK_CORKED);
	return 0;
}

int cop_set_udp(struct sock *sk, int fd, int optname, const void *optval,
		socklen_t optlen)
{
	switch (optname) {
	case UDP_CORK:
		return set_cork(sk, fd, optval, optlen);
	case UDP_SEGMENT:
		return cop_cut_set(sk, fd, optval, optlen);
	case UDP_GRO:
		return cop_gro_set(sk, fd, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

static bool knows(struct sock *sk, int optname)
{
	return optname == UDP_CORK || optname == UDP_GRO ||
	       (optname == UDP_SEGMENT && sk_wire(sk)->segments);
}

/* The kernel checks the arguments. Whether it has UDP_GRO is another matter. */
int cop_get_udp(struct sock *sk, int fd, int level, int optname, void *optval,
		socklen_t *optlen)
{
	const int gro = sock_flag(sk, SOCK_GRO_OPT);
	int err;

	if (!knows(sk, optname))
		return -ENOPROTOOPT;
	err = cop_libc_result(
		cop_libc.getsockopt(fd, level, optname, optval, optlen));
	if (!err && optname == UDP_GRO)
		memcpy(optval, &gro, min_t(socklen_t, *optlen, sizeof(gro)));
	return err;
}
