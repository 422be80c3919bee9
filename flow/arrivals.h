/* SPDX-License-Identifier: MIT */
/*
 * arrivals.h - what arrives, and what a thread does before it lets go of the lock of
 * the flows.
 */
#ifndef COP_FLOW_ARRIVALS_H
#define COP_FLOW_ARRIVALS_H

#include "flow/flow.h"
#include "flow/lock.h"
#include "flow/source.h"
#include "flow/table.h"
#include "lib/atomic.h"
#include "lib/compiler.h"

/**
 * cop_flow_take_backlog - take note of the arrivals in the backlog
 * @flows: the socket's flows; the caller holds their lock
 * @table: their table
 */
void cop_flow_take_backlog(struct cop_flows *flows, struct flow_table *table);

/* cop_flow_unlock() where other threads have left something. */
void cop_flow_unlock_slow(struct cop_flows *flows);

/**
 * cop_flow_unlock - let go of the lock, and see to what other threads have left
 * @flows: the socket's flows; the caller holds their lock
 *
 * Counterpart: release_sock().
 */
static inline void cop_flow_unlock(struct cop_flows *flows)
{
	cop_flow_leave(flows);
	if (unlikely(READ_ONCE(flows->waiting)))
		cop_flow_unlock_slow(flows);
}

/* cop_flow_unlock() of a thread that is alone. */
static inline void cop_flow_unlock_alone(struct cop_flows *flows)
{
	cop_flow_leave(flows);
	/* The look comes second, or a handler's arrival in between stays there. */
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(READ_ALONE(flows->waiting)))
		cop_flow_unlock_slow(flows);
}

/*
 * cop_flow_arrived() where the lock was not free. What these two get is no
 * pointer's target, so that the short way keeps it in registers.
 */
void cop_flow_arrived_unlocked(struct cop_flows *flows, struct cop_peer peer,
			       struct cop_arrival a, uint32_t serial);

/*
 * Count an arrival that is not the next one of the last sender, and let go of the lock,
 * which the caller has taken without a look at the table: there may be none.
 */
void cop_flow_arrived_odd(struct cop_flows *flows, struct cop_peer peer,
			  struct cop_arrival a, uint32_t serial);

/* The last moment of a flow. Only a handler can have sent later, if the thread is alone. */
static inline void cop_flow_end_at(struct cop_flow *flow, uint64_t now,
				   const bool alone)
{
	if (alone || likely(now > READ_ONCE(flow->end)))
		WRITE_ONCE(flow->end, now);
}

/* Take a longer silence than ever for the flow's gap, unless cop_source_next() can't. */
static inline bool cop_flow_longer_quiet(struct cop_flow *flow, uint64_t silent)
{
	if (unlikely(silent > COP_SOURCE_SOON_US))
		return false;
	flow->quiet = flow->rx.gap = silent;
	return true;
}

/*
 * Whether @odd is 0 and a datagram is the next one of the last sender, of which this thread
 * has received the last one, too. Notes a longer silence than ever, if so. Holds the lock.
 * Nothing is late, so @a->ordered does not matter. The flow has begun with an earlier
 * datagram, and as its epoch is the flows', it is the owner's, and cop_source.skip is not
 * set. There is a table, since there is a last sender.
 */
static inline bool cop_flow_is_next(struct cop_flows *flows, uint64_t word,
				    const struct cop_arrival *a, uint64_t odd,
				    const bool alone)
{
	struct cop_flow *flow = flows->rx_last;
	uint64_t silent;

	odd = afresh(odd |
		     ((alone ? READ_ALONE(flow->word) : READ_ONCE(flow->word)) ^
		      word));
	odd = afresh(odd | (flow->epoch ^ (alone ? READ_ALONE(flows->epoch)
						 : READ_ONCE(flows->epoch))));
	silent = a->now - flow->rx.end;
	if (unlikely(odd | cop_source_ahead(&flow->rx, a)) ||
	    unlikely(!alone && flow->receiver != &cop_rx_serial))
		return false;
	return likely(silent <= flow->quiet) ||
	       cop_flow_longer_quiet(flow, silent);
}

/* Count a datagram of which cop_flow_is_next() is true. Holds the lock. */
static inline void cop_flow_take_next(struct cop_flows *flows,
				      const struct cop_arrival *a,
				      const bool alone)
{
	struct cop_flow *flow = flows->rx_last;

	flow->run++;
	cop_source_next(&flow->rx, a);
	cop_flow_end_at(flow, a->now, alone);
}

/* Count the next datagram of the last sender, if it is this one. Holds the lock. */
static inline bool cop_flow_arrived_next(struct cop_flows *flows, uint64_t word,
					 const struct cop_arrival *a,
					 const bool alone)
{
	if (unlikely(!cop_flow_is_next(flows, word, a, 0, alone)))
		return false;
	cop_flow_take_next(flows, a, alone);
	return true;
}

/**
 * cop_flow_word_from - cop_endpoint_word() of a sender, without a hash for the last one
 * @flows: the socket's flows
 * @end: the sender
 */
static inline uint64_t cop_flow_word_from(struct cop_flows *flows,
					  const struct cop_endpoint *end)
{
	struct cop_flow *last = one_thread() ? flows->rx_last : NULL;
	uint64_t word = last ? READ_ONCE(last->word) : 0;

	/* A signal handler may have made it another peer's flow between two loads. */
	if (last && likely(cop_endpoint_equal(&last->peer, end)) &&
	    likely(READ_ONCE(last->word) == word))
		return word;
	return cop_endpoint_word(end);
}

/*
 * cop_rx_serial++, behind a call that began with its value. The compiler would keep the
 * variable's place in a register meanwhile.
 */
static inline void cop_rx_serial_next(void)
{
#ifdef __x86_64__
	uintptr_t at;

	__asm__ volatile("movq cop_rx_serial@gottpoff(%%rip), %0\n\t"
			 "addl $1, %%fs:(%0)"
			 : "=r"(at)
			 :
			 : "memory");
#else
	cop_rx_serial++;
#endif
}

/* cop_flow_arrived() for a caller that has asked one_thread() already. */
static inline void cop_flow_arrived_as(struct cop_flows *flows,
				       const struct cop_peer *peer,
				       const struct cop_arrival *a,
				       uint32_t serial, const bool alone)
{
	const bool taken = cop_flow_lock_free(flows, alone);

	cop_rx_serial++;
	if (unlikely(!taken))
		cop_flow_arrived_unlocked(flows, *peer, *a, serial);
	else if (likely(cop_flow_arrived_next(flows, peer->word, a, alone)))
		cop_flow_unlock(flows);
	else
		cop_flow_arrived_odd(flows, *peer, *a, serial);
}

/**
 * cop_flow_arrived - count a datagram that was received
 * @flows: the socket's flows
 * @peer: the sender
 * @a: the datagram, without @a->ordered
 * @serial: cop_rx_serial before the receive
 *
 * Never waits. If another thread holds the lock, the arrival goes to the backlog;
 * if there is no room either, it counts as missed. Async-signal-safe.
 */
static inline void cop_flow_arrived(struct cop_flows *flows,
				    const struct cop_peer *peer,
				    const struct cop_arrival *a,
				    uint32_t serial)
{
	cop_flow_arrived_as(flows, peer, a, serial, one_thread());
}

#endif /* COP_FLOW_ARRIVALS_H */
