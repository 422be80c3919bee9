// SPDX-License-Identifier: MIT
/*
 * test_run.c - flow/run.h: a run has the figures of its datagrams one by one.
 */
#include "flow/run.h"
#include "unit/flow/flows.h"

TestSuite(cop_flow_run, .init = t_flow_init, .timeout = 60);

static uint32_t seed = 12345;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Nearly always the next number; now and then a loss, a late one, a jump of the clock. */
static void next_arrival(struct cop_arrival *a)
{
	static const int32_t far[] = { -300000000, 300000000, -20000, 20000 };

	a->len = draw(1400);
	a->tstamp += draw(50);
	switch (draw(40)) {
	case 0:
		a->seq += 1 + draw(100);
		break;
	case 1:
		a->seq -= draw(10);
		break;
	case 2:
		a->tstamp += far[draw(ARRAY_SIZE(far))];
		break;
	default:
		a->seq++;
	}
}

static unsigned int runs; /* datagrams that a run has counted */

/* Count datagrams of one batch, as datagram/rx_count.c does. */
static void arrive_together(const struct cop_peer *peer,
			    const struct cop_arrival *a, unsigned int n)
{
	struct cop_flow_run run;
	unsigned int i = 0;

	while (i < n) {
		cop_flow_arrived(&t_flows, peer, &a[i++], cop_rx_serial);
		cr_assert(cop_flow_trylock(&t_flows, t_flows.table));
		if (cop_flow_run_begin(&run, &t_flows, peer->word, a->now)) {
			while (i < n &&
			       cop_flow_run_next(&run, a[i].seq, a[i].tstamp,
						 a[i].len))
				i++;
			cop_flow_run_end(&run);
			runs += run.n;
		}
		cop_flow_unlock(&t_flows);
	}
}

Test(cop_flow_run, figures_are_those_of_the_datagrams_one_by_one)
{
	const struct cop_peer one = t_peer_of(1, 1), many = t_peer_of(2, 1);
	struct cop_arrival a[100], last = { .now = 1000000 };

	for (int batch = 0; batch < 3000; batch++) {
		const unsigned int n = 1 + draw(ARRAY_SIZE(a));
		struct cop_flow_report x, y;

		last.now += draw(3) ? draw(5000) : 0;
		for (unsigned int i = 0; i < n; i++) {
			next_arrival(&last);
			a[i] = last;
			cop_flow_arrived(&t_flows, &one, &last, cop_rx_serial);
		}
		arrive_together(&many, a, n);
		x = t_known(1, 1);
		y = t_known(2, 1);
		cr_assert(zero(int, memcmp(&x.rx, &y.rx, sizeof(x.rx))),
			  "batch %d", batch);
		cr_assert(eq(u64, x.begin, y.begin));
		cr_assert(eq(u64, x.end, y.end));
	}
	cr_assert(gt(uint, runs, 100000));
	cr_assert(gt(u64, t_lost_of(2), 0));
	cr_assert(gt(u32, t_known(2, 1).rx.reordered, 0));
	cr_assert(gt(u32, t_known(2, 1).rx.restarts, 0));
}

static bool begins(uint64_t word, uint64_t now)
{
	struct cop_flow_run run;

	return cop_flow_run_begin(&run, &t_flows, word, now);
}

Test(cop_flow_run, begins_only_behind_a_datagram_of_the_same_sender_and_time)
{
	const struct cop_peer peer = t_peer_of(1, 1), other = t_peer_of(2, 1);
	const uint64_t now = 1000000 + 5 * 1000;

	cr_assert(not(begins(peer.word, now)));
	t_arrive(1, 5);
	cr_assert(begins(peer.word, now));
	cr_assert(not(begins(peer.word, now + 1)));
	cr_assert(not(begins(other.word, now)));
	u32_add(&t_flows.epoch, 1);
	cr_assert(not(begins(peer.word, now)));
}
