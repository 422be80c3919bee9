/* SPDX-License-Identifier: MIT */
/*
 * own_counters.h - counters that a transport has named, in each of its socks.
 */
#ifndef COP_OWN_COUNTERS_H
#define COP_OWN_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "socket/sock.h"

/**
 * cop_counters_are_valid - whether the names of a transport's counters can be shown
 * @names: proto.counters
 */
bool cop_counters_are_valid(const char *const *names);

/**
 * cop_counters_place - decide where the counters of a transport are in its socks
 * @prot: the transport, with a valid obj_size and valid names; counters_at and
 *	n_counters are set
 *
 * Returns how many bytes a sock has with them.
 */
size_t cop_counters_place(struct proto *prot);

/**
 * cop_count - add 1 to a counter of a sock
 * @sk: the sock
 * @i: which one; another number counts nothing
 *
 * Lock-free, async-signal-safe.
 */
void cop_count(struct sock *sk, unsigned int i);

/**
 * cop_counter - the value of a counter
 * @sk: the sock
 * @i: below sk->sk_prot->n_counters
 */
uint64_t cop_counter(const struct sock *sk, unsigned int i);

#endif /* COP_OWN_COUNTERS_H */
