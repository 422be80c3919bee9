// SPDX-License-Identifier: MIT
/*
 * lib/kernel_socket.c - what the kernel says of the socket behind a descriptor.
 *
 * Owns: nothing. Protected by: nothing; the caller keeps the descriptor open.
 * Counterpart in the kernel: inet_getname() and sk_getsockopt().
 */
#include <sys/socket.h>

#include "lib/addr.h"
#include "lib/cancel.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"

uint64_t sock_kernel_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (cop_confined() ||
	    cop_libc.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		return 0;
	return cookie;
}

static bool option_is(int fd, int optname, int value)
{
	socklen_t len = sizeof(int);
	int is;

	return !cop_libc.getsockopt(fd, SOL_SOCKET, optname, &is, &len) &&
	       is == value;
}

bool sock_is_udp(int fd, int family)
{
	return option_is(fd, SO_DOMAIN, family) &&
	       option_is(fd, SO_TYPE, SOCK_DGRAM) &&
	       option_is(fd, SO_PROTOCOL, IPPROTO_UDP);
}

bool sock_is_v6only(int fd, int family)
{
	socklen_t len = sizeof(int);
	int only = 0;

	return family == AF_INET6 &&
	       !cop_libc.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only,
				    &len) &&
	       only;
}

/*
 * Not to the wildcard address: of a socket that is connected to an IPv4 address, the
 * kernel takes :: for 127.0.0.1, and then refuses to go on with a datagram of IPv6.
 */
bool sock_probe(int fd, int family)
{
	const int flags = MSG_MORE | MSG_PROBE | MSG_DONTWAIT | MSG_NOSIGNAL;
	const union cop_addr to = cop_addr_loopback(family, 0);
	int cancel = cancel_off();
	ssize_t ret =
		cop_libc.sendto(fd, NULL, 0, flags, &to.sa, cop_addr_len(&to));

	cancel_on(cancel);
	return !ret;
}

bool sock_tells_path_mtu(int fd, int family)
{
	socklen_t len = sizeof(int);
	int on = 0;

	return family == AF_INET6 && !cop_confined() &&
	       !cop_libc.getsockopt(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU, &on,
				    &len) &&
	       on;
}
