/* SPDX-License-Identifier: MIT */
/*
 * network.h - a network of its own for a script.
 */
#ifndef COP_PLAYER_NETWORK_H
#define COP_PLAYER_NETWORK_H

#include <stdbool.h>

#define NO_NETWORK 77

/**
 * network_fresh - move into a new network
 * @mtu: of its loopback device
 * @rights: whether to keep the rights over it
 *
 * Exits with NO_NETWORK where none can be had.
 */
void network_fresh(int mtu, bool rights);

#endif /* COP_PLAYER_NETWORK_H */
