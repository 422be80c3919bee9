// SPDX-License-Identifier: MIT
/*
 * test_kernel_socket.c - lib/kernel_socket.c: what the kernel says of the socket
 * behind a descriptor.
 */
#include <unistd.h>

#include "lib/kernel_socket.h"
#include "unit/helpers.h"

TestSuite(cop_kernel_socket, .timeout = 20);

Test(cop_kernel_socket, what_is_no_socket_has_no_name)
{
	static const int number[] = { -1, 0, 999 };
	struct sockaddr_in local;

	for (size_t i = 0; i < ARRAY_SIZE(number); i++) {
		memset(&local, 0xff, sizeof(local));
		ip_local_name(number[i], &local);
		cr_assert(zero(int, local.sin_family));
		cr_assert(zero(int, local.sin_port));
		cr_assert(zero(u32, local.sin_addr.s_addr));
	}
}

Test(cop_kernel_socket, a_bound_socket_has_the_name_that_getsockname_tells)
{
	struct sockaddr_in want, local;
	socklen_t len = sizeof(want);
	int fd = t_udp();

	cr_assert(zero(int, getsockname(fd, (struct sockaddr *)&want, &len)));
	ip_local_name(fd, &local);
	cr_assert(zero(int, memcmp(&local, &want, sizeof(want))));
	cr_assert(ne(int, local.sin_port, 0));
}

Test(cop_kernel_socket, duplicates_have_one_cookie_and_other_sockets_another)
{
	int fd = t_udp(), copy = dup(fd), other = t_udp();

	cr_assert(ne(u64, sock_kernel_cookie(fd), 0));
	cr_assert(eq(u64, sock_kernel_cookie(copy), sock_kernel_cookie(fd)));
	cr_assert(ne(u64, sock_kernel_cookie(other), sock_kernel_cookie(fd)));
}

Test(cop_kernel_socket, what_is_no_socket_has_no_cookie)
{
	int pipes[2];

	cr_assert(zero(int, pipe(pipes)));
	cr_assert(zero(u64, sock_kernel_cookie(-1)));
	cr_assert(zero(u64, sock_kernel_cookie(pipes[0])));
}
