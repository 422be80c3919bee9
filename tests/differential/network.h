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
 * @net: "4" for scripts of AF_INET alone; "6" for more addresses of IPv6 and a
 *	second device, "6only" with IPV6_V6ONLY sockets; "off" for a network
 *	without IPv6, "none" for a kernel without it
 *
 * Exits with NO_NETWORK where none can be had.
 */
void network_fresh(int mtu, bool rights, const char *net);

/* ---- network6.c ------------------------------------------------------------ */

/* What has to be so before the loopback device is up. */
void network6_before(const char *net);

/* Addresses, routes, and the second device. */
void network6_fresh(const char *net);

void network_fail(const char *what) __attribute__((noreturn));
void network_write(const char *path, const char *text);

#endif /* COP_PLAYER_NETWORK_H */
