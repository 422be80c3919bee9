/* SPDX-License-Identifier: MIT */
/*
 * six.h - AF_INET6 sockets: with addresses of both families, and with scopes.
 */
#ifndef COP_TEST_SIX_H
#define COP_TEST_SIX_H

#include <net/if.h>

#include "netns.h"
#include "raw.h"

/* The loopback interface's link-local address, after lo_is_local_link(). */
#define LINK_LOCAL "fe80::77"

static inline int sock6(void)
{
	int fd = is_cop ? socket(PF_INET6, SOCK_COP, IPPROTO_COP)
			: socket(PF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* @port in network order. A link-local address is lo's. */
static inline struct sockaddr_in6 addr6(const char *ip, in_port_t port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_port = port };

	if (inet_pton(AF_INET6, ip, &addr.sin6_addr) != 1)
		die(ip);
	if (IN6_IS_ADDR_LINKLOCAL(&addr.sin6_addr))
		addr.sin6_scope_id = if_nametoindex("lo");
	return addr;
}

static inline in_port_t port_of6(int fd)
{
	struct sockaddr_in6 addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(fd, SA(&addr), &len))
		die("getsockname");
	return addr.sin6_port;
}

/* A socket that is bound to @ip and a port of the library's choice. */
static inline int sock6_at(const char *ip, bool v6only)
{
	struct sockaddr_in6 addr = addr6(ip, 0);
	int fd = sock6(), on = v6only;

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ||
	    bind(fd, SA(&addr), sizeof(addr)))
		die(ip);
	return fd;
}

static inline void connect6(int fd, const char *ip, in_port_t port)
{
	struct sockaddr_in6 addr = addr6(ip, port);

	if (connect(fd, SA(&addr), sizeof(addr)))
		die(ip);
}

static inline void show_addr6(const struct sockaddr_in6 *addr, socklen_t len)
{
	char ip[INET6_ADDRSTRLEN];

	printf("  address (%d)", (int)len);
	if (len >= sizeof(*addr) && addr->sin6_family == AF_INET6)
		printf(" [%s%%%u]:%c",
		       inet_ntop(AF_INET6, &addr->sin6_addr, ip, sizeof(ip)),
		       addr->sin6_scope_id, port_name(addr->sin6_port));
	printf("\n");
}

/*
 * A worker of the kernel makes an address ready some time after it was added. Until then a
 * datagram to it may be lost. By calls that no library sees.
 */
static inline void await_link_local(void)
{
	struct sockaddr_in6 addr = addr6(LINK_LOCAL, 0);
	socklen_t len = sizeof(addr);
	long fd = raw(SYS_socket, PF_INET6, SOCK_DGRAM, 0, 0), n = -1;
	char byte;

	raw(SYS_bind, fd, (long)&addr, len, 0);
	raw(SYS_getsockname, fd, (long)&addr, (long)&len, 0);
	for (int tries = 0; n != 1 && tries < 1000; tries++) {
		raw6(SYS_sendto, fd, (long)"", 1, MSG_DONTWAIT, (long)&addr,
		     len);
		n = raw6(SYS_recvfrom, fd, (long)&byte, 1, MSG_DONTWAIT, 0, 0);
		if (n != 1)
			usleep(5000);
	}
	raw_close(fd);
}

/* A network of its own, in which lo has a link-local address too. */
static inline void own_network6(void)
{
	const char *preload = getenv("LD_PRELOAD");
	char *kept = preload ? strdup(preload) : NULL;

	own_network();
	if (system("PATH=/usr/sbin:/sbin:$PATH; ip address add " LINK_LOCAL
		   "/64 dev lo nodad"))
		skip("no link-local address to be had");
	if (kept)
		setenv("LD_PRELOAD", kept, 1);
	free(kept);
	await_link_local();
}

#endif /* COP_TEST_SIX_H */
