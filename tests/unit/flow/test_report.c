// SPDX-License-Identifier: MIT
/*
 * test_report.c - flow/report.c: the list of all flows.
 */
#include "unit/flow/flows.h"

static uint32_t addr_of(const struct cop_flow_report *report)
{
	return ntohl(report->peer.addr.s6_addr32[3]);
}

TestSuite(cop_flow_report, .init = t_flow_init, .timeout = 60);

Test(cop_flow_report, the_list_is_read_in_parts)
{
	struct cop_flow_report all[50], part[7];
	unsigned int n;

	for (uint32_t i = 1; i <= 20; i++)
		t_arrive(i, 0);
	for (uint32_t i = 100; i < 131; i++)
		t_next(i, 1);
	n = cop_flow_list(&t_flows, 0, all, ARRAY_SIZE(all));
	cr_assert(eq(u32, n, ARRAY_SIZE(all)));
	for (unsigned int from = 0; from < n; from += ARRAY_SIZE(part)) {
		cr_expect(eq(u32, n,
			     cop_flow_list(&t_flows, from, part,
					   ARRAY_SIZE(part))));
		for (unsigned int i = 0; i < ARRAY_SIZE(part) && from + i < n;
		     i++)
			cr_expect(zero(int, memcmp(&part[i], &all[from + i],
						   sizeof(part[i]))));
	}
	for (uint32_t i = 0; i < 30; i++)
		cr_expect(eq(u32, addr_of(&all[i]), 101 + i),
			  "those that were sent to, oldest first");
	for (uint32_t i = 0; i < 20; i++)
		cr_expect(eq(u32, addr_of(&all[30 + i]), 1 + i));
}

Test(cop_flow_report, without_the_lock_all_flows_are_reported_in_any_order)
{
	struct cop_flow_report reports[30];
	uint32_t sum = 0;
	unsigned int n;

	t_next(999, 1); /* the first destination is not in the table */
	for (uint32_t i = 2; i <= 20; i++)
		t_arrive(i, 0);
	t_hold_lock(); /* adds the flow of one more peer, which has port 0 */
	n = cop_flow_list(&t_flows, 0, reports, ARRAY_SIZE(reports));
	cr_assert(eq(u32, n, 20));
	for (unsigned int i = 0; i < n; i++)
		if (reports[i].peer.port) {
			sum += addr_of(&reports[i]);
			cr_expect(eq(u64, reports[i].rx.datagrams, 1));
		}
	cr_expect(eq(u32, sum, 20 * 21 / 2 - 1));
}
