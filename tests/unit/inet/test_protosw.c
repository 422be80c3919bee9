// SPDX-License-Identifier: MIT
/*
 * test_protosw.c - inet/protosw.c: entries of inetsw come and go. test_af_inet.c has
 * the rules by which socket() finds them.
 */
#include "datagram/defaults.h"
#include "inet/af_inet.h"
#include "inet/protosw.h"
#include "unit/helpers.h"

static struct proto prot = { .name = "TEST" };
static struct inet_protosw sw[] = {
	{ .type = 9, .protocol = 1, .prot = &prot },
	{ .type = 9, .protocol = 2, .prot = &prot },
	{ .type = 9,
	  .protocol = 3,
	  .prot = &prot,
	  .flags = INET_PROTOSW_PERMANENT },
};

static void setup(void)
{
	t_init();
	cr_assert(zero(int, proto_register(&prot)));
	for (int i = 0; i < 3; i++)
		cr_assert(zero(int, inet_register_protosw(&sw[i])));
}

TestSuite(inet_protosw, .init = setup, .timeout = 20);

static struct inet_protosw *look(int protocol)
{
	return inet_lookup_protosw(9, &protocol);
}

Test(inet_protosw, an_unregistered_entry_is_hidden_and_the_others_stay)
{
	inet_unregister_protosw(&sw[0]);
	cr_expect(zero(ptr, look(1)));
	cr_expect(eq(ptr, look(2), &sw[1]));
	cr_expect(eq(ptr, look(3), &sw[2]));
	inet_unregister_protosw(&sw[0]);
	inet_unregister_protosw(&sw[1]);
	cr_expect(zero(ptr, look(2)));
	cr_assert(zero(int, inet_register_protosw(&sw[0])));
	cr_expect(eq(ptr, look(1), &sw[0]));
}

Test(inet_protosw, a_permanent_entry_stays)
{
	inet_unregister_protosw(&sw[2]);
	cr_expect(eq(ptr, look(3), &sw[2]));
	cr_expect(eq(ptr, look(0), &sw[2]), "a permanent entry is the first");
}

Test(inet_protosw, only_UDPs_type_is_the_kernels)
{
	cr_expect(inet_is_kernels(SOCK_DGRAM));
	cr_expect(not(inet_is_kernels(SOCK_COP)));
	cr_expect(not(inet_is_kernels(SOCK_STREAM)));
	cr_expect(not(inet_has_type(SOCK_STREAM)));
	cr_expect(inet_has_type(9));
	cr_expect(not(inet_has_type(-1)));
	cr_expect(not(inet_has_type(SOCK_MAX)));
}

Test(inet_protosw,
     a_protocol_out_of_range_or_an_unregistered_transport_is_einval)
{
	static struct proto unregistered = { .name = "NOT" };
	struct inet_protosw bad = { .type = 9, .protocol = 4 };

	cr_expect(eq(int, inet_register_protosw(&bad), -EINVAL));
	bad.prot = &unregistered;
	cr_expect(eq(int, inet_register_protosw(&bad), -EINVAL));
	bad.prot = &prot;
	bad.protocol = IPPROTO_MAX;
	cr_expect(eq(int, inet_register_protosw(&bad), -EINVAL));
}

/* socket() with a capability that a child without privileges has not. */
static int needs_capability(void)
{
	static struct inet_protosw raw = {
		.type = 9, .protocol = 9, .prot = &prot, .capability = 13
	};
	struct socket *sock;

	CHECK(!inet_register_protosw(&raw));
	CHECK(sock_create(PF_INET, 9, 9, &sock) == (getuid() ? -EPERM : 0));
	if (!t_unprivileged())
		return T_SKIP;
	CHECK(sock_create(PF_INET, 9, 9, &sock) == -EPERM);
	CHECK(!sock_create(PF_INET, 9, 1, &sock));
	return 0;
}

Test(inet_protosw, a_socket_without_the_transports_capability_is_eperm)
{
	T_CHILD(needs_capability);
}

Test(inet_protosw, the_entries_of_a_type_are_in_the_order_of_look_up)
{
	struct inet_protosw *p = inet_first_protosw(9);

	cr_assert(eq(ptr, p, &sw[2]));
	p = p->next;
	cr_assert(eq(ptr, p, &sw[1]));
	cr_expect(eq(ptr, (struct inet_protosw *)p->next, &sw[0]));
	cr_expect(zero(ptr, inet_first_protosw(SOCK_STREAM)));
}
