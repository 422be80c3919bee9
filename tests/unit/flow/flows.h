/* SPDX-License-Identifier: MIT */
/*
 * flows.h - what the tests of flow/ share: the flows of one socket, and short ways
 * to send to a peer of it and to let a datagram of a peer arrive.
 */
#ifndef COP_TEST_FLOWS_H
#define COP_TEST_FLOWS_H

#include <stdint.h>

#include "flow/arrivals.h"
#include "flow/flow.h"
#include "unit/helpers.h"

#define T_LEN 10 /* payload of a datagram that arrives, bytes */

extern struct cop_flows t_flows;

void t_flow_init(void); /* for TestSuite(): t_flows without flows */

struct cop_endpoint t_peer(uint32_t addr, uint16_t port); /* host order */
struct cop_peer t_peer_of(uint32_t addr, uint16_t port);  /* likewise */

/* cop_flow_next() and cop_flow_undo() of one byte, at time 1. */
uint64_t t_next(uint32_t addr, uint16_t port);
void t_undo(uint32_t addr, uint16_t port, uint64_t seq);

/*
 * cop_flow_arrived() of a datagram from port 1 of a peer, which sends one each
 * millisecond; @len defaults to T_LEN.
 */
void t_arrive(uint32_t addr, uint32_t seq);
void t_arrive_of(uint32_t addr, uint32_t seq, size_t len);

/* What cop_flow_list() reports of a peer; all zero if nothing. */
struct cop_flow_report t_known(uint32_t addr, uint16_t port);
uint64_t t_lost_of(uint32_t addr); /* of port 1 */

/* cop_flow_fold() for port 1 of a peer. */
void t_fold(uint32_t addr, struct cop_sent *sent);

/* The counters of @n datagrams of T_LEN bytes. */
struct cop_sent t_sent(uint64_t n, uint64_t begin, uint64_t end);

/*
 * Let a thread of this process, which never runs, hold the lock. Makes the table,
 * with a flow for a peer that has port 0.
 */
void t_hold_lock(void);

#endif /* COP_TEST_FLOWS_H */
