// SPDX-License-Identifier: MIT
/*
 * lib/addr.c - a socket's address: of which family, how long, and which kind.
 *
 * Owns: nothing. Protected by: nothing to protect. The command cop has this file,
 * too, so it needs no other file of the library.
 * Counterpart in the kernel: include/net/ipv6.h.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "lib/addr.h"

union cop_addr cop_addr_any(int family)
{
	return (union cop_addr){ .family = family };
}

union cop_addr cop_addr_v4(__be32 addr, __be16 port)
{
	return (union cop_addr){ .in = { .sin_family = AF_INET,
					 .sin_port = port,
					 .sin_addr.s_addr = addr } };
}

socklen_t cop_addr_len(const union cop_addr *addr)
{
	switch (addr->family) {
	case AF_INET:
		return sizeof(addr->in);
	case AF_INET6:
		return sizeof(addr->in6);
	default:
		return 0;
	}
}

socklen_t cop_addr_min_len(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in)
				 : SIN6_LEN_RFC2133;
}

bool cop_addr_is_any(const union cop_addr *addr)
{
	switch (addr->family) {
	case AF_INET:
		return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
	case AF_INET6:
		return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
	default:
		return false;
	}
}

bool cop_addr_is_both(const union cop_addr *addr)
{
	return addr->family == AF_INET6 && cop_addr_is_any(addr);
}

__be16 cop_addr_port(const union cop_addr *addr)
{
	switch (addr->family) {
	case AF_INET:
		return addr->in.sin_port;
	case AF_INET6:
		return addr->in6.sin6_port;
	default:
		return 0;
	}
}

void cop_addr_set_port(union cop_addr *addr, __be16 port)
{
	if (addr->family == AF_INET)
		addr->in.sin_port = port;
	else if (addr->family == AF_INET6)
		addr->in6.sin6_port = port;
}

bool cop_addr_needs_scope(const struct in6_addr *addr)
{
	return IN6_IS_ADDR_LINKLOCAL(addr) || IN6_IS_ADDR_MC_LINKLOCAL(addr) ||
	       IN6_IS_ADDR_MC_NODELOCAL(addr);
}

bool cop_addr_has_scope(const union cop_addr *addr)
{
	return addr->family == AF_INET6 && addr->in6.sin6_scope_id &&
	       cop_addr_needs_scope(&addr->in6.sin6_addr);
}

void cop_addr_drop_scope(union cop_addr *addr)
{
	if (addr->family == AF_INET6)
		addr->in6.sin6_scope_id = 0;
}

static bool equal_in6(const struct sockaddr_in6 *a,
		      const struct sockaddr_in6 *b)
{
	return a->sin6_port == b->sin6_port &&
	       a->sin6_scope_id == b->sin6_scope_id &&
	       IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &b->sin6_addr);
}

bool cop_addr_equal(const union cop_addr *a, const union cop_addr *b)
{
	if (a->family != b->family)
		return false;
	switch (a->family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return equal_in6(&a->in6, &b->in6);
	default:
		return true;
	}
}

static void print_in6(char *text, size_t size, const struct sockaddr_in6 *in6)
{
	char name[INET6_ADDRSTRLEN], scope[sizeof("%4294967295")] = "";

	inet_ntop(AF_INET6, &in6->sin6_addr, name, sizeof(name));
	if (in6->sin6_scope_id)
		snprintf(scope, sizeof(scope), "%%%u", in6->sin6_scope_id);
	snprintf(text, size, "[%s%s]:%u", name, scope, ntohs(in6->sin6_port));
}

static void print_in(char *text, size_t size, const struct sockaddr_in *in)
{
	char name[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in->sin_addr, name, sizeof(name));
	snprintf(text, size, "%s:%u", name, ntohs(in->sin_port));
}

char *cop_addr_print(char *text, size_t size, const union cop_addr *addr)
{
	if (addr->family == AF_INET)
		print_in(text, size, &addr->in);
	else if (addr->family == AF_INET6)
		print_in6(text, size, &addr->in6);
	else
		snprintf(text, size, "*");
	return text;
}

union cop_addr cop_addr_loopback(int family, __be16 port)
{
	if (family == AF_INET)
		return cop_addr_v4(htonl(INADDR_LOOPBACK), port);
	return (union cop_addr){ .in6 = { .sin6_family = AF_INET6,
					  .sin6_port = port,
					  .sin6_addr =
						  IN6ADDR_LOOPBACK_INIT } };
}

bool cop_addr_is_exact(const union cop_addr *addr, int family)
{
	return family == AF_INET && !cop_addr_is_any(addr);
}
