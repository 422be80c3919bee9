/* SPDX-License-Identifier: MIT */
/*
 * soft_error.h - an error that a call has met too late to return it.
 *
 * A receive of several messages returns those that it has, and the next call on the
 * socket returns the error.
 */
#ifndef COP_SOFT_ERROR_H
#define COP_SOFT_ERROR_H

#include "datagram/proto.h"
#include "lib/atomic.h"
#include "lib/compiler.h"

/**
 * cop_soft_error_set - leave an error for the next call
 * @sk: the sock
 * @err: -errno
 */
static inline void cop_soft_error_set(struct sock *sk, int err)
{
	WRITE_ONCE(cop_sk(sk)->soft_err, -err);
	sock_set_flag(sk, SOCK_SOFT_ERROR);
}

/**
 * cop_soft_error - take the error that an earlier call has left
 * @sk: the sock
 *
 * Returns it as -errno and clears it, or 0. Counterpart: sock_error().
 */
static inline int cop_soft_error(struct sock *sk)
{
	if (likely(!sock_flag(sk, SOCK_SOFT_ERROR)))
		return 0;
	sock_reset_flag(sk, SOCK_SOFT_ERROR);
	return -atomic_exchange(&cop_sk(sk)->soft_err, 0);
}

#endif /* COP_SOFT_ERROR_H */
