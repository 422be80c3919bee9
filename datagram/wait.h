/* SPDX-License-Identifier: MIT */
/*
 * wait.h - how long a receive may wait that has come upon strays.
 */
#ifndef COP_WAIT_H
#define COP_WAIT_H

#include <stdint.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "socket/sock.h"

/* Of one call; times in microseconds, cop_clock_us(). */
struct cop_wait {
	uint64_t begin; /* when it began, 0: not known */
	uint64_t until; /* when it is to end that far, 0: as SO_RCVTIMEO says */
	int flags;	/* MSG_DONTWAIT once the waiting is done here */
};

/**
 * cop_wait_begin - note when a receive begins
 * @sk: a COP sock
 *
 * Only where it has a time to keep to.
 */
static inline struct cop_wait cop_wait_begin(struct sock *sk)
{
	struct cop_wait wait = { 0 };

	if (unlikely(sock_flag(sk, SOCK_RCVTIMEO)))
		wait.begin = cop_clock_us();
	return wait;
}

/**
 * cop_wait_again - wait for more behind a stray
 * @sk: a COP sock
 * @fd: its descriptor
 * @flags: of the call
 * @wait: of the call; its flags are to be added to those of the next receive
 *
 * The kernel would begin to count SO_RCVTIMEO anew. Returns 0 where to receive
 * again; -EAGAIN at the end of the time; -EINTR.
 */
int cop_wait_again(struct sock *sk, int fd, int flags, struct cop_wait *wait);

/**
 * cop_wait_note - note whether a socket has a SO_RCVTIMEO
 * @sk: a COP sock
 * @fd: its descriptor
 */
void cop_wait_note(struct sock *sk, int fd);

#endif /* COP_WAIT_H */
