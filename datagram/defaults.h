/* SPDX-License-Identifier: MIT */
/*
 * defaults.h - what a datagram transport does unless it says otherwise.
 */
#ifndef COP_DEFAULTS_H
#define COP_DEFAULTS_H

#include "socket/sock.h"

/**
 * proto_register - complete a transport with the datagram defaults
 * @prot: the transport; members that are NULL or 0 get the default
 *
 * Returns 0, or -EINVAL without a name or a slab, or with a header of which
 * cop_wire_is_valid() is false. A second time changes nothing.
 * Call it ahead of the transport's first socket: while the library starts, or when
 * a transport is loaded. Counterpart: proto_register() in net/core/sock.c.
 */
int proto_register(struct proto *prot);

#endif /* COP_DEFAULTS_H */
