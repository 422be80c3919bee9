// SPDX-License-Identifier: MIT
/*
 * lib/endpoint.c - one end of a flow, whatever the family of the socket that has it.
 *
 * Owns: the factors of the hash. Protected by: each is drawn once, by an atomic
 * operation.
 * Counterpart in the kernel: udp_sendmsg() and udpv6_sendmsg(), which find out
 * where a datagram goes; ipv6_hash_secret.
 */
#include "lib/arch.h"
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

/* An address that needs a scope begins with fe or ff. */
static uint32_t scope_of(const struct sockaddr_in6 *in6)
{
	if (likely(in6->sin6_addr.s6_addr[0] < 0xfe))
		return 0;
	return cop_addr_needs_scope(&in6->sin6_addr) ? in6->sin6_scope_id : 0;
}

static void of_in6(const struct sockaddr_in6 *in6, struct cop_endpoint *end)
{
	end->addr = in6->sin6_addr;
	end->scope = scope_of(in6);
	end->port = in6->sin6_port;
	end->zero = 0;
}

/* The name ends before its scope. */
static noinline bool of_short_in6(const void *name, socklen_t len,
				  struct cop_endpoint *end)
{
	struct sockaddr_in6 in6 = { 0 };

	if (len < SIN6_LEN_RFC2133)
		return false;
	memcpy(&in6, name, SIN6_LEN_RFC2133);
	if (in6.sin6_family != AF_INET6)
		return false;
	of_in6(&in6, end);
	return true;
}

bool cop_endpoint_of_in6(const void *name, socklen_t len,
			 struct cop_endpoint *end)
{
	struct sockaddr_in6 in6;

	if (unlikely(len < sizeof(in6)))
		return of_short_in6(name, len, end);
	memcpy(&in6, name, sizeof(in6));
	if (in6.sin6_family != AF_INET6)
		return false;
	of_in6(&in6, end);
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

#define HASH_WORDS (sizeof(struct cop_endpoint) / sizeof(uint64_t))

/* Drawn when the first hash is made. The low halves come first. */
static _Atomic(uint64_t) factor[2 * HASH_WORDS];
static _Atomic(bool) has_factors; /* (a) set once all of them are drawn */

noinline void cop_endpoint_prepare(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(factor); i++) {
		uint64_t none = 0, draw = cop_random();

		draw = draw << 32 | cop_random();
		u64_cas(&factor[i], &none, draw | !draw);
	}
	atomic_store_explicit(&has_factors, true, memory_order_release);
}

/* Adds a word times a factor of 128 bits, modulo 2^128. */
static cop_u128 add_times_factor(cop_u128 sum, uint64_t word, size_t i)
{
	const uint64_t low = READ_ONCE(factor[i]);
	const uint64_t high = READ_ONCE(factor[i + HASH_WORDS]);

	return u128_add(sum, u128_product(word, low), word * high);
}

/*
 * The upper half of the sum of word times factor: for words of 64 bits and factors of
 * 128 bits that is a universal hash (Lemire and Kaser, "Strongly universal string
 * hashing is fast"). Whatever two different endpoints somebody chooses, few factors
 * make their hashes equal.
 */
noinline uint64_t cop_endpoint_hash(const struct cop_endpoint *end)
{
	uint64_t word[HASH_WORDS];
	cop_u128 sum = { 0 };
	uint64_t hash;

	_Static_assert(sizeof(word) == sizeof(*end), "all of it");
	if (unlikely(!atomic_load_explicit(&has_factors, memory_order_acquire)))
		cop_endpoint_prepare();
	memcpy(word, end, sizeof(word));
#pragma GCC unroll 3
	for (size_t i = 0; i < HASH_WORDS; i++)
		sum = add_times_factor(sum, word[i], i);
	hash = u128_high(sum) | 1ull << 63;
	return hash - !~hash;
}

/* ---- peers ------------------------------------------------------------------ */

noinline struct cop_peer cop_peer_of_any(const void *name, socklen_t len)
{
	struct cop_endpoint end;

	if (!cop_endpoint_of(name, len, &end))
		return (struct cop_peer){ .word = COP_WORD_NONE };
	return cop_peer_at(&end);
}

enum cop_dest cop_peer_dest(int family, const void *name, socklen_t len,
			    struct cop_peer *peer)
{
	enum cop_dest dest = cop_addr_dest(family, name, len, &peer->end);

	if (dest == COP_DEST_NAME)
		peer->word = cop_endpoint_word(&peer->end);
	return dest;
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

static void slot_put_in(struct cop_addr_slot *slot,
			const struct sockaddr_in *in)
{
	const __be32 quarter[2] = { htonl(0xffff), in->sin_addr.s_addr };
	uint64_t half;

	memcpy(&half, quarter, sizeof(half));
	WRITE_ONCE(slot->half[0], 0);
	WRITE_ONCE(slot->half[1], in->sin_addr.s_addr ? half : 0);
	WRITE_ONCE(slot->scope, 0);
	WRITE_ONCE(slot->port, in->sin_port);
}

void cop_slot_set(struct cop_addr_slot *slot, const union cop_addr *addr)
{
	struct cop_endpoint end = { 0 };

	if (likely(addr->family == AF_INET)) {
		slot_put_in(slot, &addr->in);
		return;
	}
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

noinline struct cop_peer cop_slot_peer_any(const struct cop_addr_slot *slot)
{
	const struct cop_endpoint end = cop_slot_endpoint(slot);

	return cop_peer_at(&end);
}
