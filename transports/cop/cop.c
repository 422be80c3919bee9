// SPDX-License-Identifier: MIT
/*
 * transports/cop/cop.c - COP, a socket of type SOCK_COP. It is a module as any other,
 * but built into the library. COP's header is the one that a transport has by default,
 * and COP's rule for ports likewise, so nothing is left to say here but the names.
 *
 * Owns: cop_prot. Protected by: proto_register() completes cop_prot while the library
 * starts, and nothing writes it later. Counterpart in the kernel: struct proto
 * udp_prot in net/ipv4/udp.c, and udp_init().
 */
#include <cop.h>
#include <cop_transport.h>

extern struct proto cop_prot;

struct proto cop_prot = {
	.name = "COP",
	.owner = THIS_MODULE,
};

static struct inet_protosw cop_protosw = {
	.type = SOCK_COP,
	.protocol = IPPROTO_COP,
	.prot = &cop_prot,
	.flags = INET_PROTOSW_PERMANENT,
};

static int cop_init(void)
{
	int err = proto_register(&cop_prot);

	return err ? err : inet_register_protosw(&cop_protosw);
}
module_init(cop_init);

static void cop_exit(void)
{
	inet_unregister_protosw(&cop_protosw);
	proto_unregister(&cop_prot);
}
module_exit(cop_exit);

MODULE_TRANSPORT("cop", "1");
