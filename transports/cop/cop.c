// SPDX-License-Identifier: MIT
/*
 * transports/cop/cop.c - struct proto cop_prot: a socket of type SOCK_COP. COP is
 * the datagram transport as it is by default, with a port space of its own.
 *
 * Owns: cop_prot, and the slab of COP's socks. Protected by: proto_register()
 * completes cop_prot while the library starts, and nothing writes it later.
 * Counterpart in the kernel: struct proto udp_prot in net/ipv4/udp.c.
 */
#include "datagram/proto.h"
#include "transports/cop/cop.h"

static struct cop_slab cop_slab = COP_SLAB(struct cop_sock);

struct proto cop_prot = {
	.name = "COP",
	.slab = &cop_slab,
	.own_ports = true,
};
