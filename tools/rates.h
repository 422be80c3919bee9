/* SPDX-License-Identifier: MIT */
/*
 * rates.h - rates per second.
 */
#ifndef COP_TOOLS_RATES_H
#define COP_TOOLS_RATES_H

#include "sockets.h"

struct rates {
	double tx, tx_bytes, rx, rx_bytes; /* per second */
};

/**
 * rates_begin - begin a reading of all sockets; the last one becomes the old
 * one
 */
void rates_begin(void);

/**
 * rates_note - remember a socket for the next reading
 * @s: the socket now
 */
void rates_note(const struct stat_sock *s);

/**
 * rates_find - get a socket's rates since the old reading
 * @s: the socket now
 * @rates: filled in
 *
 * Returns whether the old reading has the socket.
 */
bool rates_find(const struct stat_sock *s, struct rates *rates);

#endif /* COP_TOOLS_RATES_H */
