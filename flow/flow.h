/* SPDX-License-Identifier: MIT */
/*
 * flow.h - the flows of a socket. A *flow* is all that a socket and one peer send
 * each other. The room counts the datagrams of each flow in both directions,
 * numbers the outgoing ones, and finds loss, order and jitter of the incoming ones.
 *
 * A socket has at most COP_FLOWS_MAX flows; then the oldest one is *evicted*.
 * Numbers and figures of an evicted flow begin anew if its peer comes back.
 */
#ifndef COP_FLOW_H
#define COP_FLOW_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/endpoint.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "flow/source.h"

#define COP_FLOWS_MAX 1024

/* What the socket has sent to one peer; times in microseconds, our clock. */
struct cop_sent {
	_Atomic(uint64_t) datagrams; /* (a) */
	_Atomic(uint64_t) bytes;     /* (a) of their payloads */
	_Atomic(uint64_t) begin; /* (a) time of the first one, 0: none yet */
	_Atomic(uint64_t) end;	 /* (a) time of the last one */
};

struct cop_flow;
struct flow_table;
struct cop_backlog;

/*
 * The flows of one socket. Most sockets send to one destination only, and that
 * needs no table: the counters of the first destination are here. An IPv6
 * destination does not fit in one word, so it has a flow in the table.
 */
struct cop_flows {
	_Atomic(uint64_t) first;    /* (a) the first destination, as
				  * cop_peer.word; 0: none yet, ~0: it
				  * was evicted or is in the table */
	struct cop_sent first_sent; /* what went to the first destination */
	_Atomic(struct flow_table *) table; /* (a) NULL: not needed yet */
	struct cop_flow *head;	  /* (l) lock; destinations, oldest first */
	struct cop_flow *rx_head; /* (l) peers the socket has only received
				   * from, oldest first */
	struct cop_flow *rx_last; /* (l) flow of the last arrival, or
				   * cop_flow_nobody */
	_Atomic(struct cop_backlog *) backlog; /* (a) arrivals that found the
						* lock taken; NULL: none yet */
	_Atomic(uint32_t) waiting; /* (a) arrivals in the backlog, and
				    * FLOW_FRESH */
	_Atomic(uint32_t) lock;	   /* (a) the holder's mark, see lock.h;
				    * 0: free */
	_Atomic(uint16_t) gen; /* (a) owners that the sock's memory has had */
	_Atomic(uint32_t) evicted; /* (a) flows that were evicted */
	_Atomic(uint32_t) missed;  /* (a) arrivals that no flow counts */
	_Atomic(uint32_t) epoch;   /* (a) another one for each owner, and once
				    * an arrival is missed that may belong to a
				    * flow of the table */
};

/* What cop_flow_list() tells of one flow. */
struct cop_flow_report {
	struct cop_endpoint peer;
	uint64_t tx_datagrams, tx_bytes;
	uint64_t begin, end; /* time of the first and of the last datagram, sent
			       * or received; microseconds, our clock */
	struct cop_source rx; /* figures of what the peer sends */
};

/**
 * cop_flow_prepare - draw the random mark of this process for its locks now
 *
 * For a process that may not ask for random numbers later.
 */
void cop_flow_prepare(void);

/**
 * cop_flow_init - begin without flows
 * @flows: of a new socket: all zero, or as the memory's last owner left it
 *
 * Another thread may still be sending for the last owner; it changes nothing
 * of the new one's.
 */
void cop_flow_init(struct cop_flows *flows);

/**
 * cop_flow_undo - give back the number of a datagram that was not sent
 * @flows: the socket's flows
 * @peer: the destination
 * @seq: what cop_flow_next() returned
 * @len: payload, bytes
 *
 * If a later number has been given out already, the number stays unused.
 */
void cop_flow_undo(struct cop_flows *flows, const struct cop_peer *peer,
		   uint64_t seq, size_t len);

/**
 * cop_flow_more - count more payload of a datagram that is sent in parts
 * @flows: the socket's flows
 * @peer: the destination
 * @len: bytes
 */
void cop_flow_more(struct cop_flows *flows, const struct cop_peer *peer,
		   size_t len);

/**
 * cop_flow_fold - move the counters of a connection to the peer's flow
 * @flows: the socket's flows
 * @end: the peer
 * @sent: what the socket has sent while it was connected; 0 afterwards
 *
 * The next datagram to the peer has number 0.
 */
void cop_flow_fold(struct cop_flows *flows, const struct cop_endpoint *end,
		   struct cop_sent *sent);

