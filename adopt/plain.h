/* SPDX-License-Identifier: MIT */
/*
 * plain.h - sockets of UDP that stay UDP.
 */
#ifndef COP_PLAIN_H
#define COP_PLAIN_H

#include "adopt/carrier.h"

extern const struct proto cop_plain_ops;

/*
 * The kernel binds the socket in its own send, so there is nothing to do around it.
 * For pending sockets too.
 */
int cop_plain_autobind(struct sock *sk, int fd);
bool cop_plain_autobound(struct sock *sk, int fd, int err);

static inline bool cop_is_plain(struct sock *sk)
{
	return sk->sk_prot == cop_plain_of(sk);
}

#endif /* COP_PLAIN_H */
