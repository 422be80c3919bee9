// SPDX-License-Identifier: MIT
/*
 * test_carried.c - inet/carried.c: which transport carries adopted sockets.
 */
#include "datagram/defaults.h"
#include "inet/af_inet.h"
#include "inet/carried.h"
#include "lib/env.h"
#include "unit/helpers.h"

static struct cop_wire other_wire;
static struct module other_module = { .name = "other" };
static struct proto other_prot = {
	.name = "OTH",
	.owner = &other_module,
	.wire = &other_wire,
};
static struct inet_protosw other = {
	.type = 9,
	.protocol = 99,
	.prot = &other_prot,
};

static void setup(void)
{
	t_init();
	other_wire = cop_wire;
	cr_assert(zero(int, proto_register(&other_prot)));
	cr_assert(zero(int, inet_register_protosw(&other)));
}

TestSuite(cop_carried, .init = setup, .timeout = 20);

/* The header of a socket of UDP; NULL: there is no socket. */
static const struct cop_wire *wire_by(const char *name, enum cop_adopt adopt)
{
	struct socket *sock;
	const struct cop_wire *wire;
	int fd;

	cop_env.adopt = adopt;
	strcpy(cop_env.transport, name);
	inet_carry_init();
	cr_assert(zero(int, sock_create(PF_INET, SOCK_DGRAM, 0, &sock)));
	fd = sock->sk->sk_prot->open(sock->sk, 0);
	wire = fd < 0 ? NULL : sk_wire(sock->sk);
	cr_assert(fd >= 0 || fd == -EPROTONOSUPPORT);
	if (fd >= 0)
		close(fd);
	fd_drop(sock);
	return wire;
}

#define EXPECT(name, wire)                                               \
	do {                                                             \
		cr_expect(eq(ptr, (void *)wire_by(name, COP_ADOPT_ALL),  \
			     (void *)(wire)),                            \
			  "%s", name);                                   \
		cr_expect(eq(ptr, (void *)wire_by(name, COP_ADOPT_SOME), \
			     (void *)(wire)),                            \
			  "%s", name);                                   \
	} while (0)

Test(cop_carried, a_transport_has_names_and_numbers)
{
	EXPECT("", &cop_wire);
	EXPECT("cop", &cop_wire);
	EXPECT("COP", &cop_wire);
	EXPECT("253/7", &cop_wire);
	EXPECT("other", &other_wire);
	EXPECT("Other", &other_wire);
	EXPECT("OTH", &other_wire);
	EXPECT("99/9", &other_wire);
}

static char *bad[] = {
	"othe", "others",  "99/8", "98/9",    "99",	      "99/",
	"/9",	"99/9 ",   "-1/9", "99/-1",   "4294967395/9", "99/4294967305",
	"UDP",	"COP-UDP", "17/2", "missing", "..",	      ".",
};

Test(cop_carried, without_the_transport_there_is_no_socket)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(bad[i], NULL);
}

Test(cop_carried, a_transport_that_was_unregistered_carries_nothing)
{
	inet_unregister_protosw(&other);
	EXPECT("other", NULL);
}

Test(cop_carried, each_adopted_socket_counts_for_the_module)
{
	struct socket *sock;

	wire_by("other", COP_ADOPT_ALL);
	cr_assert(zero(int, sock_create(PF_INET, SOCK_DGRAM, 0, &sock)));
	cr_expect(eq(int, other_module.refcnt, 1));
	fd_drop(sock);
	cr_expect(zero(int, other_module.refcnt));
}
