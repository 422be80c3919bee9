/* SPDX-License-Identifier: MIT */
/*
 * cop.h - the COP transport.
 */
#ifndef COP_TRANSPORT_COP_H
#define COP_TRANSPORT_COP_H

#include "socket/sock.h"

extern struct proto cop_prot;

#endif /* COP_TRANSPORT_COP_H */
