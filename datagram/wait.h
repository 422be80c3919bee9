/* SPDX-License-Identifier: MIT */
/*
 * wait.h - how long a receive may still wait after a stray.
 */
#ifndef COP_WAIT_H
#define COP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "socket/sock.h"

/* The waiting of one call; times are microseconds of cop_clock_us(). */
struct cop_wait {
	uint64_t begin; /* when the call began, 0: not known */
	uint64_t until; /* when it has to end, 0: only SO_RCVTIMEO ends it */
	int flags; /* MSG_DONTWAIT once cop_wait_again() does the waiting */
	bool named; /* whether the room for the sender is memory of the library's */
};

/**
 * cop_wait_begin - note when a receive begins
 * @sk: a COP sock
 *
 * Reads the clock only for a socket with a SO_RCVTIMEO.
 */
static inline struct cop_wait cop_wait_begin(struct sock *sk)
{
	struct cop_wait wait = { 0 };

	if (unlikely(sock_flag(sk, SOCK_RCVTIMEO)))
		wait.begin = cop_clock_us();
	return wait;
}

/**
 * cop_wait_again - wait for the next datagram after a stray
 * @sk: a COP sock
 * @fd: its descriptor
 * @flags: MSG_* of the call
 * @wait: of the call; the next receive has to add its flags
 *
 * Returns 0 if the caller is to receive again, -EAGAIN at the end of the time, -EINTR.
 */
int cop_wait_again(struct sock *sk, int fd, int flags, struct cop_wait *wait);

/**
 * cop_wait_note - note whether a socket has a SO_RCVTIMEO
 * @sk: a COP sock
 * @fd: its descriptor
 */
void cop_wait_note(struct sock *sk, int fd);

#endif /* COP_WAIT_H */
