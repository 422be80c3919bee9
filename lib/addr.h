/* SPDX-License-Identifier: MIT */
/*
 * addr.h - a socket's address: of which family, how long, and which kind.
 */
#ifndef COP_ADDR_H
#define COP_ADDR_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/compiler.h"
#include "lib/transport.h"

/* The longest text of cop_addr_print(), with its closing 0. */
#define COP_ADDR_TEXT (INET6_ADDRSTRLEN + sizeof("[%4294967295]:65535"))

/* The shortest struct sockaddr_in6 that the kernel takes: without the scope. */
#define SIN6_LEN_RFC2133 24

/**
 * cop_addr_any - the wildcard address of a family, with port 0
 * @family: AF_INET or AF_INET6
 */
union cop_addr cop_addr_any(int family);

/**
 * cop_addr_v4 - an IPv4 address and a port
 * @addr: the address, network order
 * @port: the port, network order
 */
union cop_addr cop_addr_v4(__be32 addr, __be16 port);

/**
 * cop_addr_len - length of an address of this family, in bytes; 0 for none
 * @addr: the address
 */
socklen_t cop_addr_len(const union cop_addr *addr);

/**
 * cop_addr_is_any - whether an address is the wildcard of its family
 * @addr: an address; its port does not count
 */
bool cop_addr_is_any(const union cop_addr *addr);

/**
 * cop_addr_is_both - whether an address is the wildcard of both families
 * @addr: an address; its port does not count
 *
 * That is :: on a socket without IPV6_V6ONLY.
 */
bool cop_addr_is_both(const union cop_addr *addr);

/**
 * cop_addr_port, cop_addr_set_port - the port of an address, network order
 * @addr: the address; one of another family has port 0, and keeps it
 * @port: the port, network order
 */
__be16 cop_addr_port(const union cop_addr *addr);
void cop_addr_set_port(union cop_addr *addr, __be16 port);

/**
 * cop_addr_equal - whether two addresses are the same, with port and scope
 * @a: the one
 * @b: the other
 */
bool cop_addr_equal(const union cop_addr *a, const union cop_addr *b);

/**
 * cop_addr_print - write an address as ss(8) does: 127.0.0.1:80, [fe80::1%2]:80
 * @text: where the text is put
 * @size: bytes there; COP_ADDR_TEXT is enough
 * @addr: the address
 *
 * Returns @text. Not async-signal-safe.
 */
char *cop_addr_print(char *text, size_t size, const union cop_addr *addr);

/**
 * cop_addr_loopback - the loopback address of a family
 * @family: AF_INET or AF_INET6
 * @port: its port, network order
 */
union cop_addr cop_addr_loopback(int family, __be16 port);

/**
 * cop_addr_is_exact - whether a connect to an address leads to just this address
 * @addr: the program's address
 * @family: the socket's
 *
 * If not, the kernel may show another peer than the program has asked for: another
 * address, or the same in another family or scope.
 */
bool cop_addr_is_exact(const union cop_addr *addr, int family);

/**
 * cop_addr_min_len - the shortest name that the kernel takes for an address
 * @family: AF_INET or AF_INET6
 *
 * Returns bytes.
 */
socklen_t cop_addr_min_len(int family);

/**
 * cop_addr_has_scope - whether an address names the interface that it is on
 * @addr: the address
 *
 * Only a link-local address can. A bind to it, or a connect, puts the socket on that
 * interface, as SO_BINDTODEVICE does. Counterpart: __ipv6_addr_needs_scope_id().
 */
bool cop_addr_has_scope(const union cop_addr *addr);

/**
 * cop_addr_drop_scope - the same address without its interface
 * @addr: the address
 */
void cop_addr_drop_scope(union cop_addr *addr);

/**
 * cop_addr_needs_scope - whether an address means nothing without an interface
 * @addr: an IPv6 address
 *
 * Counterpart: __ipv6_addr_needs_scope_id().
 */
bool cop_addr_needs_scope(const struct in6_addr *addr);

/* How long the kernel's answer is that has an address of this family, in bytes. */
static inline socklen_t cop_addr_size(int family)
{
	return likely(family == AF_INET) ? sizeof(struct sockaddr_in)
					 : sizeof(struct sockaddr_in6);
}

/*
 * Whether a length, of a name or of the room for one, is enough for an address of IPv4, and
 * no more than the kernel has for any address.
 */
static inline bool cop_name_fits(socklen_t len)
{
	const socklen_t least = sizeof(struct sockaddr_in);

	return len - least <= sizeof(struct sockaddr_storage) - least;
}

#endif /* COP_ADDR_H */
