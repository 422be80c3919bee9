/* SPDX-License-Identifier: MIT */
/*
 * ephemeral.h - a bind to port 0.
 */
#ifndef COP_EPHEMERAL_H
#define COP_EPHEMERAL_H

#include <stdint.h>

#include "lib/addr.h"

struct sock;

/* The library offers the kernel this many ports; after that the kernel chooses. */
#define COP_BIND_TRIES 3

/* A transport that was loaded may choose so many that are other processes'. */
#define COP_RULE_TRIES 64

/**
 * cop_claim_candidate - claim a port for an ephemeral bind
 * @sk: the sock
 *
 * Asks the transport's get_port. Returns the port, host order, which the caller must
 * record or release; 0 if the kernel shall choose one; -errno if the transport has no
 * port left. Async-signal-safe; errno may change.
 */
int cop_claim_candidate(struct sock *sk);

/**
 * cop_port_note_ipv6 - note that this process has a COP socket of IPv6
 *
 * From now on a port that the kernel chooses for the wildcard of IPv4 may be one that
 * such a socket has. Async-signal-safe.
 */
void cop_port_note_ipv6(void);

/**
 * cop_bind_any - bind a sock to a free port
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: the address, with port 0
 *
 * Returns as cop_bind() does. Async-signal-safe.
 */
int cop_bind_any(struct sock *sk, int fd, const union cop_addr *addr);

/**
 * cop_bind_choice - bind a sock to a free port of the kernel's choice
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: the address, with port 0
 *
 * Returns as cop_get_port() does. Async-signal-safe.
 */
int cop_bind_choice(struct sock *sk, int fd, const union cop_addr *addr);

#endif /* COP_EPHEMERAL_H */
