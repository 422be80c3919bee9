/* SPDX-License-Identifier: MIT */
/*
 * udp.h - sockets of UDP that COP_ADOPT has put on COP.
 */
#ifndef COP_ADOPT_UDP_H
#define COP_ADOPT_UDP_H

#include "adopt/carrier.h"

/* What they do otherwise than their carrier. */
extern const struct proto cop_udp_ops;

#endif /* COP_ADOPT_UDP_H */
