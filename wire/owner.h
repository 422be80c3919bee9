/* SPDX-License-Identifier: MIT */
/*
 * owner.h - whether a descriptor still leads to the kernel socket of a sock.
 */
#ifndef COP_OWNER_H
#define COP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"

struct sock;

/**
 * cop_owns - whether a descriptor still is the kernel socket of a sock
 * @sk: the sock
 * @fd: the descriptor
 *
 * The caller asks only after something has come that is no COP datagram. One to
 * three system calls. errno may change. Async-signal-safe.
 */
bool cop_owns(struct sock *sk, int fd);

/**
 * cop_may_own - whether a descriptor can be the kernel socket of a sock
 * @sk: the sock
 * @fd: the descriptor
 *
 * As cop_owns(), but also true while another thread is between
 * cop_naming_begin() and cop_naming_end(): its call changes the port of the
 * kernel socket and that of the sock one after the other, and until it ends the
 * two may differ.
 */
bool cop_may_own(struct sock *sk, int fd);

/*
 * sk_naming counts the calls that have ended in its upper half, and those that
 * are under way in its lower half: see datagram/naming.h.
 */
#define NAMING_BEGUN 0x00000001
#define NAMING_ENDED 0x00010000

/*
 * What the end of a call adds to sk_naming. Nothing, if no call is under way: then this
 * one was taken for lost.
 */
static inline uint32_t cop_naming_step(uint32_t naming)
{
	return likely(naming % NAMING_ENDED) ? NAMING_ENDED - NAMING_BEGUN : 0;
}

/**
 * cop_naming_lost - end calls that a signal handler has jumped out of
 * @sk: the sock that they were about to name
 * @n: how many
 */
void cop_naming_lost(struct sock *sk, uint32_t n);

#endif /* COP_OWNER_H */
