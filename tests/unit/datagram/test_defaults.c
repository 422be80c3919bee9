// SPDX-License-Identifier: MIT
/*
 * test_defaults.c - datagram/defaults.c: a transport gets what it leaves out.
 */
#include "datagram/defaults.h"
#include "unit/helpers.h"

static struct cop_slab slab = COP_SLAB(struct cop_sock);

static bool autobound(struct sock *sk, int fd, int err)
{
	return sk || fd || err;
}

Test(cop_defaults, a_transport_without_a_name_or_a_slab_is_einval)
{
	struct proto no_name = { .slab = &slab }, no_slab = { .name = "X" };

	cr_expect(eq(int, proto_register(&no_name), -EINVAL));
	cr_expect(eq(int, proto_register(&no_slab), -EINVAL));
	cr_expect(eq(ptr, (void *)no_slab.connect, NULL));
}

Test(cop_defaults, no_operation_of_a_registered_transport_is_null)
{
	struct proto prot = { .name = "X", .slab = &slab };
	void *op;

	cr_assert(zero(int, proto_register(&prot)));
	for (size_t at = offsetof(struct proto, init); at < sizeof(prot);
	     at += sizeof(op)) {
		memcpy(&op, (char *)&prot + at, sizeof(op));
		cr_expect(ne(ptr, op, NULL), "at byte %zu", at);
	}
	cr_expect(eq(ptr, (void *)prot.init, (void *)cop_init_sock));
	cr_expect(eq(ptr, (void *)prot.connect, (void *)cop_connect));
	cr_expect(eq(ptr, (void *)prot.recvmmsg, (void *)cop_recvmmsg));
	cr_expect(eq(sz, prot.obj_size, COP_SOCK_CLEARED));
	cr_expect(eq(ptr, (void *)prot.wire, (void *)&cop_wire));
}

Test(cop_defaults, a_header_that_the_buffers_do_not_hold_is_einval)
{
	struct cop_wire wire = { .hlen = COP_HDR_MAX,
				 .hlen_max = COP_HDR_MAX,
				 .check = cop_wire.check,
				 .build = cop_wire.build };
	struct proto prot = { .name = "X", .slab = &slab, .wire = &wire };

	cr_expect(zero(int, proto_register(&prot)));
	wire.hlen = wire.hlen_max = COP_HDR_MAX + 1;
	cr_expect(eq(int, proto_register(&prot), -EINVAL));
}

Test(cop_defaults, a_member_that_a_transport_states_is_kept)
{
	struct proto prot = { .name = "X",
			      .slab = &slab,
			      .obj_size = 8,
			      .own_ports = true,
			      .autobound = autobound };
	struct proto once;

	cr_assert(zero(int, proto_register(&prot)));
	cr_expect(eq(str, (char *)prot.name, "X"));
	cr_expect(eq(ptr, prot.slab, &slab));
	cr_expect(eq(sz, prot.obj_size, 8));
	cr_expect(prot.own_ports);
	cr_expect(eq(ptr, (void *)prot.autobound, (void *)autobound));
	once = prot;
	cr_assert(zero(int, proto_register(&prot)));
	cr_expect(zero(int, memcmp(&once, &prot, sizeof(prot))));
}
