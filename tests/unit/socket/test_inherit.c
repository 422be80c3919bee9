// SPDX-License-Identifier: MIT
/*
 * test_inherit.c - socket/inherit.c: the COP sockets that a program starts with.
 */
#include <fcntl.h>
#include <sys/resource.h>

#include "socket/inherit.h"
#include "unit/helpers.h"

TestSuite(cop_inherit, .init = t_init, .timeout = 20);

Test(cop_inherit, all_that_a_program_starts_with_is_found)
{
	static const int at[] = { 63, 64, 65, 500, 2047, 2048, 5000 };
	struct rlimit most;
	int fd = t_open_bound();
	struct socket *sock = t_sock(fd);

	getrlimit(RLIMIT_NOFILE, &most);
	if (most.rlim_max <= 5000)
		cr_skip_test("no more than %lu descriptors", most.rlim_max);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	sock->sk->sk_prot->mark(sock->sk, fd);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(int, dup2(fd, at[i]), at[i]));
	cop_inherit();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(ptr, t_sock(at[i]), sock));
	cr_assert(zero(ptr, sockfd_lookup(66)));
}

/* A COP socket with its mark, which this process has forgotten. */
static int forgotten(void)
{
	int fd = t_open_bound();

	t_sk(fd)->sk_prot->mark(t_sk(fd), fd);
	t_leave(fd);
	return fd;
}

Test(cop_inherit, a_process_that_starts_confined_finds_its_sockets)
{
	int fd = forgotten(), high = 100;

	cr_assert(eq(int, dup2(fd, high), high));
	cop_inherit_confined();
	cr_assert(eq(ptr, t_sock(high), t_sock(fd)));
}

/* Each group of 64 is looked at only if one of the group before is open. */
Test(cop_inherit, a_process_that_starts_confined_stops_at_a_gap)
{
	int fd = forgotten(), high = 200;

	cr_assert(eq(int, dup2(fd, high), high));
	cop_inherit_confined();
	cr_assert(zero(ptr, sockfd_lookup(high)));
	cop_inherit();
	cr_assert(eq(ptr, t_sock(high), t_sock(fd)));
}

Test(cop_inherit, other_descriptors_stay_as_they_are)
{
	int udp = t_udp(), file = open("/dev/null", O_RDONLY);

	cop_inherit();
	cop_inherit_confined();
	cr_assert(zero(ptr, sockfd_lookup(udp)));
	cr_assert(zero(ptr, sockfd_lookup(file)));
	cr_assert(zero(uint, cop_table.max));
}

Test(cop_inherit, errno_stays_as_it_was)
{
	forgotten();
	errno = 77;
	cop_inherit();
	cr_assert(eq(int, errno, 77));
	cop_inherit_confined();
	cr_assert(eq(int, errno, 77));
}
