/* SPDX-License-Identifier: MIT */
/*
 * pending.h - sockets of UDP that may still become COP.
 */
#ifndef COP_PENDING_H
#define COP_PENDING_H

#include "filter/attach.h"
#include "socket/sock.h"

extern struct proto cop_undecided_prot;
extern struct proto cop_plain_prot;

/**
 * cop_undecided_share - note that another process is about to have a socket
 * @sk: any sock that the caller keeps alive
 * @fd: its descriptor
 *
 * If the socket is pending, its mark says so from now on, and then tells what it
 * becomes. Async-signal-safe.
 */
void cop_undecided_share(struct sock *sk, int fd);

/* Whether a mark is that of such a socket. */
bool cop_undecided_is_marked(const struct cop_mark *mark);

#endif /* COP_PENDING_H */
