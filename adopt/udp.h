/* SPDX-License-Identifier: MIT */
/*
 * udp.h - sockets of UDP that COP_ADOPT has put on COP.
 */
#ifndef COP_ADOPT_UDP_H
#define COP_ADOPT_UDP_H

#include "socket/sock.h"

extern struct proto cop_udp_prot;

/* Its socks, and those of a socket that is pending: one may become the other. */
extern struct cop_slab cop_udp_slab;

#endif /* COP_ADOPT_UDP_H */
