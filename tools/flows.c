// SPDX-License-Identifier: MIT
/*
 * flows.c - reads the flows of a COP socket of another process. The library
 * keeps them in two lists, and keeps two more in the socket itself: those of
 * its first destination and of its connected peer. A peer's figures are the sum
 * of all these.
 *
 * A list may change while this reads it, and a link may become another
 * socket's. Each link names its table and the link before it. If these do not
 * fit, the walk begins again.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "flows.h"

#define FLOWS_MAX  4096 /* the most flows of one socket */
#define KEPT	   2	/* of these, the flows in the socket itself */
#define WALK_TRIES 8
#define FIRST_GONE UINT64_MAX

struct flows {
	struct stat_flow *flow;
	int n, max;
};

static void take_flow(const struct cop_export *x, const struct object *o,
		      struct stat_flow *f)
{
	*f = (struct stat_flow){
		.peer = object_endpoint(x, COP_FLOW_ADDR, o),
		.tx = object_value(x, COP_FLOW_TX, o),
		.tx_bytes = object_value(x, COP_FLOW_TX_BYTES, o),
		.begin = object_value(x, COP_FLOW_BEGIN, o),
		.end = object_value(x, COP_FLOW_END, o),
		.rx = {
			.datagrams = object_value(x, COP_FLOW_RX, o),
			.bytes = object_value(x, COP_FLOW_RX_BYTES, o),
			.missing = object_value(x, COP_FLOW_MISSING, o),
			.lost = object_value(x, COP_FLOW_LOST, o),
			.reordered = object_value(x, COP_FLOW_REORDERED, o),
			.duplicated = object_value(x, COP_FLOW_DUPLICATED, o),
			.unordered = object_value(x, COP_FLOW_UNORDERED, o),
			.restarts = object_value(x, COP_FLOW_RESTARTS, o),
			.jitter = object_value(x, COP_FLOW_JITTER, o),
			.gap = object_value(x, COP_FLOW_GAP, o),
		},
	};
}

/* Returns whether the list stayed the same from its first link to its last. */
static bool walk(const struct target *t, const struct cop_export *x,
		 uint64_t addr, struct flows *flows)
{
	uint64_t before = 0, table = 0;
	struct object o;

	while (addr && flows->n < flows->max && budget_flow()) {
		if (!object_read(t, x, COP_OBJ_FLOW, addr, &o) ||
		    object_value(x, COP_FLOW_PREV, &o) != before)
			return false;
		if (!before)
			table = object_value(x, COP_FLOW_TABLE, &o);
		else if (object_value(x, COP_FLOW_TABLE, &o) != table)
			return false;
		take_flow(x, &o, &flows->flow[flows->n++]);
		before = addr;
		addr = object_value(x, COP_FLOW_NEXT, &o);
	}
	return !addr;
}

/* If every walk fails, the flows are those that the last walk has found. */
static void read_lists(const struct target *t, const struct cop_export *x,
		       uint64_t sk_addr, struct flows *flows)
{
	uint64_t sent = 0, received = 0;

	for (int i = 0; i < WALK_TRIES; i++) {
		flows->n = 0;
		if (object_peek(t, x, COP_SOCK_SENT_FLOWS, sk_addr, &sent) &&
		    walk(t, x, sent, flows) &&
		    object_peek(t, x, COP_SOCK_RECEIVED_FLOWS, sk_addr,
				&received) &&
		    walk(t, x, received, flows))
			return;
	}
}

/* ---- the sum ------------------------------------------------------------- */

/* Returns NULL if there is no room. */
static struct stat_flow *flow_of(struct flows *flows,
				 const struct cop_endpoint *peer)
{
	struct stat_flow *f;

	for (int i = 0; i < flows->n; i++) {
		f = &flows->flow[i];
		if (cop_endpoint_equal(&f->peer, peer))
			return f;
	}
	if (flows->n == flows->max)
		return NULL;
	f = flows->flow;
	memmove(f + 1, f, flows->n++ * sizeof(*f));
	*f = (struct stat_flow){ .peer = *peer };
	return f;
}

struct sent {
	uint64_t tx, bytes, begin, end;
};

static void add_sent(struct flows *flows, const struct cop_endpoint *peer,
		     const struct sent *sent)
{
	struct stat_flow *f = sent->tx ? flow_of(flows, peer) : NULL;

	if (!f)
		return;
	f->tx += sent->tx;
	f->tx_bytes += sent->bytes;
	if (sent->begin && (!f->begin || sent->begin < f->begin))
		f->begin = sent->begin;
	if (sent->end > f->end)
		f->end = sent->end;
}

static void add_peer(const struct cop_export *x, const struct object *sk,
		     struct flows *flows)
{
	struct sent sent = {
		object_value(x, COP_SOCK_PEER_TX, sk),
		object_value(x, COP_SOCK_PEER_TX_BYTES, sk),
		object_value(x, COP_SOCK_PEER_BEGIN, sk),
		object_value(x, COP_SOCK_PEER_END, sk),
	};

	struct cop_endpoint peer = object_endpoint(x, COP_SOCK_DADDR, sk);

	add_sent(flows, &peer, &sent);
}

static void add_first(const struct cop_export *x, const struct object *sk,
		      struct flows *flows)
{
	uint64_t first = object_value(x, COP_SOCK_FIRST, sk);
	struct sent sent = {
		object_value(x, COP_SOCK_FIRST_TX, sk),
		object_value(x, COP_SOCK_FIRST_TX_BYTES, sk),
		object_value(x, COP_SOCK_FIRST_BEGIN, sk),
		object_value(x, COP_SOCK_FIRST_END, sk),
	};

	struct cop_endpoint peer = cop_endpoint_of_word(first);

	if (first && first != FIRST_GONE)
		add_sent(flows, &peer, &sent);
}

/* A datagram in progress may have set one of the two times already. */
static void complete(struct stat_flow *f)
{
	if (!f->begin)
		f->begin = f->end;
	else if (!f->end)
		f->end = f->begin;
}

int flows_read(const struct target *t, const struct cop_export *x,
	       uint64_t sk_addr, const struct object *sk,
	       const struct stat_flow **to)
{
	static struct stat_flow room[FLOWS_MAX];
	struct flows flows = { .flow = room, .max = FLOWS_MAX };

	if (x->flows_max < FLOWS_MAX - KEPT)
		flows.max = x->flows_max + KEPT;
	read_lists(t, x, sk_addr, &flows);
	add_first(x, sk, &flows);
	add_peer(x, sk, &flows);
	for (int i = 0; i < flows.n; i++)
		complete(&room[i]);
	*to = room;
	return flows.n;
}
