/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - one end of a flow, whatever the family of the socket that has it.
 */
#ifndef COP_ENDPOINT_H
#define COP_ENDPOINT_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/atomic.h"

/*
 * One end of a flow, as a socket of either family can have it: an IPv4 address is
 * ::ffff:a.b.c.d. Only an address that needs a scope has one.
 */
struct cop_endpoint {
	struct in6_addr addr;
	uint32_t scope; /* interface */
	__be16 port;
	uint16_t zero; /* always 0: endpoints are compared as memory */
};

/* What no sender is: a multicast address. One may have the address of all zeros. */
#define COP_ENDPOINT_NOBODY               \
	{                                 \
		.addr.s6_addr = { 0xff }, \
	}

/*
 * An endpoint in a sock, which other threads read while it changes. Each word
 * changes by itself, so a reader may see parts of two endpoints. The wildcard
 * address of either family is ::.
 */
struct cop_addr_slot {
	_Atomic(uint64_t) half[2]; /* (a) the address */
	_Atomic(uint32_t) scope;   /* (a) */
	_Atomic(__be16) port;	   /* (a) */
};

/**
 * cop_addr_map - the same address as a socket of another family has it
 * @addr: the address
 * @family: AF_INET or AF_INET6
 *
 * Returns IPv4's a.b.c.d as ::ffff:a.b.c.d, the wildcard as ::, and the other way
 * round; any other address as it is.
 */
union cop_addr cop_addr_map(const union cop_addr *addr, int family);

/* cop_endpoint_of() for a name that is not IPv4's. */
bool cop_endpoint_of_in6(const void *name, socklen_t len,
			 struct cop_endpoint *end);

static inline void cop_endpoint_v4(__be32 addr, __be16 port,
				   struct cop_endpoint *end)
{
	*end = (struct cop_endpoint){ .port = port };
	end->addr.s6_addr32[2] = htonl(0xffff);
	end->addr.s6_addr32[3] = addr;
}

/**
 * cop_endpoint_of - the endpoint that a name is
 * @name: a name as the kernel returns it, or none
 * @len: its length in bytes
 * @end: where the endpoint is put
 *
 * Returns false if @name has no address of IPv4 or IPv6.
 */
static inline bool cop_endpoint_of(const void *name, socklen_t len,
				   struct cop_endpoint *end)
{
	const struct sockaddr_in *in = name;

	if (unlikely(len < sizeof(*in) || in->sin_family != AF_INET))
		return cop_endpoint_of_in6(name, len, end);
	cop_endpoint_v4(in->sin_addr.s_addr, in->sin_port, end);
	return true;
}

/* Where a send goes. */
enum cop_dest {
	COP_DEST_NONE, /* nowhere: the kernel refuses the name */
	COP_DEST_NAME, /* to the name */
	COP_DEST_PEER, /* to the peer: the name says nothing */
};

/**
 * cop_addr_dest - where a send to a name goes
 * @family: the sending socket's
 * @name: the program's; readable
 * @len: its length in bytes
 * @end: where the destination is put, for COP_DEST_NAME
 *
 * Counterpart: the checks of udp_sendmsg() and udpv6_sendmsg().
 */
enum cop_dest cop_addr_dest(int family, const void *name, socklen_t len,
			    struct cop_endpoint *end);

/**
 * cop_endpoint_addr - an endpoint as a socket of a family shows it
 * @end: the endpoint
 * @family: AF_INET or AF_INET6
 */
static inline union cop_addr cop_endpoint_addr(const struct cop_endpoint *end,
					       int family)
{
	if (likely(family == AF_INET))
		return cop_addr_v4(end->addr.s6_addr32[3], end->port);
	return (union cop_addr){ .in6 = { .sin6_family = AF_INET6,
					  .sin6_port = end->port,
					  .sin6_addr = end->addr,
					  .sin6_scope_id = end->scope } };
}

