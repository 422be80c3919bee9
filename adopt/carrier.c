// SPDX-License-Identifier: MIT
/*
 * adopt/carrier.c - the transports that carry adopted sockets.
 *
 * Owns: cop_carriers. Protected by: a lock while an entry is made; a complete entry
 * never changes.
 * Counterpart in the kernel: tcp_prots[] in net/tls/tls_main.c, which are made of the
 * transport that is below.
 */
#include <stdio.h>

#include "adopt/carrier.h"
#include "datagram/defaults.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/lock.h"

struct cop_carrier cop_carriers[COP_CARRIERS_MAX];

static const struct cop_carrier_ops *carrier_ops;

/* The three share the slab of the first one. */
static int derive(struct cop_carrier *c, struct proto *prot,
		  const struct proto *base, const struct proto *ops)
{
	const int type = c->udp.carrier_type;
	const int protocol = c->udp.carrier_protocol;

	proto_derive(prot, base, ops);
	prot->name = ops->name ?: c->name;
	prot->slab = prot == &c->udp ? NULL : c->udp.slab;
	prot->carrier_type = type;
	prot->carrier_protocol = protocol;
	return proto_register(prot);
}

static int carrier_make(struct cop_carrier *c, int type, int protocol,
			const struct proto *base)
{
	int err;

	c->udp.carrier_type = type;
	c->udp.carrier_protocol = protocol;
	snprintf(c->name, sizeof(c->name), "%.16s-UDP", base->name ?: "COP");
	err = derive(c, &c->udp, base, carrier_ops->udp);
	if (!err)
		err = derive(c, &c->pending, base, carrier_ops->pending);
	if (!err)
		err = derive(c, &c->plain, base, carrier_ops->plain);
	if (err)
		return err;
	__atomic_store_n(&c->base, base, __ATOMIC_RELEASE);
	return 0;
}

void cop_carrier_init(const struct cop_carrier_ops *ops,
		      const struct proto *base)
{
	carrier_ops = ops;
	carrier_make(&cop_carriers[0], 0, 0, base);
}

static bool is_carrier(const struct cop_carrier *c, int type, int protocol,
		       const struct proto *base)
{
	return c->base == base && c->udp.carrier_type == type &&
	       c->udp.carrier_protocol == protocol;
}

static struct cop_carrier *find_or_make(int type, int protocol,
					const struct proto *base)
{
	for (size_t i = 1; i < COP_CARRIERS_MAX; i++) {
		struct cop_carrier *c = &cop_carriers[i];

		if (!c->base)
			return carrier_make(c, type, protocol, base) ? NULL : c;
		if (is_carrier(c, type, protocol, base))
			return c;
	}
	return NULL;
}

struct cop_carrier *cop_carrier_get(int type, int protocol,
				    const struct proto *base)
{
	static _Atomic(uint32_t) making; /* (a) the thread that makes one */
	struct cop_carrier *c;
	struct cop_held held;

	if (likely(base == cop_carriers[0].base))
		return &cop_carriers[0];
	cop_lock(&making, &held);
	c = find_or_make(type, protocol, base);
	cop_unlock(&making, &held);
	return c;
}
