/* SPDX-License-Identifier: MIT */
/*
 * fault.h - the error of a bind whose port is taken.
 */
#ifndef COP_FAULT_H
#define COP_FAULT_H

#include <stdbool.h>

#include "lib/addr.h"

struct sock;

/**
 * cop_sk_is_bound - whether a second bind would be refused
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 *
 * One system call. errno may change. Async-signal-safe.
 */
bool cop_sk_is_bound(struct sock *sk, int fd);

/**
 * cop_forget_address - record that a sock has no address any more
 * @sk: the sock, which the caller keeps alive
 *
 * A disconnect leaves the address of an earlier bind. A bind to a port that is taken
 * takes it away, as in the kernel.
 */
void cop_forget_address(struct sock *sk);

/**
 * cop_ask_fault - the kernel's error for a bind to a port that is taken
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: address and port
 *
 * Returns what the kernel objects to before it looks at the port, else -EINVAL if
 * the socket is bound already, else -EADDRINUSE: a COP socket at another address
 * may hold the port. Async-signal-safe.
 */
int cop_ask_fault(struct sock *sk, int fd, const union cop_addr *addr);

/**
 * cop_bind_fault - as cop_ask_fault(), which is only called if need be
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: address and port
 */
int cop_bind_fault(struct sock *sk, int fd, const union cop_addr *addr);

#endif /* COP_FAULT_H */
