/* SPDX-License-Identifier: MIT */
/*
 * pending.h - sockets of UDP that may still become COP.
 */
#ifndef COP_PENDING_H
#define COP_PENDING_H

#include "adopt/carrier.h"

extern const struct proto cop_pending_ops;

/**
 * cop_pending_share - note that another process is about to have a socket
 * @sk: any sock that the caller keeps alive
 * @fd: its descriptor
 *
 * If the socket is pending, its mark says so from now on, and later tells what the
 * socket has become. Async-signal-safe.
 */
void cop_pending_share(struct sock *sk, int fd);

#endif /* COP_PENDING_H */
