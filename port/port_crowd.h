/* SPDX-License-Identifier: MIT */
/*
 * contention.h - whether other processes hold so many ports that the choice of
 * an ephemeral one is better left to the kernel.
 */
#ifndef COP_CONTENTION_H
#define COP_CONTENTION_H

#include <stdbool.h>
#include <stdint.h>

/**
 * cop_contended - whether the next ephemeral port is the kernel's to choose
 *
 * The kernel searches all of its table, some 0.4 ms, before it says that the
 * one port it was told to take is another process's. So where that is likely,
 * by what it counts as in use or by a collision not long ago, it is not asked.
 * Lock-free, async-signal-safe.
 */
bool cop_contended(void);

/**
 * cop_collision - note that a port which was free here is another process's
 * @snum: the port, host order
 *
 * Leaves the next ports to the kernel, twice as many as after the last time.
 */
void cop_collision(uint16_t snum);

/**
 * cop_contention_measure - count what other processes hold
 * @inuse: sockets of the transport below, in this network namespace
 * @held: ports this process holds
 * @range: ports an ephemeral bind may get
 */
void cop_contention_measure(unsigned int inuse, unsigned int held,
			    unsigned int range);

#endif /* COP_CONTENTION_H */
