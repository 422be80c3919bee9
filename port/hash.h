/* SPDX-License-Identifier: MIT */
/*
 * hash.h - which port a sock has, and whether it has the port's claim.
 */
#ifndef COP_HASH_H
#define COP_HASH_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

struct sock;

/**
 * cop_claim - claim a port for a sock
 * @sk: the sock
 * @snum: the port, host order
 *
 * Returns true if the port was free; its claim is the caller's now. Returns false
 * for a sock outside the home namespace, whose ports the port space does not have.
 * Lock-free, async-signal-safe.
 */
bool cop_claim(struct sock *sk, uint16_t snum);

/**
 * cop_end_claim - record or give back a claimed port after the kernel's bind
 * @sk: the sock, which the caller keeps alive
 * @snum: the port, host order
 * @claimed: whether the caller has its claim
 * @err: the result of the kernel's bind
 *
 * If @err is 0 the sock gets the port, and its claim; else the claim is given back.
 * Returns @err. Lock-free, async-signal-safe.
 */
int cop_end_claim(struct sock *sk, uint16_t snum, bool claimed, int err);

/**
 * cop_hash_port - record that a sock has a port
 * @sk: the sock, which the caller keeps alive
 * @snum: the port, host order
 * @claimed: whether the sock gets the claim of the port; another sock can have it,
 *	see sk_shared
 *
 * Gives the sock's previous port back. The port hash takes a reference with the
 * first one. Lock-free, async-signal-safe.
 */
void cop_hash_port(struct sock *sk, uint16_t snum, bool claimed);

/**
 * cop_hashed - what a transport does when its sock has got a port: nothing
 * @sk: the sock
 *
 * The default of the operation hash.
 */
void cop_hashed(struct sock *sk);

/**
 * cop_hash - record that a sock has a port and its claim
 * @sk: a COP sock, which the caller keeps alive
 * @snum: a port that the caller has claimed, host order
 *
 * As cop_hash_port(). Counterpart: the end of udp_lib_get_port().
 */
void cop_hash(struct sock *sk, uint16_t snum);

/**
 * cop_unhash - give a sock's port back, and the reference of the port hash
 * @sk: a COP sock
 *
 * Lock-free, async-signal-safe. Counterpart: udp_lib_unhash().
 */
void cop_unhash(struct sock *sk);

/**
 * cop_hash_pinned - give a sock the port back that the kernel keeps for it
 * @sk: the sock, which the caller keeps alive
 *
 * A disconnect hides a pinned port, but the kernel socket never loses it. Returns
 * whether the sock has such a port. Lock-free, async-signal-safe.
 */
bool cop_hash_pinned(struct sock *sk);

/**
 * cop_bind_confirm - record the port that the kernel socket turns out to have
 * @sk: a COP sock, which the caller keeps alive
 * @sport: the port, network order; 0: none, which changes nothing
 *
 * Lock-free, async-signal-safe.
 */
void cop_bind_confirm(struct sock *sk, __be16 sport);

/**
 * cop_bind_confirmed - make sure that a sock knows its port for certain
 * @sk: a COP sock, which the caller keeps alive
 * @fd: its descriptor
 *
 * One system call, until the port is confirmed. Async-signal-safe.
 */
void cop_bind_confirmed(struct sock *sk, int fd);

/**
 * cop_bind_adopted - record the port of a kernel socket that came from elsewhere
 * @sk: a new sock
 * @sport: the port of the kernel socket, network order; 0: none
 * @pinned: the port that the kernel keeps for it, host order; 0: none
 * @had: the port of its sock in the other process, host order; 0: none. After a
 *	disconnect a kernel socket has its pinned port still, and its sock none.
 */
void cop_bind_adopted(struct sock *sk, __be16 sport, uint16_t pinned,
		      uint16_t had);

/**
 * cop_holds - whether a sock is the reason why a port is taken
 * @sk: the sock
 * @snum: the port, host order
 *
 * True for a sock that is bound to the port, and for one that has claimed it and is
 * about to be bound. Lock-free, async-signal-safe.
 */
bool cop_holds(struct sock *sk, uint16_t snum);

/**
 * cop_reclaim - give back a port that no sock holds; see cop_port_reclaim()
 * @snum: the port, host order
 *
 * Returns whether it was taken. Async-signal-safe.
 */
bool cop_reclaim(uint16_t snum);

#endif /* COP_HASH_H */
