// SPDX-License-Identifier: MIT
/*
 * datagram/rx_count.c - the figures of the datagrams that a batch has brought: counters of
 * the sock, and the flow of each sender.
 *
 * Owns: nothing. Protected by: atomic operations for the counters, cop_flows.lock for the
 * flows. Counterpart in the kernel: UDP_INC_STATS() of udp_recvmsg().
 */
#include "datagram/proto.h"
#include "datagram/rx_count.h"
#include "datagram/rx_short.h"
#include "flow/arrivals.h"
#include "flow/run.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/endpoint.h"

/* Who sent a message, or nobody. A message without a name is the @peer's. */
static inline struct cop_peer rx_from(const struct msghdr *whole,
				      const struct cop_peer *peer)
{
	return whole->msg_name
		       ? cop_peer_of(whole->msg_name, whole->msg_namelen)
		       : *peer;
}

static inline void rx_check_ports(struct sock *sk, const struct cop_peer *from,
				  const struct cop_hdr_info *hdr)
{
	if (unlikely(cop_rx_ports_differ(sk, from, hdr)))
		u32_add(&cop_sk(sk)->count.port_mismatch, 1);
}

static noinline void rx_tell_flow(struct rx_batch *b, struct sock *sk,
				  const struct cop_peer *from,
				  const struct cop_hdr_info *hdr, uint32_t len)
{
	const struct cop_arrival a = { .now = b->now,
				       .seq = hdr->seq,
				       .tstamp = hdr->tstamp,
				       .len = len,
				       .first = hdr->first };

	cop_flow_arrived(&cop_sk(sk)->flows, from, &a, b->serial++);
}

/* Holds the lock of the flows. */
static inline unsigned int rx_tell_locked(struct rx_batch *b, struct sock *sk,
					  const struct cop_peer *from,
					  unsigned int i, unsigned int end)
{
	struct cop_flow_run run;

	if (unlikely(!cop_flow_run_begin(&run, &cop_sk(sk)->flows, from->word,
					 b->now)))
		return i;
	for (; i < end; i++) {
		const struct msghdr *whole = &b->vec[i].msg_hdr;
		const struct cop_hdr_info hdr = cop_hdr_read(rx_wire(whole));
		const struct cop_peer next = rx_from(whole, from);

		if (unlikely(hdr.first || next.word != from->word ||
			     !cop_flow_run_next(&run, hdr.seq, hdr.tstamp,
						b->vec[i].msg_len - COP_HLEN)))
			break;
		rx_check_ports(sk, &next, &hdr);
	}
	cop_flow_run_end(&run);
	b->serial += run.n;
	return i;
}

/*
 * Tell the flow of @from of datagrams from message @i on: they came behind one of the
 * same flow. Returns the first message that is something else, or @end.
 */
static inline unsigned int rx_tell_run(struct rx_batch *b, struct sock *sk,
				       const struct cop_peer *from,
				       unsigned int i, unsigned int end)
{
	struct cop_flows *flows = &cop_sk(sk)->flows;
	struct flow_table *table =
		atomic_load_explicit(&flows->table, memory_order_acquire);

	if (i == end || unlikely(!table || !cop_flow_trylock(flows, table)))
		return i;
	i = rx_tell_locked(b, sk, from, i, end);
	cop_flow_unlock(flows);
	return i;
}

static inline void rx_tell_flows(struct rx_batch *b, struct sock *sk,
				 unsigned int i, unsigned int end)
{
	const struct cop_peer peer = cop_slot_peer(&sk->sk_daddr);

	while (i < end) {
		const struct msghdr *whole = &b->vec[i].msg_hdr;
		const struct cop_hdr_info hdr = cop_hdr_read(rx_wire(whole));
		const struct cop_peer from = rx_from(whole, &peer);
		const uint32_t len = b->vec[i++].msg_len - COP_HLEN;

		rx_check_ports(sk, &from, &hdr);
		if (unlikely(!cop_peer_is_known(&from)))
			continue;
		rx_tell_flow(b, sk, &from, &hdr, len);
		i = rx_tell_run(b, sk, &from, i, end);
	}
}

flatten void cop_rx_count(struct rx_batch *b, struct sock *sk,
			  const struct rx_plain *plain, unsigned int end)
{
	struct cop_counters *count = &cop_sk(sk)->count;
	const unsigned int n = end - plain->begin;
	const bool alone = one_thread();

	if (!n || unlikely(b->gen != READ_ONCE(cop_sk(sk)->flows.gen)))
		return;
	u32_count(&count->rx_datagrams, n, alone);
	u64_count(&count->rx_bytes, plain->bytes, alone);
	if (unlikely(plain->truncated))
		u32_add(&count->rx_truncated, plain->truncated);
	rx_tell_flows(b, sk, plain->begin, end);
}
