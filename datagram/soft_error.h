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

/* cop_soft_error_of_send() where there is an error. */
int cop_soft_error_behind(struct sock *sk, int fd, const struct msghdr *msg,
			  int flags, size_t len);

/**
 * cop_soft_error_of_send - what a send returns because of an error that is left
 * @sk: the sock
 * @fd: its descriptor
 * @msg: what is sent
 * @flags: MSG_*
 * @len: bytes of payload
 *
 * The kernel tells a pending error behind all that it objects to in the send itself.
 * Returns such an objection, and the error stays; or the error; or 0. A load and a compare
 * if no error is left, else one system call. Async-signal-safe.
 */
static inline int cop_soft_error_of_send(struct sock *sk, int fd,
					 const struct msghdr *msg, int flags,
					 size_t len)
{
	if (likely(!sock_flag(sk, SOCK_SOFT_ERROR)))
		return 0;
	return cop_soft_error_behind(sk, fd, msg, flags, len);
}

#endif /* COP_SOFT_ERROR_H */
