/* SPDX-License-Identifier: MIT */
/*
 * addresses.h - addresses of both families from text. Has no .c: two short functions.
 */
#ifndef COP_TEST_ADDRESSES_H
#define COP_TEST_ADDRESSES_H

#include "lib/addr.h"
#include "unit/helpers.h"

static inline union cop_addr v4(const char *ip, uint16_t port)
{
	union cop_addr addr = cop_addr_v4(0, htons(port));

	cr_assert(eq(int, inet_pton(AF_INET, ip, &addr.in.sin_addr), 1));
	return addr;
}

static inline union cop_addr v6(const char *ip, uint16_t port, uint32_t scope)
{
	union cop_addr addr = cop_addr_any(AF_INET6);

	cr_assert(eq(int, inet_pton(AF_INET6, ip, &addr.in6.sin6_addr), 1));
	addr.in6.sin6_port = htons(port);
	addr.in6.sin6_scope_id = scope;
	return addr;
}

#endif /* COP_TEST_ADDRESSES_H */
