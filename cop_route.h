/* SPDX-License-Identifier: MIT */
/*
 * cop_route.h - what the kernel's routing tables say of an address.
 */
#ifndef COP_ROUTE_H
#define COP_ROUTE_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/addr.h"
#include "lib/endpoint.h"

/**
 * inet_addr_type - what kind of address this is, here and now
 * @addr: IPv4 address, network order
 *
 * Returns RTN_LOCAL, RTN_BROADCAST (a subnet's too, and 0.0.0.0/8 as in the
 * kernel), RTN_MULTICAST, or RTN_UNICAST: for any other address, and if the kernel
 * can't be asked. Makes a few system calls unless the bits of the address say what
 * it is. Async-signal-safe. Counterpart: inet_addr_type() in fib_frontend.c.
 */
unsigned int inet_addr_type(__be32 addr);

/**
 * inet_addr_is_source - whether a socket bound to @addr sends from this address
 * @addr: the address
 * @netns: the socket's namespace, from cop_netns_key(); 0: the only one there is
 *
 * Returns false for an address that can't be a source (multicast, broadcast): this
 * decides what inet_bind() stores in inet_saddr. With @netns 0 the answer may be a
 * second old. If the calling thread is in another namespace than @netns, only the
 * bits of the address decide.
 */
bool inet_addr_is_source(const union cop_addr *addr, uint64_t netns);

/**
 * inet_route_source - the source address that the kernel chooses for a destination
 * @dest: the destination; its scope is the interface to go by, 0: any
 * @netns: as for inet_addr_is_source()
 * @source: where the address is put; its port is 0
 *
 * Returns false if there is no route, or the kernel can't be asked. The answer may be
 * a second old, and of any age in a process that has confined itself. Costs a few loads
 * for a destination that was asked for a moment ago, else a few system calls.
 * Async-signal-safe. Counterpart: ip_route_output_key() and ip6_route_get_saddr().
 */
bool inet_route_source(const struct cop_endpoint *dest, uint64_t netns,
		       struct cop_endpoint *source);

/**
 * ip_route_connect - connect the kernel socket and learn what it chose
 * @fd: the kernel socket
 * @uaddr: the destination, any family and length
 * @addr_len: its length in bytes
 * @local: where the local address and port are put, after a failure too
 *
 * Returns 0 or connect()'s error: -ENETUNREACH without a route, -EACCES for a
 * broadcast address without SO_BROADCAST. Counterpart: ip_route_connect(),
 * whose work the kernel does in the same call.
 */
int ip_route_connect(int fd, const struct sockaddr *uaddr, socklen_t addr_len,
		     union cop_addr *local);

#endif /* COP_ROUTE_H */