/* How often this thread has called cop_flow_arrived(). */
extern __thread uint32_t cop_rx_serial
	__attribute__((tls_model("initial-exec")));

/**
 * cop_flow_list - report the flows of a socket
 * @flows: the socket's flows
 * @from: how many flows to leave out
 * @reports: receives the following ones
 * @n: room in @reports
 *
 * Destinations come first, oldest first. The counters of the first destination and
 * of a connection are in the list only once cop_flow_fold() has moved them there.
 * Returns the number of all flows in the list.
 */
unsigned int cop_flow_list(struct cop_flows *flows, unsigned int from,
			   struct cop_flow_report *reports, unsigned int n);

/**
 * cop_flow_destroy - forget all flows of a socket
 * @flows: the socket's flows
 */
void cop_flow_destroy(struct cop_flows *flows);

/**
 * cop_sent_next_many - count datagrams that are sent
 * @sent: the counters of their destination
 * @n: how many
 * @len: payload of all of them, bytes
 * @now: cop_clock_us()
 * @alone: one_thread()
 *
 * Returns how many datagrams were counted before.
 */
static inline uint64_t cop_sent_next_many(struct cop_sent *sent, uint64_t n,
					  size_t len, uint64_t now,
					  const bool alone)
{
	uint64_t seq;

	u64_count(&sent->bytes, len, alone);
	WRITE_ONCE(sent->end, now);
	seq = u64_add_as(&sent->datagrams, n, alone);
	if (unlikely(!seq))
		WRITE_ONCE(sent->begin, now);
	return seq;
}

/* cop_sent_next_many() for one datagram. */
static inline uint64_t cop_sent_next_as(struct cop_sent *sent, size_t len,
					uint64_t now, const bool alone)
{
	return cop_sent_next_many(sent, 1, len, now, alone);
}

/* cop_flow_next_many() for a peer that is not the first destination, or not yet. */
uint64_t cop_flow_next_other(struct cop_flows *flows, struct cop_peer peer,
			     uint64_t n, size_t len, uint64_t now);

/**
 * cop_flow_next_many - cop_flow_next() for several datagrams to one destination
 * @n: how many datagrams
 * @len: payload of all of them, bytes
 *
 * Returns the first number; the others follow it.
 */
static inline uint64_t cop_flow_next_many(struct cop_flows *flows,
					  const struct cop_peer *peer,
					  uint64_t n, size_t len, uint64_t now)
{
	if (likely(READ_ONCE(flows->first) == peer->word))
		return cop_sent_next_many(&flows->first_sent, n, len, now,
					  one_thread());
	return cop_flow_next_other(flows, *peer, n, len, now);
}

/*
 * cop_flow_next() for a caller that has asked one_thread() already. Without a first
 * destination, that of word 0 is it: the kernel refuses this name, so its number is
 * given back.
 */
static inline uint64_t cop_flow_next_as(struct cop_flows *flows,
					const struct cop_peer *peer, size_t len,
					uint64_t now, const bool alone)
{
	if (likely(READ_ONCE(flows->first) == peer->word))
		return cop_sent_next_as(&flows->first_sent, len, now, alone);
	return cop_flow_next_other(flows, *peer, 1, len, now);
}

/**
 * cop_flow_next - the sequence number of the next datagram to a destination
 * @flows: the socket's flows
 * @peer: the destination
 * @len: payload, bytes
 * @now: cop_clock_us()
 *
 * Returns how many datagrams of this flow were sent before; the header carries
 * the low 32 bits. Lock-free, async-signal-safe: a signal handler that
 * interrupts this very function gets a number of its own.
 */
static inline uint64_t cop_flow_next(struct cop_flows *flows,
				     const struct cop_peer *peer, size_t len,
				     uint64_t now)
{
	return cop_flow_next_as(flows, peer, len, now, one_thread());
}

/**
 * cop_sent_undo - undo cop_sent_next_as()
 * @sent: the counters of the destination
 * @seq: what cop_sent_next_as() returned
 * @len: payload, bytes
 *
 * If a later datagram has been counted, the number of datagrams stays.
 */
static inline void cop_sent_undo(struct cop_sent *sent, uint64_t seq,
				 size_t len)
{
	uint64_t next = seq + 1;

	u64_add(&sent->bytes, -(uint64_t)len);
	u64_cas(&sent->datagrams, &next, seq);
}

#endif /* COP_FLOW_H */
