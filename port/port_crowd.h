/* SPDX-License-Identifier: MIT */
/*
 * port_crowd.h - whether other processes hold so many ports that the kernel had
 * better choose an ephemeral one.
 */
#ifndef COP_PORT_CROWD_H
#define COP_PORT_CROWD_H

#include <stdbool.h>
#include <stdint.h>

/**
 * cop_port_is_crowded - whether the kernel shall choose the next ephemeral port
 *
 * Asked for one port that another process holds, the kernel searches its whole
 * table, which takes some 0.4 ms, before it refuses. So the library does not ask
 * while that is likely: when the kernel counts many sockets of other processes, and
 * for some time after a collision. Each call counts as one port. Lock-free,
 * async-signal-safe.
 */
bool cop_port_is_crowded(void);

/**
 * cop_port_crowd_collision - note that another process holds a port that was free
 *	in this process
 * @snum: the port, host order
 *
 * Leaves the next ports to the kernel: twice as many as after the collision before.
 */
void cop_port_crowd_collision(uint16_t snum);

/**
 * cop_port_is_foreign - whether another process is known to hold a port
 * @snum: the port, host order, which no socket of this process has
 *
 * A transport that tries ports in order would meet the same ones in each bind. A port
 * that has collided counts for this second; after that, this asks the kernel again,
 * which takes 3 us. errno may change. Async-signal-safe.
 */
bool cop_port_is_foreign(uint16_t snum);

/**
 * cop_port_ask_foreign - ask the kernel whether another process holds a port
 * @snum: the port, host order, which no socket of this process has
 *
 * By a bind of a helper, which takes 3 us, where a bind that shall choose this one port
 * takes 400. Then the port counts as foreign, too. False where the kernel can't be
 * asked. errno may change. Async-signal-safe.
 */
bool cop_port_ask_foreign(uint16_t snum);

/**
 * cop_port_pardon - forget that a port has collided
 * @snum: the port, host order. A program binds to it by its number, so the kernel will
 *	say whether it is free
 */
void cop_port_pardon(uint16_t snum);

/**
 * cop_port_forget_foreign - note that ports which collided may be free again
 *
 * Called once in a second.
 */
void cop_port_forget_foreign(void);

/**
 * cop_port_crowd_measure - work out how many ports other processes hold
 * @inuse: UDP sockets with a port, in this network namespace
 * @held: ports that this process holds
 * @range: ports that an ephemeral bind may get
 */
void cop_port_crowd_measure(unsigned int inuse, unsigned int held,
			    unsigned int range);

#endif /* COP_PORT_CROWD_H */
