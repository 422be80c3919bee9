// SPDX-License-Identifier: MIT
/*
 * flow/backlog.c - arrivals that find a socket's flows locked. The receiving
 * thread does not wait: it leaves the arrival here, and the thread that holds the
 * lock takes note of it. A backlog has a few places; one atomic operation takes a
 * place, and one gives it back.
 *
 * Owns: the slab of backlogs. Protected by: the state of each place. Counterpart
 * in the kernel: a socket's backlog, where sk_add_backlog() puts a packet while a
 * process owns the socket, and which release_sock() empties.
 */
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "flow/backlog.h"
#include "lib/slab.h"

#define PLACES 32

enum { PLACE_FREE, PLACE_BUSY, PLACE_FULL };

struct place {
	_Atomic(uint32_t) state;    /* (a) PLACE_* */
	struct cop_peer peer;	    /* (l) sender; lock: PLACE_BUSY */
	struct cop_arrival arrival; /* (l) likewise */
};

struct cop_backlog {
	struct slab_node node;
	struct place place[PLACES];
};

static struct cop_slab backlog_slab = COP_SLAB(struct cop_backlog);

/*
 * A backlog stays with the memory of the sock, since a late thread may still add
 * to it. If longjmp() leaves cop_backlog_put() halfway, its place stays busy for
 * ever.
 */
static struct cop_backlog *backlog_get(struct cop_flows *flows)
{
	struct cop_backlog *backlog = READ_ONCE(flows->backlog), *none = NULL;

	if (likely(backlog))
		return backlog;
	backlog = cop_slab_alloc(&backlog_slab);
	if (!backlog)
		return NULL;
	for (int i = 0; i < PLACES; i++)
		WRITE_ONCE(backlog->place[i].state, PLACE_FREE);
	if (atomic_compare_exchange_strong(&flows->backlog, &none, backlog))
		return backlog;
	cop_slab_free(&backlog_slab, backlog);
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

bool cop_backlog_put(struct cop_flows *flows, const struct cop_peer *peer,
		     const struct cop_arrival *a)
{
	struct cop_backlog *backlog = backlog_get(flows);

	for (int i = 0; backlog && i < PLACES; i++) {
		struct place *place = &backlog->place[i];

		if (!place_take(place, PLACE_FREE, PLACE_BUSY))
			continue;
		place->peer = *peer;
		place->arrival = *a;
		u32_add(&flows->waiting, 1);
		place_leave(place, PLACE_FULL);
		return true;
	}
	return false;
}

bool cop_backlog_take(struct cop_flows *flows, struct cop_peer *peer,
		      struct cop_arrival *a)
{
	struct cop_backlog *backlog = READ_ONCE(flows->backlog);

	for (int i = 0; backlog && i < PLACES; i++) {
		struct place *place = &backlog->place[i];

		if (!place_take(place, PLACE_FULL, PLACE_BUSY))
			continue;
		*peer = place->peer;
		*a = place->arrival;
		place_leave(place, PLACE_FREE);
		u32_add(&flows->waiting, -1);
		return true;
	}
	return false;
}

bool cop_backlog_any(struct cop_flows *flows)
{
	struct cop_backlog *backlog = READ_ONCE(flows->backlog);

	for (int i = 0; backlog && i < PLACES; i++)
		if (READ_ONCE(backlog->place[i].state) == PLACE_FULL)
			return true;
	return false;
}
