/* SPDX-License-Identifier: MIT */
/*
 * flow.h - the peers of a socket: the numbers of what is sent to each, and what is
 * known of what comes from them.
 */
#ifndef COP_FLOW_H
#define COP_FLOW_H

#include <linux/types.h>
#include <stdatomic.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "flow/source.h"

#define COP_FLOWS_MAX 1024 /* flows of one socket; then the oldest goes */

struct cop_flow_key {
	__be32 addr; /* of the peer */
	__be16 port; /* of the peer */
	uint16_t zero;
};

/* What was sent to a peer; times in microseconds, our clock. */
struct cop_sent {
	_Atomic(uint64_t) datagrams; /* (a) */
	_Atomic(uint64_t) bytes;     /* (a) of their payloads */
	_Atomic(uint64_t) begin;     /* (a) when the first was, 0: none */
	_Atomic(uint64_t) end;	     /* (a) when the last was */
};

struct cop_flow;
struct flow_table;
struct cop_backlog;

/*
 * Most sockets send to one destination, which needs no table: the first one a
 * socket ever has, as address << 16 | port.
 */
struct cop_flows {
	_Atomic(uint64_t) first;    /* (a) 0: none yet, ~0: it had to go */
	struct cop_sent first_sent; /* to it */
	_Atomic(struct flow_table *) table; /* (a) NULL: none was needed yet */
	struct cop_flow *head;	  /* (l) lock; those that were sent to, oldest
				   * first */
	struct cop_flow *rx_head; /* (l) those that only sent, likewise */
	struct cop_flow *rx_last; /* (l) the one that sent last, or NULL */
	_Atomic(struct cop_backlog *) backlog; /* (a) arrivals that came upon
						  * the lock; NULL: none yet */
	_Atomic(uint32_t) waiting;	       /* (a) of these, not taken yet */
	_Atomic(uint32_t) lock; /* (a) mark of the holder's process, or 0 */
	_Atomic(uint16_t) gen;	/* (a) how often the memory has changed hands */
	_Atomic(uint32_t) evicted; /* (a) flows that had to go */
	_Atomic(uint32_t) missed;  /* (a) arrivals that no flow took note of */
	_Atomic(uint32_t) unknown; /* (a) of these, such as may be any flow's */
};

/* What is known of one flow, for who asks. */
struct cop_flow_report {
	struct cop_flow_key key;
	uint64_t tx_datagrams, tx_bytes;
	uint64_t begin, end; /* of both ways; microseconds, our clock */
	struct cop_source rx;
};

/**
 * cop_flow_prepare - ask now for the random number that a lock's holder has
 */
void cop_flow_prepare(void);

/**
 * cop_flow_init - begin without flows
 * @flows: a new socket's: all zero, or as the memory's last owner left it
 *
 * Whoever still sends for that owner is in nobody's way.
 */
void cop_flow_init(struct cop_flows *flows);

/**
 * cop_flow_next - the sequence number of the next datagram to a destination
 * @flows: the socket's
 * @key: where to
 * @len: payload, bytes
 * @now: cop_clock_us()
 *
 * Returns the number of datagrams of this flow before this one; the low 32 bits
 * are what the header carries, and 0 is the first datagram of a flow. Lock-free,
 * async-signal-safe: a signal handler that interrupts this very function, or
 * another thread amid it, gets a number of its own.
 */
uint64_t cop_flow_next(struct cop_flows *flows, const struct cop_flow_key *key,
		       size_t len, uint64_t now);

/**
 * cop_flow_undo - give a number back whose datagram was not sent
 * @flows: the socket's
 * @key: where it was to go
 * @seq: what cop_flow_next() returned
 * @len: as was said there
 *
 * Where a later number is out already, the gap stays.
 */
void cop_flow_undo(struct cop_flows *flows, const struct cop_flow_key *key,
		   uint64_t seq, size_t len);

/**
 * cop_flow_more - note more payload of a datagram that is sent in parts
 * @flows: the socket's
 * @key: where to
 * @len: bytes
 */
void cop_flow_more(struct cop_flows *flows, const struct cop_flow_key *key,
		   size_t len);

/**
 * cop_flow_fold - keep what was sent to a peer while the socket was connected
 * @flows: the socket's
 * @key: the peer
 * @sent: what; there is none afterwards
 *
 * What is sent to it next begins anew.
 */
void cop_flow_fold(struct cop_flows *flows, const struct cop_flow_key *key,
		   struct cop_sent *sent);

/* How often this thread has taken note of a datagram. */
extern __thread uint32_t cop_rx_serial
	__attribute__((tls_model("initial-exec")));

/**
 * cop_flow_arrived - take note of a datagram
 * @flows: the socket's
 * @key: who sent it
 * @a: the datagram; ordered is set here
 * @serial: cop_rx_serial before it was received
 *
 * Never waits: where the table is busy the arrival is kept for whoever has it, and
 * where there is no room for that it is counted as missed. Async-signal-safe.
 */
void cop_flow_arrived(struct cop_flows *flows, const struct cop_flow_key *key,
		      struct cop_arrival *a, uint32_t serial);

/**
 * cop_flow_list - what is known of a socket's flows
 * @flows: the socket's
 * @from: how many to leave out
 * @reports: where what comes next is put
 * @n: how many there is room for
 *
 * Those that were sent to come first, oldest first; what was sent while the
 * socket is connected is not in it. Returns how many there are.
 */
unsigned int cop_flow_list(struct cop_flows *flows, unsigned int from,
			   struct cop_flow_report *reports, unsigned int n);

/**
 * cop_flow_destroy - forget all flows of a socket
 * @flows: the socket's
 */
void cop_flow_destroy(struct cop_flows *flows);

/**
 * cop_sent_add - note a datagram in what was sent; returns how many were before
 * @sent: to its peer
 * @len: payload, bytes
 * @now: cop_clock_us()
 */
static inline uint64_t cop_sent_add(struct cop_sent *sent, size_t len,
				    uint64_t now)
{
	u64_add(&sent->bytes, len);
	WRITE_ONCE(sent->end, now);
	return u64_add(&sent->datagrams, 1);
}

/* Take it back, if it is the last. */
static inline void cop_sent_undo(struct cop_sent *sent, uint64_t seq,
				 size_t len)
{
	uint64_t next = seq + 1;

	u64_add(&sent->bytes, -(uint64_t)len);
	u64_cas(&sent->datagrams, &next, seq);
}

#endif /* COP_FLOW_H */
