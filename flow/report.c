// SPDX-License-Identifier: MIT
/*
 * flow/report.c - the figures of all flows of a socket, which the library writes
 * when the socket is closed or the process exits.
 *
 * Owns: nothing. Protected by: cop_flows.lock. While another thread holds it, the
 * report reads the buckets without it. Counterpart in the kernel: none.
 */
#include "flow/arrivals.h"
#include "flow/lists.h"
#include "flow/lock.h"
#include "flow/table.h"

/* ThreadSanitizer must accept that the holder of the lock writes what we read. */
#define NO_TSAN __attribute__((no_sanitize("thread")))

static void report_one(const struct cop_flow *flow, struct cop_flow_report *to)
{
	to->peer = flow->peer;
	to->tx_datagrams = READ_ONCE(flow->tx_datagrams);
	to->tx_bytes = READ_ONCE(flow->tx_bytes);
	to->begin = READ_ONCE(flow->begin);
	to->end = READ_ONCE(flow->end);
	to->rx = flow->rx;
}

/* The arguments of cop_flow_list(), and how many flows it has met so far. */
struct listing {
	unsigned int from, n, total;
	struct cop_flow_report *reports;
};

static void list_one(struct listing *list, const struct cop_flow *flow)
{
	if (list->total - list->from < list->n)
		report_one(flow, &list->reports[list->total - list->from]);
	list->total++;
}

static void list_in_order(struct listing *list, const struct cop_flow *flow)
{
	for (; flow; flow = flow->next)
		list_one(list, flow);
}

/* Without the lock: in no order, and the figures may change meanwhile. */
static NO_TSAN void list_buckets(struct listing *list, struct flow_table *table,
				 uint64_t token)
{
	for (int i = 0; i < FLOW_BUCKETS; i++) {
		struct cop_flow *flow =
			cop_flow_at(READ_ONCE(table->bucket[i]));

		for (int n = 0; flow && n < FLOW_CHAIN_MAX; n++) {
			if (READ_ONCE(flow->token) == token)
				list_one(list, flow);
			flow = READ_ONCE(flow->chain);
		}
	}
}

unsigned int cop_flow_list(struct cop_flows *flows, unsigned int from,
			   struct cop_flow_report *reports, unsigned int n)
{
	struct listing list = { .from = from, .n = n, .reports = reports };
	struct flow_table *table = READ_ONCE(flows->table);

	if (!table)
		return 0;
	if (cop_flow_trylock(flows, table)) {
		cop_flow_take_backlog(flows, table);
		cop_flow_lists_take_fresh(flows, table);
		list_in_order(&list, flows->head);
		list_in_order(&list, flows->rx_head);
		cop_flow_unlock(flows);
	} else {
		list_buckets(&list, table, cop_flow_token(flows));
	}
	return list.total;
}
