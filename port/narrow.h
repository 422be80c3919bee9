/* SPDX-License-Identifier: MIT */
/*
 * narrow.h - having the kernel choose one certain port.
 */
#ifndef COP_NARROW_H
#define COP_NARROW_H

#include <stdint.h>

#include "lib/addr.h"

struct sock;

/**
 * cop_set_port_range - set IP_LOCAL_PORT_RANGE of a kernel socket
 * @fd: the kernel socket
 * @low: the lowest port, host order
 * @high: the highest port, host order; 0 and 0: any port
 *
 * Returns 0, or the kernel's error: -ENOPROTOOPT before Linux 6.3.
 */
int cop_set_port_range(int fd, uint16_t low, uint16_t high);

/**
 * cop_range_narrow - have the kernel choose this port and no other
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @snum: the port, host order
 *
 * Lasts until cop_range_lift(). Returns 0, -ENOPROTOOPT before Linux 6.3, or -EACCES
 * if the process turns out to be confined. Async-signal-safe.
 */
int cop_range_narrow(struct sock *sk, int fd, uint16_t snum);

/**
 * cop_range_lift - give a kernel socket the program's own range again
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 *
 * Does nothing if the range is not narrowed. Async-signal-safe.
 */
void cop_range_lift(struct sock *sk, int fd);

/**
 * cop_bind_pinned - bind a kernel socket to a port that it then keeps for good
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: the address
 * @snum: the port, host order, which the caller has claimed
 *
 * For Linux before 6.3. Returns 0 or the kernel's error. Async-signal-safe.
 */
int cop_bind_pinned(struct sock *sk, int fd, const union cop_addr *addr,
		    uint16_t snum);

/**
 * cop_bind_narrowed - bind a kernel socket to a port as if the kernel had chosen it
 * @sk: the sock, which the caller keeps alive
 * @fd: its kernel socket
 * @addr: the address, with port 0
 * @snum: the port, host order, which the caller has claimed
 *
 * Returns 0 or the kernel's error. The range stays narrowed. Async-signal-safe.
 */
int cop_bind_narrowed(struct sock *sk, int fd, const union cop_addr *addr,
		      uint16_t snum);

#endif /* COP_NARROW_H */
