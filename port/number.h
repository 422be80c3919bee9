/* SPDX-License-Identifier: MIT */
/*
 * number.h - a bind to a port by its number.
 */
#ifndef COP_NUMBER_H
#define COP_NUMBER_H

#include "lib/addr.h"

struct sock;

/**
 * cop_bind_number - bind a sock to a port by its number
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: address and port
 *
 * Returns as cop_bind() does. Async-signal-safe.
 */
int cop_bind_number(struct sock *sk, int fd, const union cop_addr *addr);

#endif /* COP_NUMBER_H */
