/* SPDX-License-Identifier: MIT */
/*
 * helper.h - a second kernel socket, which holds a port at the wildcard address
 * while a socket of the program binds to the port at one address.
 */
#ifndef COP_HELPER_H
#define COP_HELPER_H

#include <linux/types.h>
#include <stdbool.h>

#include "lib/addr.h"
#include "lib/scratch.h"

struct sock;

/**
 * cop_helps - whether a scratch socket can help a sock
 * @sk: the sock
 * @fd: its kernel socket
 * @helper: the scratch socket
 *
 * The helper is in the network namespace of the thread. It is of no use to a socket
 * that was made in another one. Async-signal-safe.
 */
bool cop_helps(struct sock *sk, int fd, const struct cop_scratch *helper);

/**
 * cop_bind_sees_all - whether a bind needs no helper
 * @sk: the sock
 * @fd: its kernel socket
 * @addr: address and port
 *
 * For the wildcard address the kernel itself refuses a port that any socket has,
 * except to a socket on one device and to one of IPv6 only. A socket of IPv4 does
 * not see the sockets of IPv6 only either: COP's table has those of this process,
 * and docs/limits.md names the others. errno may change. Async-signal-safe.
 */
bool cop_bind_sees_all(struct sock *sk, int fd, const union cop_addr *addr);

/**
 * cop_helper_bind - bind a helper at the wildcard address
 * @helper: the helper
 * @port: the port, network order; 0: any
 *
 * Returns 0 or the kernel's error: -EADDRINUSE if any socket of the host has the
 * port. Async-signal-safe.
 */
int cop_helper_bind(const struct cop_scratch *helper, __be16 port);

/**
 * cop_helper_share - let a kernel socket join a helper's port
 * @helper: the helper, bound to the port at the wildcard address
 * @fd: the kernel socket, which is about to be bound to it at one address
 *
 * To be followed by cop_helper_unshare(). Async-signal-safe.
 */
void cop_helper_share(const struct cop_scratch *helper, int fd);
void cop_helper_unshare(int fd);

#endif /* COP_HELPER_H */
