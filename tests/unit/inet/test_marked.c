// SPDX-License-Identifier: MIT
/*
 * test_marked.c - inet/marked.c: which transport a kernel socket gets by its mark.
 */
#include <errno.h>
#include <linux/filter.h>

#include "datagram/defaults.h"
#include "filter/attach.h"
#include "inet/af_inet.h"
#include "inet/missing.h"
#include "unit/helpers.h"

#define OTHER_TYPE     9
#define OTHER_PROTOCOL 99

static struct cop_wire other_wire;
static struct module other_module = { .name = "other" };

static struct proto other_prot = {
	.name = "OTHER",
	.owner = &other_module,
	.wire = &other_wire,
};

static struct inet_protosw other = {
	.type = OTHER_TYPE,
	.protocol = OTHER_PROTOCOL,
	.prot = &other_prot,
};

static const struct cop_mark mark = {
	.family = PF_INET,
	.type = OTHER_TYPE,
	.protocol = OTHER_PROTOCOL,
	.body = COP_BODY_COP,
};

/* As COP's, but its first bytes differ. */
static void setup(void)
{
	t_init();
	other_wire = cop_wire;
	other_wire.match[0].value = 0x1234;
	cr_assert(zero(int, proto_register(&other_prot)));
	cr_assert(zero(int, inet_register_protosw(&other)));
}

TestSuite(cop_marked, .init = setup, .timeout = 20);

static int marked(const struct cop_wire *wire, const struct cop_mark *m)
{
	int fd = t_udp();

	cr_assert(zero(int, cop_program_attach(wire, fd, m, -1)));
	return fd;
}

/* The transport that the socket gets; NULL: it stays the kernel's. */
static const struct proto *prot_by(const struct cop_wire *wire,
				   const struct cop_mark *m)
{
	int fd = marked(wire, m);

	return fd_adopt(fd) > 0 ? t_sk(fd)->sk_prot : NULL;
}

#define EXPECT_PROT(prot, is) cr_expect(eq(ptr, (void *)(is), (void *)(prot)))

Test(cop_marked, a_socket_gets_the_transport_that_the_mark_names)
{
	EXPECT_PROT(&other_prot, prot_by(&other_wire, &mark));
	cr_expect(eq(int, other_module.refcnt, 1));
}

static int refused(struct sock *sk)
{
	cop_datagram_prot.init(sk);
	return -ENOKEY;
}

/* Left to the kernel, it would send what the transport was to encrypt. */
Test(cop_marked, a_socket_that_its_transport_refuses_is_no_plain_one)
{
	other_prot.init = refused;
	EXPECT_PROT(&cop_missing_prot, prot_by(&other_wire, &mark));
	cr_expect(zero(int, other_module.refcnt));
}

Test(cop_marked, a_filter_of_another_header_does_not_fit_a_module)
{
	EXPECT_PROT(&cop_missing_prot, prot_by(&cop_wire, &mark));
	cr_expect(zero(int, other_module.refcnt));
}

/* COP is the same everywhere, so nobody but a forger writes this. */
Test(cop_marked, a_filter_of_another_header_is_no_mark_of_cop)
{
	const struct cop_mark of_cop = {
		PF_INET, SOCK_COP, IPPROTO_COP, COP_BODY_COP, { 0 }, 0, 0
	};

	EXPECT_PROT(&cop_prot, prot_by(&cop_wire, &of_cop));
	EXPECT_PROT(NULL, prot_by(&other_wire, &of_cop));
}

Test(cop_marked, a_transport_that_was_unregistered_is_missing)
{
	inet_unregister_protosw(&other);
	EXPECT_PROT(&cop_missing_prot, prot_by(&other_wire, &mark));
}

/* Its filter would be the program's: the library could not rely on it. */
Test(cop_marked, only_a_pending_socket_has_a_filter_that_is_udps)
{
	struct cop_mark raw = mark;
	int fd = t_udp();

	cr_assert(zero(int, cop_program_wrap(&other_wire, fd, &raw)));
	cr_expect(zero(int, fd_adopt(fd)));
}

Test(cop_marked, only_udp_has_a_carrier)
{
	struct cop_mark carried = mark;

	carried.carrier_type = SOCK_COP;
	carried.carrier_protocol = IPPROTO_COP;
	EXPECT_PROT(NULL, prot_by(&other_wire, &carried));
	carried.carrier_type = 0;
	EXPECT_PROT(NULL, prot_by(&other_wire, &carried));
}

Test(cop_marked, a_carrier_that_can_not_be_is_no_mark)
{
	static const uint16_t bad[][2] = {
		{ SOCK_MAX, 99 },   { 255, 99 },  { 9, 0 },
		{ 9, IPPROTO_MAX }, { 9, 65535 },
	};
	struct cop_mark m = { .family = PF_INET,
			      .type = SOCK_DGRAM,
			      .protocol = IPPROTO_UDP,
			      .body = COP_BODY_ALL };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		m.carrier_type = bad[i][0];
		m.carrier_protocol = bad[i][1];
		EXPECT_PROT(NULL, prot_by(&other_wire, &m));
	}
}
