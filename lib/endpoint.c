// SPDX-License-Identifier: MIT
/*
 * lib/endpoint.c - one end of a flow, whatever the family of the socket that has it.
 *
 * Owns: the factors of the hash. Protected by: each is drawn once, by an atomic
 * operation.
 * Counterpart in the kernel: udp_sendmsg() and udpv6_sendmsg(), which find out
 * where a datagram goes; ipv6_hash_secret.
 */
#include "lib/compiler.h"
#include "lib/endpoint.h"
#include "lib/random.h"

union cop_addr cop_addr_map(const union cop_addr *addr, int family)
{
	struct cop_endpoint end;

	if (addr->family == family ||
	    !cop_endpoint_of(addr, cop_addr_len(addr), &end))
		return *addr;
	if (cop_addr_is_any(addr))
		memset(&end.addr, 0, sizeof(end.addr));
	else if (!cop_endpoint_is_v4(&end))
		return *addr;
	return cop_endpoint_addr(&end, family);
}

bool cop_endpoint_of_in6(const void *name, socklen_t len,
			 struct cop_endpoint *end)
{
	struct sockaddr_in6 in6 = { 0 };

	if (len < SIN6_LEN_RFC2133)
		return false;
	memcpy(&in6, name, min_t(size_t, len, sizeof(in6)));
	if (in6.sin6_family != AF_INET6)
		return false;
	*end = (struct cop_endpoint){ .addr = in6.sin6_addr,
				      .port = in6.sin6_port };
	if (cop_addr_needs_scope(&end->addr))
		end->scope = in6.sin6_scope_id;
	return true;
}

static enum cop_dest dest_v4(const void *name, socklen_t len,
			     struct cop_endpoint *end)
{
	const struct sockaddr_in *in = name;

	if (len < sizeof(*in) ||
	    (in->sin_family != AF_INET && in->sin_family != AF_UNSPEC))
		return COP_DEST_NONE;
	cop_endpoint_v4(in->sin_addr.s_addr, in->sin_port, end);
	return COP_DEST_NAME;
}

enum cop_dest cop_addr_dest(int family, const void *name, socklen_t len,
			    struct cop_endpoint *end)
{
	const struct sockaddr *sa = name;

	if (likely(family == AF_INET))
		return dest_v4(name, len, end);
	if (len < sizeof(sa->sa_family))
		return COP_DEST_NONE;
	if (sa->sa_family == AF_UNSPEC)
		return COP_DEST_PEER;
	return cop_endpoint_of(name, len, end) ? COP_DEST_NAME : COP_DEST_NONE;
}

#define HASH_PRIME ((1ull << 61) - 1)
#define HASH_WORDS 6

/* A factor below the prime, drawn when it is first needed. */
static uint64_t hash_factor(int i)
{
	static _Atomic(uint64_t) factor[HASH_WORDS];
	uint64_t is = READ_ONCE(factor[i]), draw;

	if (likely(is))
		return is;
	draw = ((uint64_t)cop_random() << 32 | cop_random()) % HASH_PRIME | 1;
	return u64_cas(&factor[i], &is, draw) ? draw : is;
}

/*
 * The sum of word times factor, modulo a prime, is a universal hash: whatever two
 * different endpoints somebody chooses, few factors make their sums equal.
 */
noinline uint64_t cop_endpoint_hash(const struct cop_endpoint *end)
{
	uint32_t word[HASH_WORDS];
	unsigned __int128 sum = 0;
	uint64_t hash;

	_Static_assert(sizeof(word) == sizeof(*end), "all of it");
	memcpy(word, end, sizeof(word));
	for (int i = 0; i < HASH_WORDS; i++)
		sum += (unsigned __int128)hash_factor(i) * word[i];
	hash = (uint64_t)(sum & HASH_PRIME) + (uint64_t)(sum >> 61);
	return (hash % HASH_PRIME) | 1ull << 63;
}

/* ---- endpoints in a sock --------------------------------------------------- */

static void slot_put(struct cop_addr_slot *slot, const struct cop_endpoint *end)
{
	uint64_t half[2];

	memcpy(half, &end->addr, sizeof(half));
	WRITE_ONCE(slot->half[0], half[0]);
	WRITE_ONCE(slot->half[1], half[1]);
	WRITE_ONCE(slot->scope, end->scope);
	WRITE_ONCE(slot->port, end->port);
}

void cop_slot_clear(struct cop_addr_slot *slot)
{
	slot_put(slot, &(struct cop_endpoint){ 0 });
}

void cop_slot_set(struct cop_addr_slot *slot, const union cop_addr *addr)
{
	struct cop_endpoint end = { 0 };

	if (cop_endpoint_of(addr, cop_addr_len(addr), &end) &&
	    cop_addr_is_any(addr))
		memset(&end.addr, 0, sizeof(end.addr));
	slot_put(slot, &end);
}

union cop_addr cop_slot_get(const struct cop_addr_slot *slot, int family)
{
	const struct cop_endpoint end = cop_slot_endpoint(slot);

	return cop_endpoint_addr(&end, family);
}
