// SPDX-License-Identifier: MIT
/*
 * flows.c - what the tests of flow/ share, see flows.h.
 */
#include "lib/process.h"
#include "unit/flow/flows.h"

struct cop_flows t_flows;

void t_flow_init(void)
{
	cop_flow_init(&t_flows);
}

struct cop_endpoint t_peer(uint32_t addr, uint16_t port)
{
	struct cop_endpoint end;

	cop_endpoint_v4(htonl(addr), htons(port), &end);
	return end;
}

struct cop_peer t_peer_of(uint32_t addr, uint16_t port)
{
	struct cop_endpoint end = t_peer(addr, port);

	return cop_peer_at(&end);
}

uint64_t t_next(uint32_t addr, uint16_t port)
{
	struct cop_peer k = t_peer_of(addr, port);

	return cop_flow_next(&t_flows, &k, 1, 1);
}

void t_undo(uint32_t addr, uint16_t port, uint64_t seq)
{
	struct cop_peer k = t_peer_of(addr, port);

	cop_flow_undo(&t_flows, &k, seq, 1);
}

void t_arrive_of(uint32_t addr, uint32_t seq, size_t len)
{
	struct cop_peer k = t_peer_of(addr, 1);
	struct cop_arrival a = { .now = 1000000 + seq * 1000ull,
				 .seq = seq,
				 .tstamp = seq * 1000,
				 .len = len,
				 .first = !seq };

	cop_flow_arrived(&t_flows, &k, &a, cop_rx_serial);
}

void t_arrive(uint32_t addr, uint32_t seq)
{
	t_arrive_of(addr, seq, T_LEN);
}

struct cop_flow_report t_known(uint32_t addr, uint16_t port)
{
	static struct cop_flow_report reports[COP_FLOWS_MAX];
	struct cop_endpoint k = t_peer(addr, port);
	unsigned int n = cop_flow_list(&t_flows, 0, reports, COP_FLOWS_MAX);

	cr_assert(le(u32, n, COP_FLOWS_MAX));
	for (unsigned int i = 0; i < n; i++)
		if (!memcmp(&reports[i].peer, &k, sizeof(k)))
			return reports[i];
	return (struct cop_flow_report){ 0 };
}

uint64_t t_lost_of(uint32_t addr)
{
	struct cop_flow_report r = t_known(addr, 1);

	return cop_source_lost(&r.rx);
}

void t_fold(uint32_t addr, struct cop_sent *sent)
{
	struct cop_endpoint k = t_peer(addr, 1);

	cop_flow_fold(&t_flows, &k, sent);
}

struct cop_sent t_sent(uint64_t n, uint64_t begin, uint64_t end)
{
	return (struct cop_sent){
		.datagrams = n, .bytes = n * T_LEN, .begin = begin, .end = end
	};
}

void t_hold_lock(void)
{
	struct cop_peer k = t_peer_of(1, 0);

	cop_flow_arrived(&t_flows, &k, &(struct cop_arrival){ .first = true },
			 cop_rx_serial);
	t_flows.lock = cop_process()->id;
	cr_assert(ne(u32, t_flows.lock, 0));
}