/**
 * cop_endpoint_prepare - draw the factors of cop_endpoint_hash() now
 *
 * For a process that may not ask for random numbers later. Async-signal-safe.
 */
void cop_endpoint_prepare(void);

/* cop_endpoint_word() for an address that is not IPv4's. */
uint64_t cop_endpoint_hash(const struct cop_endpoint *end);

static inline bool cop_endpoint_is_v4(const struct cop_endpoint *end)
{
	return !(end->addr.s6_addr32[0] | end->addr.s6_addr32[1]) &&
	       end->addr.s6_addr32[2] == htonl(0xffff);
}

/**
 * cop_endpoint_shown - an endpoint as text shows it
 * @end: the endpoint
 * @family: the socket's
 *
 * cop_endpoint_addr(), but for the IPv6 peers of a socket that has become one of
 * AF_INET since (IPV6_ADDRFORM).
 */
static inline union cop_addr cop_endpoint_shown(const struct cop_endpoint *end,
						int family)
{
	if (family == AF_INET && !cop_endpoint_is_v4(end) &&
	    !IN6_IS_ADDR_UNSPECIFIED(&end->addr))
		family = AF_INET6;
	return cop_endpoint_addr(end, family);
}

/**
 * cop_endpoint_word - one word that stands for an endpoint
 * @end: the endpoint
 *
 * For a place that has to change by one atomic operation. For IPv4 it is the address
 * and the port themselves: address << 16 | port. For IPv6 it is a hash of 63 bits
 * with factors that this process has drawn, with the top bit set. Two endpoints
 * have the same word once in 2^63 pairs, and nobody can choose a pair. Never ~0.
 */
static inline uint64_t cop_endpoint_word(const struct cop_endpoint *end)
{
	if (likely(cop_endpoint_is_v4(end)))
		return (uint64_t)end->addr.s6_addr32[3] << 16 | end->port;
	return cop_endpoint_hash(end);
}

/* Whether a cop_endpoint_word() is an IPv4 address and port. */
static inline bool cop_word_is_v4(uint64_t word)
{
	return likely(!(word >> 63));
}

/* The endpoint of an IPv4 word. */
static inline struct cop_endpoint cop_endpoint_of_word(uint64_t word)
{
	struct cop_endpoint end;

	cop_endpoint_v4(word >> 16, word, &end);
	return end;
}

/*
 * The other end of a flow as a send or a receive needs it: its word. For IPv4 the word
 * says all, and an endpoint is made of it only when it is kept.
 */
struct cop_peer {
	uint64_t word;		 /* cop_endpoint_word() */
	struct cop_endpoint end; /* for IPv4 only its port is set */
};

static inline void cop_peer_v4(__be32 addr, __be16 port, struct cop_peer *peer)
{
	peer->word = (uint64_t)addr << 16 | port;
	peer->end.port = port;
}

/* The address and port of a struct sockaddr_in. */
static inline void cop_peer_read_in(const struct sockaddr_in *in,
				    struct cop_peer *peer)
{
#if __BYTE_ORDER == __LITTLE_ENDIAN
	uint64_t both;

	/* One load: behind the family lie the port and then the address. */
	memcpy(&both, in, sizeof(both));
	peer->word = both >> 16;
	peer->end.port = peer->word;
#else
	cop_peer_v4(in->sin_addr.s_addr, in->sin_port, peer);
#endif
}

static inline struct cop_peer cop_peer_at(const struct cop_endpoint *end)
{
	return (struct cop_peer){ .word = cop_endpoint_word(end), .end = *end };
}

static inline struct cop_endpoint cop_peer_endpoint(const struct cop_peer *peer)
{
	return cop_word_is_v4(peer->word) ? cop_endpoint_of_word(peer->word)
					  : peer->end;
}

#define COP_WORD_NONE (~0ull) /* cop_peer.word of nobody */

static inline bool cop_peer_is_known(const struct cop_peer *peer)
{
	return peer->word != COP_WORD_NONE;
}

