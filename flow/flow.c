// SPDX-License-Identifier: MIT
/*
 * flow/flow.c - the flows of a socket begin and end with the socket.
 *
 * Owns: nothing. Protected by: atomic operations, and cop_flows.lock for the
 * table. Counterpart in the kernel: none.
 */
#include "flow/arrivals.h"
#include "flow/flow.h"
#include "flow/lists.h"
#include "flow/lock.h"

static void first_begin(struct cop_flows *flows)
{
	WRITE_ONCE(flows->first, 0);
	WRITE_ONCE(flows->first_sent.datagrams, 0);
	WRITE_ONCE(flows->first_sent.bytes, 0);
	WRITE_ONCE(flows->first_sent.begin, 0);
	WRITE_ONCE(flows->first_sent.end, 0);
}

/*
 * A send that began before the last owner closed its socket may still be running.
 * It uses the old gen, so it finds and adds flows of the last owner only. If the
 * lock is not free now, the next holder removes those flows.
 */
static void flows_renew(struct cop_flows *flows)
{
	struct flow_table *table = READ_ONCE(flows->table);

	first_begin(flows);
	WRITE_ONCE(flows->gen, (uint16_t)(READ_ONCE(flows->gen) + 1));
	u32_add(&flows->epoch, 1);
	if (!table || !cop_flow_trylock(flows, table))
		return;
	cop_flow_take_backlog(flows, table);
	cop_flow_lists_clear(flows, table);
	cop_flow_leave(flows);
}

/* New memory has epoch 0. In used memory a late thread may be writing rx_last. */
void cop_flow_init(struct cop_flows *flows)
{
	if (!READ_ONCE(flows->epoch))
		flows->rx_last = &cop_flow_nobody;
	flows_renew(flows);
	WRITE_ONCE(flows->evicted, 0);
	WRITE_ONCE(flows->missed, 0);
}

void cop_flow_destroy(struct cop_flows *flows)
{
	flows_renew(flows);
}
