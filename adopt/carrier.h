/* SPDX-License-Identifier: MIT */
/*
 * carrier.h - the transports that carry adopted sockets. Such a socket is UDP to its
 * program, and its datagrams have the header of its *carrier*. Each carrier has three
 * struct proto, which share a slab: a sock changes from one to another.
 */
#ifndef COP_CARRIER_H
#define COP_CARRIER_H

#include <stddef.h>

#include "socket/sock.h"

/* So many in the life of a process; the first one is COP. */
#define COP_CARRIERS_MAX 8

struct cop_carrier {
	struct proto udp;	  /* adopted */
	struct proto pending;	  /* may still be adopted */
	struct proto plain;	  /* stays UDP */
	const struct proto *base; /* (c) the transport itself; NULL: unused */
	char name[24];		  /* (c) of udp */
};

/* (a) An entry is complete before anything leads to it, and then stays. */
extern struct cop_carrier cop_carriers[COP_CARRIERS_MAX];

#define cop_udp_prot	 (cop_carriers[0].udp)
#define cop_pending_prot (cop_carriers[0].pending)
#define cop_plain_prot	 (cop_carriers[0].plain)

/* What is different from the transport itself: members that are NULL are the base's. */
struct cop_carrier_ops {
	const struct proto *udp, *pending, *plain;
};

/**
 * cop_carrier_init - make COP the first carrier
 * @ops: kept, not copied
 * @base: the datagram transport
 *
 * Once, while the library starts.
 */
void cop_carrier_init(const struct cop_carrier_ops *ops,
		      const struct proto *base);

/**
 * cop_carrier_get - let a transport carry adopted sockets
 * @type: its type
 * @protocol: its protocol
 * @base: the transport, registered; &cop_datagram_prot: COP
 *
 * Returns the carrier, or NULL if there are too many. Async-signal-safe.
 */
struct cop_carrier *cop_carrier_get(int type, int protocol,
				    const struct proto *base);

/* The carrier of a transport of adopted sockets; NULL: it is none. */
static inline struct cop_carrier *cop_carrier_of(const struct proto *prot)
{
	size_t at = (const char *)prot - (const char *)cop_carriers;

	return at < sizeof(cop_carriers)
		       ? &cop_carriers[at / sizeof(*cop_carriers)]
		       : NULL;
}

/* Whether a sock of any transport has a pending one, as far as this process knows. */
static inline bool cop_has_pending(const struct sock *sk)
{
	const struct proto *prot = READ_ONCE(sk->sk_prot);
	const struct cop_carrier *c = cop_carrier_of(prot);

	return c && prot == &c->pending;
}

/* For a sock that began as pending: what it is once it is adopted, or is not. */
static inline const struct proto *cop_udp_of(const struct sock *sk)
{
	return &cop_carrier_of(READ_ONCE(sk->sk_prot))->udp;
}

static inline const struct proto *cop_plain_of(const struct sock *sk)
{
	return &cop_carrier_of(READ_ONCE(sk->sk_prot))->plain;
}

/* The operations of the carrier itself, for an adopted sock. */
static inline const struct proto *cop_base_of(const struct sock *sk)
{
	return cop_carrier_of(READ_ONCE(sk->sk_prot))->base;
}

#endif /* COP_CARRIER_H */
