/* SPDX-License-Identifier: MIT */
/*
 * pktinfo.h - the addresses in control messages: where a datagram was sent to, and
 * where one shall come from.
 */
#ifndef COP_LIB_PKTINFO_H
#define COP_LIB_PKTINFO_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/compiler.h"
#include "lib/endpoint.h"

/**
 * cop_pktinfo_ask - have the kernel say with each datagram where it was sent to
 * @fd: the kernel socket
 * @family: its family
 *
 * Sets IP_PKTINFO or IPV6_RECVPKTINFO. errno may change. Async-signal-safe.
 */
void cop_pktinfo_ask(int fd, int family);

/**
 * cop_pktinfo_is_asked - whether that option is set on a kernel socket
 * @fd: the kernel socket
 * @family: its family
 *
 * errno may change. Async-signal-safe.
 */
bool cop_pktinfo_is_asked(int fd, int family);

/**
 * cop_is_pktinfo - whether an option is the one that cop_pktinfo_ask() sets
 * @family: the socket's
 * @level: the option's level
 * @optname: its number
 */
bool cop_is_pktinfo(int family, int level, int optname);

/**
 * cop_pktinfo_dest - the address that a datagram was sent to
 * @cmsg: a control message of a receive
 * @family: the socket's
 * @dest: where the address is put, as the IP header has it; port 0
 *
 * Returns false for any other control message than what cop_pktinfo_ask() asks for.
 */
bool cop_pktinfo_dest(const struct cmsghdr *cmsg, int family,
		      union cop_addr *dest);

/**
 * cop_pktinfo_source - the address that a datagram shall come from
 * @cmsg: a control message of a send
 * @family: the socket's
 * @to_v4: whether the datagram goes to an IPv4 address
 * @source: where the address is put, with port 0; AF_UNSPEC: the route decides, even if
 *	the socket is bound to an address
 *
 * Returns false, with @source as it was, for a control message that says nothing about
 * it.
 */
bool cop_pktinfo_source(const struct cmsghdr *cmsg, int family, bool to_v4,
			union cop_addr *source);

static inline void cop_addr_put_v4(__be32 v4, union cop_addr *addr)
{
	addr->in = (struct sockaddr_in){
		.sin_family = likely(v4) ? AF_INET : AF_UNSPEC,
		.sin_addr.s_addr = v4,
	};
}

/**
 * cop_addr_on_wire - an end of a datagram as its IP header has it
 * @end: the end
 * @addr: where it is put: AF_INET for an IPv4 address, AF_UNSPEC for the wildcard of
 *	either family; the port is 0
 */
static inline void cop_addr_on_wire(const struct cop_endpoint *end,
				    union cop_addr *addr)
{
	const __be32 v4 = end->addr.s6_addr32[3];

	if (likely(cop_endpoint_is_v4(end)))
		cop_addr_put_v4(v4, addr);
	else
		addr->in6 = (struct sockaddr_in6){
			.sin6_family = IN6_IS_ADDR_UNSPECIFIED(&end->addr)
					       ? AF_UNSPEC
					       : AF_INET6,
			.sin6_addr = end->addr,
			.sin6_scope_id = end->scope,
		};
}

/**
 * cop_dest_of_any - where a datagram to the wildcard address goes
 * @to: the destination; the wildcard becomes the address of this host that the kernel
 *	takes it for, any other address stays
 * @from: the address that the socket sends from, or the wildcard
 */
void cop_dest_of_any(struct cop_endpoint *to, const struct cop_endpoint *from);

#endif /* COP_LIB_PKTINFO_H */
