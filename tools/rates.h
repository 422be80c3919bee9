/* SPDX-License-Identifier: MIT */
/*
 * rates.h - what goes on in a second.
 */
#ifndef COP_TOOLS_RATES_H
#define COP_TOOLS_RATES_H

#include "sockets.h"

struct rates {
	double tx, tx_bytes, rx, rx_bytes; /* per second */
};

/**
 * rates_begin - begin a look: the one before becomes the old one
 */
void rates_begin(void);

/**
 * rates_note - remember a socket for the next look
 * @s: the socket now
 */
void rates_note(const struct stat_sock *s);

/**
 * rates_find - what a socket has done since the old look
 * @s: the socket now
 * @rates: where they are put
 *
 * Returns whether the socket was there then.
 */
bool rates_find(const struct stat_sock *s, struct rates *rates);

#endif /* COP_TOOLS_RATES_H */
