// SPDX-License-Identifier: MIT
/*
 * test_carrier.c - adopt/carrier.c: the transports that carry adopted sockets.
 */
#include "adopt/carrier.h"
#include "datagram/defaults.h"
#include "port/bind.h"
#include "unit/helpers.h"

static int other_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
			 socklen_t addr_len)
{
	(void)sk;
	(void)fd;
	(void)uaddr;
	(void)addr_len;
	return -EXDEV;
}

static int other_get_port(struct sock *sk, uint16_t snum)
{
	(void)sk;
	return snum;
}

static struct cop_wire other_wire;
static struct module other_module = { .name = "other" };
static struct proto other_prot = {
	.name = "OTHER",
	.owner = &other_module,
	.wire = &other_wire,
	.obj_size = sizeof(struct datagram_sock) + 8,
	.connect = other_connect,
	.get_port = other_get_port,
};

static void setup(void)
{
	t_init();
	other_wire = cop_wire;
	cr_assert(zero(int, proto_register(&other_prot)));
}

TestSuite(cop_carrier, .init = setup, .timeout = 20);

Test(cop_carrier, cop_is_the_first_one)
{
	cr_expect(
		eq(ptr,
		   cop_carrier_get(SOCK_COP, IPPROTO_COP, cop_carriers[0].base),
		   cop_carriers));
	cr_expect(eq(ptr, cop_carrier_of(&cop_udp_prot), cop_carriers));
	cr_expect(zero(ptr, cop_carrier_of(&cop_prot)));
	cr_expect(zero(int, cop_udp_prot.carrier_type));
}

Test(cop_carrier, a_transport_carries_with_its_header_and_its_operations)
{
	struct cop_carrier *c = cop_carrier_get(9, 99, &other_prot);

	cr_assert(ne(ptr, c, NULL));
	cr_expect(eq(str, (char *)c->udp.name, "OTHER-UDP"));
	cr_expect(eq(ptr, (void *)c->udp.wire, &other_wire));
	cr_expect(eq(ptr, (void *)c->pending.wire, &other_wire));
	cr_expect(c->udp.connect == other_connect);
	cr_expect(c->udp.owner == &other_module);
	cr_expect(eq(sz, c->udp.obj_size, other_prot.obj_size));
	cr_expect(eq(int, c->udp.carrier_type, 9));
	cr_expect(eq(int, c->plain.carrier_protocol, 99));
}

/* A sock changes from one to another, so its memory fits all three. */
Test(cop_carrier, its_three_transports_share_a_slab_with_nobody)
{
	struct cop_carrier *c = cop_carrier_get(9, 99, &other_prot);

	cr_expect(eq(ptr, c->udp.slab, c->pending.slab));
	cr_expect(eq(ptr, c->udp.slab, c->plain.slab));
	cr_expect(ne(ptr, c->udp.slab, cop_udp_prot.slab));
	cr_expect(ne(ptr, c->udp.slab, other_prot.slab));
}

Test(cop_carrier, ports_are_given_by_udps_rule)
{
	struct cop_carrier *c = cop_carrier_get(9, 99, &other_prot);

	cr_expect(c->udp.shares_ports);
	cr_expect(c->udp.bind == cop_get_kernels_port);
	cr_expect(c->udp.get_port == cop_get_port);
}

Test(cop_carrier, a_transport_has_one_carrier_for_each_of_its_numbers)
{
	struct cop_carrier *c = cop_carrier_get(9, 99, &other_prot);

	cr_expect(eq(ptr, cop_carrier_get(9, 99, &other_prot), c));
	cr_expect(ne(ptr, cop_carrier_get(9, 98, &other_prot), c));
}

Test(cop_carrier, one_too_many_is_refused)
{
	for (int i = 1; i < COP_CARRIERS_MAX; i++)
		cr_assert(ne(ptr, cop_carrier_get(9, i, &other_prot), NULL));
	cr_expect(zero(ptr, cop_carrier_get(9, 99, &other_prot)));
	cr_expect(ne(ptr, cop_carrier_get(9, 1, &other_prot), NULL));
}
