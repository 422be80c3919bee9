// SPDX-License-Identifier: MIT
/*
 * protos.c - reads the transports of another process. A module's struct proto and
 * its names are in memory of the module, which the process may have changed: so each
 * length has a limit, and each name is any bytes.
 *
 * Most sockets of a process have one transport: the last one is remembered.
 */
#include <stdbool.h>
#include <string.h>

#include "object.h"
#include "protos.h"

/* Where a sock's own counters can be: no sock is longer. */
#define SOCK_MAX_BYTES (1 << 20)

static struct stat_transport last;

static bool is_of_kind(const struct cop_export *x, int kind, uint64_t prot)
{
	uint64_t by = prot - (uintptr_t)x->protos[kind];

	if (kind == COP_KIND_COP || !x->carrier_size)
		return !by;
	return by % x->carrier_size == 0 && by / x->carrier_size < x->carriers;
}

enum cop_export_kind protos_kind(const struct cop_export *x, uint64_t prot)
{
	int kind = 0;

	while (kind < COP_KINDS && !is_of_kind(x, kind, prot))
		kind++;
	return kind;
}

void protos_begin(void)
{
	last.addr = 0;
}

/* The rest of the memory may end behind a text that is shorter than @size. */
static void read_by_bytes(const struct target *t, uint64_t addr, char *to,
			  size_t size)
{
	size_t i = 0;

	while (i < size - 1 && target_peek(t, addr + i, to + i, 1) && to[i])
		i++;
	to[i] = '\0';
}

static void read_text(const struct target *t, uint64_t addr, char *to,
		      size_t size)
{
	if (!target_peek(t, addr, to, size))
		read_by_bytes(t, addr, to, size);
	to[size - 1] = '\0';
}

static void take_counters(const struct target *t, const struct cop_export *x,
			  const struct object *prot)
{
	const uint64_t names = object_value(x, COP_PROTO_COUNTERS, prot);
	const uint64_t n = object_value(x, COP_PROTO_N_COUNTERS, prot);
	uintptr_t name[COP_COUNTERS_MAX];

	last.n_counters = 0;
	last.counters_at = object_value(x, COP_PROTO_COUNTERS_AT, prot);
	if (!n || n > COP_COUNTERS_MAX || last.counters_at > SOCK_MAX_BYTES ||
	    !target_peek(t, names, name, n * sizeof(*name)))
		return;
	last.n_counters = n;
	for (uint64_t i = 0; i < n; i++)
		read_text(t, name[i], last.counter[i], sizeof(last.counter[i]));
}

static bool read_transport(const struct target *t, const struct cop_export *x,
			   uint64_t addr)
{
	struct object prot, wire;

	if (!object_read(t, x, COP_OBJ_PROTO, addr, &prot) ||
	    !object_read(t, x, COP_OBJ_WIRE,
			 object_value(x, COP_PROTO_WIRE, &prot), &wire))
		return false;
	read_text(t, object_value(x, COP_PROTO_NAME, &prot), last.name,
		  sizeof(last.name));
	last.lacks = ~object_value(x, COP_WIRE_HAS, &wire) & COP_HAS_ALL;
	last.decodes = object_value(x, COP_WIRE_DECODE, &wire);
	take_counters(t, x, &prot);
	return true;
}

const struct stat_transport *
protos_find(const struct target *t, const struct cop_export *x, uint64_t addr)
{
	if (last.addr == addr)
		return &last;
	last.addr = read_transport(t, x, addr) ? addr : 0;
	return last.addr ? &last : NULL;
}

void protos_counters(const struct target *t,
		     const struct stat_transport *transport, uint64_t sk,
		     uint64_t value[COP_COUNTERS_MAX])
{
	const size_t size = transport->n_counters * sizeof(*value);

	if (size && !target_peek(t, sk + transport->counters_at, value, size))
		memset(value, 0, size);
}
