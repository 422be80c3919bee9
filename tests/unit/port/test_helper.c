// SPDX-License-Identifier: MIT
/*
 * test_helper.c - port/helper.c: a second kernel socket holds a port at all
 * addresses while the program's socket binds to it at one. The kernel is the judge.
 */
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/scratch_socket.h"
#include "port/helper.h"
#include "unit/helpers.h"

TestSuite(cop_helper, .init = t_init, .timeout = 20);

static int udp_fd(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* The kernel's bind alone. */
static int kernel_bind_at(int fd, const char *ip, uint16_t snum)
{
	struct sockaddr_in addr = t_addr(ip, snum);

	return cop_libc_result(
		cop_libc.bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static int reuses(int fd)
{
	socklen_t len = sizeof(int);
	int value = -1;

	getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &len);
	return value;
}

static const char *const address[] = { "0.0.0.0", LOOPBACK, "127.0.0.2" };

/* A helper at a port; the caller closes it with cop_scratch_close(). */
static void helper_at(struct cop_scratch *helper, uint16_t snum)
{
	cr_assert(ge(int, cop_scratch_dual(helper), 0));
	cr_assert(zero(int, cop_helper_bind(helper, htons(snum))));
}

Test(cop_helper, no_other_socket_gets_the_port_of_a_helper)
{
	uint16_t snum = t_free_port();
	struct cop_scratch helper;
	int fd = udp_fd();

	helper_at(&helper, snum);
	cop_helper_share(&helper, fd);
	for (size_t i = 0; i < ARRAY_SIZE(address); i++)
		cr_assert(eq(int, kernel_bind_at(udp_fd(), address[i], snum),
			     -EADDRINUSE),
			  "%s", address[i]);
	cop_scratch_close(&helper);
}

Test(cop_helper, a_helper_does_not_get_a_port_that_a_socket_has_at_any_address)
{
	for (size_t i = 0; i < ARRAY_SIZE(address); i++) {
		uint16_t snum = t_free_port();
		struct cop_scratch helper;

		cr_assert(
			zero(int, kernel_bind_at(udp_fd(), address[i], snum)));
		cr_assert(ge(int, cop_scratch_dual(&helper), 0));
		cr_assert(eq(int, cop_helper_bind(&helper, htons(snum)),
			     -EADDRINUSE),
			  "%s", address[i]);
		cop_scratch_close(&helper);
	}
}

Test(cop_helper, the_socket_that_shares_gets_the_port_at_its_address)
{
	uint16_t snum = t_free_port();
	struct cop_scratch helper;
	int fd = udp_fd();

	helper_at(&helper, snum);
	cr_assert(eq(int, kernel_bind_at(fd, LOOPBACK, snum), -EADDRINUSE));
	cop_helper_share(&helper, fd);
	cr_assert(zero(int, kernel_bind_at(fd, LOOPBACK, snum)));
	cop_scratch_close(&helper);
}

Test(cop_helper, afterwards_the_program_finds_no_option_set)
{
	struct cop_scratch helper;
	int fd = udp_fd();

	helper_at(&helper, t_free_port());
	cop_helper_share(&helper, fd);
	cr_assert(eq(int, reuses(fd), 1));
	cop_helper_unshare(fd);
	cr_assert(zero(int, reuses(fd)));
	cop_scratch_close(&helper);
}

Test(cop_helper, a_socket_that_shared_lets_nobody_else_in)
{
	uint16_t snum = t_free_port();
	struct cop_scratch helper;
	int fd = udp_fd(), late = udp_fd(), one = 1;

	helper_at(&helper, snum);
	cop_helper_share(&helper, fd);
	cr_assert(zero(int, kernel_bind_at(fd, LOOPBACK, snum)));
	cop_helper_unshare(fd);
	cop_scratch_close(&helper);
	setsockopt(late, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	cr_assert(eq(int, kernel_bind_at(late, LOOPBACK, snum), -EADDRINUSE));
	cr_assert(eq(int, kernel_bind_at(late, "0.0.0.0", snum), -EADDRINUSE));
}

Test(cop_helper, any_helper_helps_in_a_process_that_never_changed_its_namespace)
{
	struct cop_scratch helper;
	int fd = t_open();

	cr_assert(ge(int, cop_scratch_dual(&helper), 0));
	cr_assert(cop_helps(t_sk(fd), fd, &helper));
	cop_scratch_close(&helper);
}

static int help_across_namespaces(void)
{
	int before = t_open(), after;
	struct cop_scratch helper;

	if (!cop_netns_of(before))
		return T_SKIP;
	cop_netns_leave();
	if (!t_own_network())
		return T_SKIP;
	after = t_open();
	CHECK(cop_scratch_dual(&helper) >= 0);
	CHECK(!cop_helps(t_sk(before), before, &helper));
	CHECK(cop_helps(t_sk(after), after, &helper));
	cop_scratch_close(&helper);
	return 0;
}

Test(cop_helper, a_helper_helps_a_sock_of_its_own_namespace_only)
{
	T_CHILD(help_across_namespaces);
}

/* The kernel's rule is then the only one between two addresses. */
static int bind_without_help(void)
{
	uint16_t snum = t_free_port();
	int fd = t_open();

	if (!cop_netns_of(fd))
		return T_SKIP;
	cop_netns_leave();
	if (!t_own_network())
		return T_SKIP;
	CHECK(!t_bind(fd, LOOPBACK, snum));
	CHECK(t_port(fd) == snum && !reuses(fd));
	CHECK(t_bind(t_open(), LOOPBACK, snum) == 0);
	return 0;
}

Test(cop_helper, a_sock_of_another_namespace_is_bound_without_a_helper)
{
	T_CHILD(bind_without_help);
}
