/* SPDX-License-Identifier: MIT */
/*
 * run.h - datagrams of one sender that a batch has brought. Nearly all of them have the
 * next number, and all came at one time: so the figures stay in registers meanwhile.
 */
#ifndef COP_FLOW_RUN_H
#define COP_FLOW_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/arrivals.h"
#include "flow/flow.h"
#include "flow/source.h"
#include "flow/table.h"
#include "lib/compiler.h"

/* What changes in struct cop_source, and how many datagrams have come. */
struct cop_flow_run {
	struct cop_flow *flow;
	uint32_t seq; /* the next number */
	uint32_t now; /* microseconds, our clock */
	uint32_t last_tstamp;
	uint32_t jitter;
	uint32_t transit;
	uint32_t n;
	uint64_t bytes;
};

/**
 * cop_flow_run_begin - begin a run behind a datagram that cop_flow_arrived() has counted
 * @run: the run
 * @flows: the socket's flows; the caller holds their lock until cop_flow_run_end()
 * @word: cop_endpoint_word() of the sender
 * @now: cop_clock_us() when the datagram came
 *
 * Returns false where the next datagram has to be counted in another way.
 */
static inline bool cop_flow_run_begin(struct cop_flow_run *run,
				      struct cop_flows *flows, uint64_t word,
				      uint64_t now)
{
	struct cop_flow *flow = flows->rx_last;
	const struct cop_source *s;

	if (unlikely(READ_ONCE(flow->word) != word ||
		     (!one_thread() && flow->receiver != &cop_rx_serial) ||
		     flow->epoch != READ_ONCE(flows->epoch)))
		return false;
	s = &flow->rx;
	if (unlikely(s->skip || s->end != now))
		return false;
	*run = (struct cop_flow_run){ .flow = flow,
				      .seq = (uint32_t)s->next,
				      .now = (uint32_t)now,
				      .last_tstamp = s->last_tstamp,
				      .jitter = s->jitter,
				      .transit = s->transit };
	return true;
}

/**
 * cop_flow_run_next - count a datagram of the run
 * @run: the run
 * @seq: its number
 * @tstamp: its time, the sender's clock
 * @len: payload, bytes
 *
 * It has no COP_F_FIRST. Returns false, with nothing done, where it is not the next one.
 */
static inline bool cop_flow_run_next(struct cop_flow_run *run, uint32_t seq,
				     uint32_t tstamp, uint32_t len)
{
	const int32_t newer = tstamp - run->last_tstamp;
	const uint32_t transit = run->now - tstamp;

	if (unlikely(seq != run->seq))
		return false;
	run->seq++;
	if (cop_tstamp_is_last(newer))
		run->last_tstamp = tstamp;
	run->jitter = cop_jitter_next(run->jitter, run->transit, transit);
	run->transit = transit;
	run->bytes += len;
	run->n++;
	return true;
}

/**
 * cop_flow_run_end - put the figures of a run into its flow
 * @run: the run
 *
 * The time of the last datagram is there already.
 */
static inline void cop_flow_run_end(const struct cop_flow_run *run)
{
	struct cop_source *s = &run->flow->rx;
	const uint32_t n = run->n;

	cop_rx_serial += n;
	run->flow->run += n;
	s->next += n;
	s->window = n < COP_SOURCE_WINDOW ? (s->window << n) | ((1ull << n) - 1)
					  : ~0ull;
	s->last_tstamp = run->last_tstamp;
	s->jitter = run->jitter;
	s->transit = run->transit;
	s->bytes += run->bytes;
	s->datagrams += n;
}

#endif /* COP_FLOW_RUN_H */
