/* SPDX-License-Identifier: MIT */
/*
 * naming.h - calls that change a socket's port, address or peer.
 */
#ifndef COP_NAMING_H
#define COP_NAMING_H

#include <sys/socket.h>

#include "lib/addr.h"

struct sock;

/**
 * cop_naming_begin, cop_naming_end - enclose a call that may change a sock's names
 * @sk: the sock, which the caller keeps alive
 * @fd: the descriptor that the program used
 *
 * If another such call of the sock is in progress, the first records the cookie of
 * the kernel socket, and the second takes port, address and peer from the kernel: some
 * system calls each. Else they cost two atomic additions each. Calls may be nested.
 * errno may change. Async-signal-safe.
 */
void cop_naming_begin(struct sock *sk, int fd);
void cop_naming_end(struct sock *sk, int fd);

/**
 * cop_naming_resume - cop_naming_begin() for the second half of a send that binds
 * @sk: the sock, which the caller keeps alive
 * @fd: the descriptor that the program used
 *
 * The send's own autobind is no other call in progress.
 */
void cop_naming_resume(struct sock *sk, int fd);

/**
 * cop_take_names - set a sock's addresses to those of its kernel socket
 * @sk: the sock, which the caller keeps alive
 * @fd: its descriptor
 * @local: what getsockname() says
 *
 * errno may change. Async-signal-safe.
 */
void cop_take_names(struct sock *sk, int fd, const union cop_addr *local);

/**
 * cop_leave_peer - end the flow to the peer that a sock is connected to
 * @sk: the sock, which the caller keeps alive
 *
 * Adds the figures of the peer to its flow, and ends its sequence numbers. Does nothing
 * without a peer. Async-signal-safe.
 */
void cop_leave_peer(struct sock *sk);

#endif /* COP_NAMING_H */
