/* SPDX-License-Identifier: MIT */
/*
 * hold.h - a socket that a call keeps alive, and that a signal handler may leave behind.
 */
#ifndef COP_HOLD_H
#define COP_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "socket/sock.h"

/*
 * What a call holds. (t): of one thread, and its signal handlers. It lies on no stack, so
 * a handler that jumps out of the call leaves it as it is.
 */
struct sock_hold {
	_Atomic(struct socket *) sock; /* (t) NULL: not yet, or not any more */
	uintptr_t frame;	       /* (t) the stack frame of the call */
	int fd;		 /* (t) the descriptor that the program used */
	uint32_t naming; /* (t) cop_naming_begin() less cop_naming_end() */
	_Atomic(uint16_t) claim; /* (t) a port that is claimed for the sock, and
				  * not its own yet, host order; 0: none */
};

#define SOCK_HOLDS 8

/* The holds of this thread, the outermost first: a handler's calls nest. */
struct sock_holds {
	_Atomic(unsigned int)
		n; /* (t) may be more than SOCK_HOLDS: then the last
				  * ones are not noted */
	struct sock_hold hold[SOCK_HOLDS];
};

extern __thread struct sock_holds sock_holds
	__attribute__((tls_model("initial-exec")));

/**
 * fd_hold - sockfd_get() for a call of which a signal handler may jump out
 * @fd: any number
 * @at: gets the hold's place, for fd_unhold()
 *
 * Returns the socket or NULL; the caller ends with fd_unhold(), in every case. If a
 * handler jumps out of the call, the next fd_hold() of the thread, or its next close of
 * a descriptor, drops the socket. Async-signal-safe; errno stays.
 */
struct socket *fd_hold(int fd, unsigned int *at);

/**
 * fd_unhold - fd_drop() for the socket of a fd_hold()
 * @sock: that socket, or NULL
 * @at: from fd_hold()
 */
void fd_unhold(struct socket *sock, unsigned int at);

/* fd_holds_drop_lost() where there is a hold. */
void fd_holds_look(void);

/**
 * fd_holds_drop_lost - drop the sockets of calls that a signal handler has jumped out of
 *
 * A compare if the thread holds nothing. Else a system call: a handler may have a stack
 * of its own. Async-signal-safe; errno stays.
 */
static inline void fd_holds_drop_lost(void)
{
	if (unlikely(READ_ONCE(sock_holds.n)))
		fd_holds_look();
}

/* The thread's last hold, if it is of that sock. */
static inline struct sock_hold *fd_hold_of(const struct sock *sk)
{
	const unsigned int n = READ_ONCE(sock_holds.n);
	struct socket *sock;

	if (unlikely(!n || n > SOCK_HOLDS))
		return NULL;
	sock = READ_ONCE(sock_holds.hold[n - 1].sock);
	return likely(sock && READ_ONCE(sock->sk) == sk)
		       ? &sock_holds.hold[n - 1]
		       : NULL;
}

/**
 * fd_hold_naming - count a call that names a sock in the thread's last hold
 * @sk: the sock
 * @by: 1 for cop_naming_begin(), -1 for cop_naming_end(), which may be of an earlier hold
 */
static inline void fd_hold_naming(const struct sock *sk, int by)
{
	struct sock_hold *hold = fd_hold_of(sk);

	if (likely(hold) && (by > 0 || likely(hold->naming)))
		hold->naming += by;
}

/**
 * fd_hold_claim - note a claim of a port that a sock does not have yet
 * @sk: the sock
 * @snum: the port, host order; 0: the sock has it now, or it is about to be given back
 */
static inline void fd_hold_claim(const struct sock *sk, uint16_t snum)
{
	struct sock_hold *hold = fd_hold_of(sk);

	if (likely(hold))
		WRITE_ONCE(hold->claim, snum);
}

#endif /* COP_HOLD_H */
