/* SPDX-License-Identifier: MIT */
/*
 * look.h - looks whether the first datagram is one that decode refuses.
 */
#ifndef COP_LOOK_H
#define COP_LOOK_H

#include <stdbool.h>

#include "socket/sock.h"

/**
 * cop_may_refuse - whether a datagram with a header that is right may be a stray
 * @sk: a sock; the memory of one suffices
 */
bool cop_may_refuse(struct sock *sk);

/**
 * cop_first_decodes - drop what decode refuses at the head of the queue
 * @sk: a COP sock, which cop_may_refuse()
 * @fd: its descriptor
 *
 * Returns false if nothing is left to receive; true if there is a datagram, an error or
 * the end, or if a look would take something from the program. No cancellation point;
 * errno may change. Counterpart: first_packet_length().
 */
bool cop_first_decodes(struct sock *sk, int fd);

#endif /* COP_LOOK_H */
