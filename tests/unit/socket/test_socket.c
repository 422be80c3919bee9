// SPDX-License-Identifier: MIT
/*
 * test_socket.c - socket/socket.c: the families that sockets are created in.
 */
#include "unit/helpers.h"

#define FAMILY 44 /* that nobody registers here */

static int created;
static int create_result;

static bool serves_3(int type, int protocol)
{
	return type == 3 && protocol != 99;
}

static int create(struct socket *sock, int family, int protocol)
{
	(void)family;
	created = sock->type * 1000 + protocol;
	return create_result;
}

static const struct net_proto_family test_family = {
	.family = FAMILY,
	.serves = serves_3,
	.create = create,
};

TestSuite(cop_socket, .init = t_init, .timeout = 20);

Test(cop_socket, a_family_out_of_range_is_enobufs)
{
	static const int number[] = { -1, NPROTO, NPROTO + 1, INT_MAX,
				      INT_MIN };
	struct net_proto_family fam = test_family;

	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		fam.family = number[i];
		cr_assert(eq(int, sock_register(&fam), -ENOBUFS));
	}
}

Test(cop_socket, a_family_can_be_registered_once)
{
	cr_assert(eq(int, sock_register(&test_family), 0));
	cr_assert(eq(int, sock_register(&test_family), -EEXIST));
}

Test(cop_socket, only_the_types_of_registered_families_are_ours)
{
	static const struct {
		int family, type;
		bool ours;
	} kind[] = {
		{ PF_INET, SOCK_COP, true },
		{ PF_INET, SOCK_COP | SOCK_CLOEXEC | SOCK_NONBLOCK, true },
		{ PF_INET, SOCK_COP | 0x40000000, true }, /* EINVAL is ours */
		{ PF_INET, SOCK_DGRAM, false },
		{ PF_INET, SOCK_STREAM, false },
		{ PF_INET, SOCK_RAW | SOCK_CLOEXEC, false },
		{ PF_INET, 0, false },
		{ PF_INET, SOCK_MAX, false },
		{ PF_INET, 15, false },
		{ PF_INET, -1, false },
		{ PF_INET6, SOCK_COP, true },
		{ PF_INET6, SOCK_DGRAM, false },
		{ PF_INET6, SOCK_RAW, false },
		{ PF_UNIX, SOCK_COP, false },
		{ FAMILY, 3, true },
		{ FAMILY, 4, false },
		{ -1, SOCK_COP, false },
		{ NPROTO, SOCK_COP, false },
		{ INT_MAX, SOCK_COP, false },
	};

	sock_register(&test_family);
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++)
		cr_assert(eq(int, sock_is_ours(kind[i].family, kind[i].type, 0),
			     kind[i].ours),
			  "family %d, type %#x", kind[i].family, kind[i].type);
}

Test(cop_socket, the_family_says_which_protocols_of_a_type_are_ours)
{
	sock_register(&test_family);
	cr_assert(sock_is_ours(FAMILY, 3, 17));
	cr_assert(not(sock_is_ours(FAMILY, 3, 99)));
}

Test(cop_socket, sock_create_calls_the_familys_create)
{
	struct socket *sock = NULL;

	sock_register(&test_family);
	cr_assert(eq(int, sock_create(FAMILY, 3, 17, &sock), 0));
	cr_assert(eq(int, created, 3017));
	cr_assert(eq(int, sock->f_count, 1));
}

Test(cop_socket, a_create_that_fails_leaves_no_socket)
{
	struct socket *sock = NULL;
	struct socket *next;

	sock_register(&test_family);
	create_result = -ENOMEM;
	next = sock_alloc();
	sock_free(next);
	cr_assert(eq(int, sock_create(FAMILY, 3, 0, &sock), -ENOMEM));
	cr_assert(eq(ptr, sock, NULL));
	cr_assert(eq(ptr, sock_alloc(), next), "its memory did not come back");
}
