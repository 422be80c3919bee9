/* SPDX-License-Identifier: MIT */
/*
 * defaults.h - what a datagram transport does unless it says otherwise.
 */
#ifndef COP_DEFAULTS_H
#define COP_DEFAULTS_H

#include "socket/sock.h"

/* So many transports can be registered in the life of a process. */
#define COP_PROTOS_MAX 32

/* The defaults, for a transport that adds to one of them. */
extern const struct proto cop_datagram_prot;

/**
 * proto_register - complete a transport with the datagram defaults
 * @prot: the transport; members that are NULL or 0 get the default
 *
 * Returns 0, or -EINVAL without a name, with an obj_size below that of struct
 * datagram_sock, or with a header that cop_wire_fault() refuses; or -ENOBUFS behind
 * the COP_PROTOS_MAX'th. A second time changes nothing.
 * Call it ahead of the transport's first socket: while the library starts, or when
 * a transport is loaded. Counterpart: proto_register() in net/core/sock.c.
 */
int proto_register(struct proto *prot);

/**
 * proto_derive - make a transport of another one
 * @prot: filled in, to be registered; its old contents do not matter
 * @base: the other one, registered
 * @with: its name, its shares_ports, and its own operations; where one is NULL, @prot has
 *	that of @base
 *
 * It has no slab yet.
 */
void proto_derive(struct proto *prot, const struct proto *base,
		  const struct proto *with);

/**
 * proto_unregister - make no new sock of a transport
 * @prot: the transport; its socks stay, and their memory
 */
void proto_unregister(struct proto *prot);

#endif /* COP_DEFAULTS_H */
