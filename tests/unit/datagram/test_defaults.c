// SPDX-License-Identifier: MIT
/*
 * test_defaults.c - datagram/defaults.c: a transport gets what it leaves out.
 */
#include "datagram/defaults.h"
#include "lib/env.h"
#include "unit/helpers.h"

static struct cop_slab slab = COP_SLAB(struct cop_sock);

static bool autobound(struct sock *sk, int fd, int err)
{
	return sk || fd || err;
}

static void register_wrong(void)
{
	const struct cop_wire no_build = { .hlen = 8,
					   .hlen_max = 8,
					   .check = cop_wire.check };
	struct proto no_name = { 0 };
	struct proto short_sock = { .name = "SHORT",
				    .obj_size =
					    sizeof(struct datagram_sock) - 1 };
	struct proto wrong = { .name = "WRONG", .wire = &no_build };

	cop_env.debug = COP_DEBUG_FAULTS;
	cr_expect(eq(int, proto_register(&no_name), -EINVAL));
	cr_expect(eq(int, proto_register(&short_sock), -EINVAL));
	cr_expect(eq(int, proto_register(&wrong), -EINVAL));
	cr_expect(eq(ptr, (void *)wrong.connect, NULL));
}

Test(cop_defaults, a_member_that_can_not_be_right_is_einval_and_named)
{
	char text[1024];

	t_stderr(register_wrong, text, sizeof(text));
	cr_expect(ne(ptr,
		     strstr(text, "without a name can't be registered: "
				  "name is wrong"),
		     NULL));
	cr_expect(ne(ptr, strstr(text, "SHORT can't be registered: obj_size"),
		     NULL));
	cr_expect(ne(ptr, strstr(text, "WRONG can't be registered: build"),
		     NULL));
}

Test(cop_defaults, a_name_is_a_word)
{
	static const char *const wrong[] = {
		"",
		"X tx=99",
		"a\nb",
		"a=b",
		"a-name-of-32-letters-is-too-long",
	};
	struct proto right = { .name = "a-name_of-31-letters-is-right-3" };

	t_init();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct proto prot = { .name = wrong[i] };

		cr_expect(eq(int, proto_register(&prot), -EINVAL), "%zu", i);
	}
	cr_expect(zero(int, proto_register(&right)));
}

Test(cop_defaults, a_sock_has_a_megabyte_at_most)
{
	struct proto large = { .name = "LARGE", .obj_size = 1 << 20 };
	struct proto too_large = { .name = "LARGE", .obj_size = (1 << 20) + 1 };
	struct proto wraps = { .name = "LARGE", .obj_size = SIZE_MAX };

	t_init();
	cr_expect(eq(int, proto_register(&too_large), -EINVAL));
	cr_expect(eq(int, proto_register(&wraps), -EINVAL));
	cr_expect(zero(int, proto_register(&large)));
}

Test(cop_defaults, a_transport_gets_a_slab_for_its_own_socks)
{
	struct own_sock {
		struct datagram_sock datagram;
		char own[100];
	};
	struct proto plain = { .name = "PLAIN" };
	struct proto own = { .name = "OWN",
			     .obj_size = sizeof(struct own_sock) };
	struct sock *sk;

	t_init();
	cr_assert(zero(int, proto_register(&plain)));
	cr_assert(zero(int, proto_register(&own)));
	cr_expect(eq(sz, plain.slab->size, sizeof(struct cop_sock)));
	cr_expect(ge(sz, own.slab->size, sizeof(struct own_sock)));
	cr_expect(zero(sz, own.slab->size % 64));
	sk = sk_alloc(PF_INET, &own);
	memset(((struct own_sock *)sk)->own, 0xee, 100);
	cop_slab_free(own.slab, sk);
	cr_assert(eq(ptr, sk_alloc(PF_INET, &own), sk));
	for (int i = 0; i < 100; i++)
		cr_assert(zero(int, ((struct own_sock *)sk)->own[i]));
	proto_unregister(&own);
	cr_assert(zero(ptr, sk_alloc(PF_INET, &own)));
}

Test(cop_defaults, too_many_transports_are_enobufs)
{
	static struct proto prot[COP_PROTOS_MAX + 1];
	int err = 0;

	for (int i = 0; i <= COP_PROTOS_MAX && !err; i++) {
		prot[i].name = "MANY";
		err = proto_register(&prot[i]);
	}
	cr_assert(eq(int, err, -ENOBUFS));
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
	cr_expect(eq(sz, prot.obj_size, sizeof(struct cop_sock)));
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
			      .obj_size = sizeof(struct datagram_sock) + 8,
			      .shares_ports = true,
			      .autobound = autobound };
	struct proto once;

	cr_assert(zero(int, proto_register(&prot)));
	cr_expect(eq(str, (char *)prot.name, "X"));
	cr_expect(eq(ptr, prot.slab, &slab));
	cr_expect(eq(sz, prot.obj_size, sizeof(struct datagram_sock) + 8));
	cr_expect(prot.shares_ports);
	cr_expect(eq(ptr, (void *)prot.autobound, (void *)autobound));
	once = prot;
	cr_assert(zero(int, proto_register(&prot)));
	cr_expect(zero(int, memcmp(&once, &prot, sizeof(prot))));
}