/*
 * The peer that a name is, or nobody. What it returns is no pointer's target, so that the
 * short way keeps it in registers.
 */
struct cop_peer cop_peer_of_any(const void *name, socklen_t len);

/* Whether a name is an address of IPv4; then it is put into @peer. */
static inline bool cop_peer_of_in(const void *name, socklen_t len,
				  struct cop_peer *peer)
{
	const struct sockaddr_in *in = name;

	if (unlikely(len < sizeof(*in) || in->sin_family != AF_INET))
		return false;
	cop_peer_read_in(in, peer);
	return true;
}

/* cop_peer_of_in() for a name of the kernel's: only IPv4's have this length. */
static inline bool cop_peer_of_in_only(const void *name, socklen_t len,
				       struct cop_peer *peer)
{
	const struct sockaddr_in *in = name;

	cop_peer_read_in(in, peer);
	return len == sizeof(*in);
}

/* The peer that a name of any family is, or nobody. */
static inline struct cop_peer cop_peer_of(const void *name, socklen_t len)
{
	struct cop_peer peer;

	if (likely(cop_peer_of_in(name, len, &peer)))
		return peer;
	return cop_peer_of_any(name, len);
}

/* As cop_addr_dest(), for a peer. */
enum cop_dest cop_peer_dest(int family, const void *name, socklen_t len,
			    struct cop_peer *peer);

/**
 * cop_slot_set, cop_slot_clear, cop_slot_get - an endpoint that is kept in a sock
 * @slot: the place
 * @addr: an address; AF_UNSPEC clears the place
 * @family: the socket's
 *
 * cop_slot_get() returns it as a socket of @family shows it. Async-signal-safe.
 */
void cop_slot_set(struct cop_addr_slot *slot, const union cop_addr *addr);
void cop_slot_clear(struct cop_addr_slot *slot);
union cop_addr cop_slot_get(const struct cop_addr_slot *slot, int family);

/* The endpoint in a slot; an IPv4 wildcard comes out as ::. */
static inline struct cop_endpoint
cop_slot_endpoint(const struct cop_addr_slot *slot)
{
	const uint64_t half[2] = { READ_ONCE(slot->half[0]),
				   READ_ONCE(slot->half[1]) };
	struct cop_endpoint end = { .scope = READ_ONCE(slot->scope),
				    .port = READ_ONCE(slot->port) };

	memcpy(&end.addr, half, sizeof(half));
	return end;
}

/* cop_slot_peer() for an address that is not IPv4's. */
struct cop_peer cop_slot_peer_any(const struct cop_addr_slot *slot);

/* Whether an address of IPv4 is in a slot; then it is put into @peer. */
static inline bool cop_slot_peer_in(const struct cop_addr_slot *slot,
				    struct cop_peer *peer)
{
	const uint64_t half[2] = { READ_ONCE(slot->half[0]),
				   READ_ONCE(slot->half[1]) };
	__be32 quarter[2];

	memcpy(quarter, &half[1], sizeof(quarter));
	if (unlikely(half[0] || quarter[0] != htonl(0xffff)))
		return false;
	cop_peer_v4(quarter[1], READ_ONCE(slot->port), peer);
	return true;
}

/* The peer in a slot. */
static inline struct cop_peer cop_slot_peer(const struct cop_addr_slot *slot)
{
	struct cop_peer peer;

	if (likely(cop_slot_peer_in(slot, &peer)))
		return peer;
	return cop_slot_peer_any(slot);
}

/* Whether there is an address in the slot, and not a wildcard. */
static inline bool cop_slot_is_set(const struct cop_addr_slot *slot)
{
	return READ_ONCE(slot->half[0]) | READ_ONCE(slot->half[1]);
}

static inline bool cop_endpoint_equal(const struct cop_endpoint *a,
				      const struct cop_endpoint *b)
{
	return !memcmp(a, b, sizeof(*a));
}

#endif /* COP_ENDPOINT_H */
