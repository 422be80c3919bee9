/* SPDX-License-Identifier: MIT */
/*
 * port_taken.h - what tests and benchmarks ask the port space, and the library does
 * not.
 */
#ifndef PORT_TAKEN_H
#define PORT_TAKEN_H

#include "cop_port.h"

/* Whether a socket of this process holds a port (host order). */
static inline bool cop_port_taken(struct cop_port_table *table, uint16_t snum)
{
	return READ_ONCE(*port_word(&table->taken, snum)) & port_mask(snum);
}

#endif /* PORT_TAKEN_H */
