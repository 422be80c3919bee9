// SPDX-License-Identifier: MIT
/*
 * test_af_inet.c - inet/af_inet.c: inetsw, its wildcard rules and inet_create.
 */
#include "inet/af_inet.h"
#include "cop_port.h"
#include "unit/helpers.h"

#define OTHER_TYPE 9 /* that nobody registers here */

static int init_result;

static int init(struct sock *sk)
{
	(void)sk;
	return init_result;
}

static struct cop_slab other_slab = COP_SLAB(struct cop_sock);
static struct proto other_prot;
static struct proto_ops other_ops;

/* A transport that does nothing but exist. */
static void setup(void)
{
	t_init();
	other_prot = cop_prot;
	other_prot.slab = &other_slab;
	other_prot.init = init;
	other_ops = *t_sock(t_open())->ops;
}

TestSuite(inet, .init = setup, .timeout = 20);

static struct inet_protosw entry(unsigned short type, unsigned short protocol)
{
	struct inet_protosw sw = {
		.type = type,
		.protocol = protocol,
		.prot = &other_prot,
		.ops = &other_ops,
	};

	return sw;
}

/* Returns the protocol of the socket that was made, or the error. */
static int protocol_of(int type, int protocol)
{
	struct socket *sock;
	int err = sock_create(PF_INET, type, protocol, &sock);

	if (!err) {
		err = sock->sk->sk_protocol;
		fd_drop(sock);
	}
	return err;
}

/* ---- inet_create ---------------------------------------------------------- */

Test(inet, protocol_0_and_IPPROTO_COP_make_a_cop_socket)
{
	cr_assert(eq(int, protocol_of(SOCK_COP, 0), IPPROTO_COP));
	cr_assert(eq(int, protocol_of(SOCK_COP, IPPROTO_COP), IPPROTO_COP));
}

static const int bad_protocol[] = { -1,	 INT_MIN, IPPROTO_UDP, IPPROTO_TCP, 252,
				    254, 255,	  IPPROTO_MAX, INT_MAX };

/* The kernel's own SOCK_DGRAM gives the same answers, 252 to 254 included. */
Test(inet, a_protocol_that_is_not_cops_fails_as_with_the_kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_protocol); i++) {
		int protocol = bad_protocol[i];
		int kernel = socket(AF_INET, SOCK_DGRAM, protocol);
		int want = kernel < 0 ? -errno : -EPROTONOSUPPORT;

		if (kernel >= 0)
			close(kernel);
		cr_assert(eq(int, protocol_of(SOCK_COP, protocol), want),
			  "protocol %d", protocol);
	}
}

Test(inet, an_init_that_fails_gives_its_error_and_the_sock_back)
{
	struct inet_protosw sw = entry(OTHER_TYPE, 17);
	struct sock *sk;

	inet_register_protosw(&sw);
	sk = sk_alloc(PF_INET, &other_prot);
	cop_slab_free(&other_slab, sk);
	init_result = -EACCES;
	cr_assert(eq(int, protocol_of(OTHER_TYPE, 17), -EACCES));
	cr_assert(eq(ptr, sk_alloc(PF_INET, &other_prot), sk));
}

Test(inet, the_reuse_flag_sets_sk_reuse)
{
	struct inet_protosw sw = entry(OTHER_TYPE, 17);
	struct socket *sock;

	sw.flags = INET_PROTOSW_REUSE;
	inet_register_protosw(&sw);
	cr_assert(eq(int, sock_create(PF_INET, OTHER_TYPE, 17, &sock), 0));
	cr_assert(eq(int, sock->sk->sk_reuse, 1));
}

/* ---- the wildcard rules --------------------------------------------------- */

Test(inet, an_entry_for_protocol_0_takes_any_and_keeps_the_number)
{
	struct inet_protosw wild = entry(OTHER_TYPE, IPPROTO_IP);

	inet_register_protosw(&wild);
	cr_assert(eq(int, protocol_of(OTHER_TYPE, 17), 17));
	cr_assert(eq(int, protocol_of(OTHER_TYPE, 200), 200));
}

/* As the kernel's socket(AF_INET, SOCK_RAW, 0). */
Test(inet, protocol_0_does_not_match_an_entry_for_protocol_0)
{
	struct inet_protosw wild = entry(OTHER_TYPE, IPPROTO_IP);

	inet_register_protosw(&wild);
	cr_assert(eq(int, protocol_of(OTHER_TYPE, 0), -EPROTONOSUPPORT));
}

Test(inet, protocol_0_gets_the_first_entry_that_has_one)
{
	struct inet_protosw wild = entry(OTHER_TYPE, IPPROTO_IP);
	struct inet_protosw sw = entry(OTHER_TYPE, 33);

	inet_register_protosw(&sw);
	inet_register_protosw(&wild);
	cr_assert(eq(int, protocol_of(OTHER_TYPE, 0), 33));
}

/* ---- registering ---------------------------------------------------------- */

Test(inet, a_type_out_of_range_is_einval)
{
	static const unsigned short type[] = { SOCK_MAX, SOCK_MAX + 1, 65535 };

	for (size_t i = 0; i < ARRAY_SIZE(type); i++) {
		struct inet_protosw sw = entry(type[i], 17);

		cr_assert(eq(int, inet_register_protosw(&sw), -EINVAL));
	}
}

Test(inet, a_permanent_entry_can_not_be_overridden)
{
	struct inet_protosw sw = entry(SOCK_COP, IPPROTO_COP);

	cr_assert(eq(int, inet_register_protosw(&sw), -EPERM));
}

Test(inet, another_protocol_may_join_a_permanent_entrys_type)
{
	struct inet_protosw sw = entry(SOCK_COP, 77);

	cr_assert(eq(int, inet_register_protosw(&sw), 0));
	cr_assert(eq(int, protocol_of(SOCK_COP, 77), 77));
	cr_assert(eq(int, protocol_of(SOCK_COP, 0), IPPROTO_COP),
		  "the permanent entry stays first");
}

Test(inet, a_new_entry_comes_before_entries_that_are_not_permanent)
{
	struct inet_protosw first = entry(OTHER_TYPE, 21);
	struct inet_protosw second = entry(OTHER_TYPE, 22);

	inet_register_protosw(&first);
	inet_register_protosw(&second);
	cr_assert(eq(int, protocol_of(OTHER_TYPE, 0), 22));
}

/* ---- operations ----------------------------------------------------------- */

Test(inet, a_pair_of_sockets_is_eopnotsupp)
{
	struct socket *one = t_sock(t_open()), *two = t_sock(t_open());

	cr_assert(eq(int, one->ops->socketpair(one, two), -EOPNOTSUPP));
}

Test(inet, autobind_does_nothing_for_a_bound_socket)
{
	int fd = t_open_bound();
	uint16_t snum = t_port(fd);
	struct socket *sock = t_sock(fd);

	sock->sk->sk_prot->autobind(sock->sk, fd);
	cr_assert(sock->sk->sk_prot->autobound(sock->sk, fd, 0));
	cr_assert(eq(uint, t_port(fd), snum));
	cr_assert(eq(int, sock->sk->sk_num, snum));
}

Test(inet, an_autobind_that_no_send_followed_is_undone_at_close)
{
	int fd = t_open();
	struct socket *sock = t_sock(fd);

	sock->sk->sk_prot->autobind(sock->sk, fd);
	cr_assert(not(sock->sk->sk_prot->autobound(sock->sk, fd, -EAGAIN)));
	sock->sk->sk_prot->autobind(sock->sk, fd);
	t_close(fd);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}
