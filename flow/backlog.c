// SPDX-License-Identifier: MIT
/*
 * flow/backlog.c - arrivals that came upon a busy table of flows, for whoever has
 * it to take note of: a few places, each taken and left by one atomic operation.
 *
 * Owns: the slab of these. Protected by: the state of each place. May call:
 * lib/slab.c. Counterpart in the kernel: a socket's backlog, which those put aside
 * who find it owned by a user (sk_add_backlog).
 */
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "flow/backlog.h"
#include "lib/slab.h"

#define PLACES 32

enum { PLACE_FREE, PLACE_BUSY, PLACE_FULL };

struct place {
	_Atomic(uint32_t) state;
	struct cop_flow_key key;
	struct cop_arrival arrival;
};

struct cop_deferred {
	struct slab_node node;
	struct place place[PLACES];
};

static struct cop_slab deferred_slab = COP_SLAB(struct cop_deferred);

/*
 * They stay with the memory of the sock, for whoever puts one late. A place that
 * was left in the middle of it, by longjmp(), stays busy.
 */
static struct cop_deferred *deferred_get(struct cop_flows *flows)
{
	struct cop_deferred *kept = READ_ONCE(flows->deferred), *none = NULL;

	if (likely(kept))
		return kept;
	kept = cop_slab_alloc(&deferred_slab);
	if (!kept)
		return NULL;
	for (int i = 0; i < PLACES; i++)
		WRITE_ONCE(kept->place[i].state, PLACE_FREE);
	if (atomic_compare_exchange_strong(&flows->deferred, &none, kept))
		return kept;
	cop_slab_free(&deferred_slab, kept);
	return none;
}

static bool place_take(struct place *place, uint32_t is, uint32_t to)
{
	return u32_cas(&place->state, &is, to);
}

static void place_leave(struct place *place, uint32_t state)
{
	atomic_store_explicit(&place->state, state, memory_order_release);
}

bool cop_deferred_put(struct cop_flows *flows, const struct cop_flow_key *key,
		      const struct cop_arrival *a)
{
	struct cop_deferred *kept = deferred_get(flows);

	for (int i = 0; kept && i < PLACES; i++) {
		struct place *place = &kept->place[i];

		if (!place_take(place, PLACE_FREE, PLACE_BUSY))
			continue;
		place->key = *key;
		place->arrival = *a;
		u32_add(&flows->waiting, 1);
		place_leave(place, PLACE_FULL);
		return true;
	}
	return false;
}

bool cop_deferred_take(struct cop_flows *flows, struct cop_flow_key *key,
		       struct cop_arrival *a)
{
	struct cop_deferred *kept = READ_ONCE(flows->deferred);

	for (int i = 0; kept && i < PLACES; i++) {
		struct place *place = &kept->place[i];

		if (!place_take(place, PLACE_FULL, PLACE_BUSY))
			continue;
		*key = place->key;
		*a = place->arrival;
		place_leave(place, PLACE_FREE);
		u32_add(&flows->waiting, -1);
		return true;
	}
	return false;
}

bool cop_deferred_any(struct cop_flows *flows)
{
	struct cop_deferred *kept = READ_ONCE(flows->deferred);

	for (int i = 0; kept && i < PLACES; i++)
		if (READ_ONCE(kept->place[i].state) == PLACE_FULL)
			return true;
	return false;
}
