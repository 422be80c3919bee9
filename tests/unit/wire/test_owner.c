// SPDX-License-Identifier: MIT
/*
 * test_owner.c - wire/owner.c: whether a descriptor still leads to the kernel
 * socket of a sock.
 */
#include "unit/helpers.h"
#include "wire/owner.h"

TestSuite(cop_owner, .init = t_init, .timeout = 20);

/* ---- whose a descriptor is ------------------------------------------------- */

/* A COP socket's number; a UDP socket takes it by a call that nobody sees. */
static int replaced_unbound(void)
{
	int fd = t_open(), udp = socket(AF_INET, SOCK_DGRAM, 0);

	cr_assert(eq(int, dup2(udp, fd), fd));
	close(udp);
	return fd;
}

static void bind_unseen(int fd)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, 0);

	cr_assert(zero(int, bind(fd, (struct sockaddr *)&addr, sizeof(addr))));
}

/* Both have port 0, and nobody has asked the kernel for the cookie yet. */
Test(cop_owner,
     an_unbound_udp_socket_unseen_is_told_from_a_cop_one_once_it_is_bound)
{
	int fd = replaced_unbound();

	cr_assert(cop_owns(t_sk(fd), fd));
	bind_unseen(fd);
	cr_assert(not(cop_owns(t_sk(fd), fd)));
}

/* docs/BYPASS.md says so: the check would cost each socket() a system call. */
Test(cop_owner, an_unbound_udp_socket_unseen_is_taken_for_cops_by_a_fork)
{
	int fd = replaced_unbound();

	fd_identify_all();
	bind_unseen(fd);
	cr_assert(cop_owns(t_sk(fd), fd));
}

Test(cop_owner, a_cop_socket_that_a_fork_was_told_of_is_no_udp_socket_unseen)
{
	int fd = t_open(), udp = socket(AF_INET, SOCK_DGRAM, 0);

	fd_identify_all();
	cr_assert(eq(int, dup2(udp, fd), fd));
	cr_assert(not(cop_owns(t_sk(fd), fd)));
}
