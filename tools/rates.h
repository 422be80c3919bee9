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
 * rates_sort - make a list fit to be the old one
 * @list: the list, which is in another order then
 */
void rates_sort(struct stat_list *list);

/**
 * rates_find - what a socket has done since an older list
 * @old: the older list, after rates_sort()
 * @s: the socket now
 * @rates: where they are put
 *
 * Returns whether the socket was there then.
 */
bool rates_find(const struct stat_list *old, const struct stat_sock *s,
		struct rates *rates);

#endif /* COP_TOOLS_RATES_H */
