// SPDX-License-Identifier: MIT
/*
 * test_kernel_socket.c - lib/kernel_socket.c: what the kernel says of the socket
 * behind a descriptor.
 */
#include <unistd.h>

#include "lib/kernel_socket.h"
#include "unit/helpers.h"

TestSuite(cop_kernel_socket, .timeout = 20);

Test(cop_kernel_socket, duplicates_have_one_cookie_and_other_sockets_another)
{
	int fd = t_udp(), copy = dup(fd), other = t_udp();

	cr_assert(ne(u64, sock_kernel_cookie(fd), 0));
	cr_assert(eq(u64, sock_kernel_cookie(copy), sock_kernel_cookie(fd)));
	cr_assert(ne(u64, sock_kernel_cookie(other), sock_kernel_cookie(fd)));
}

Test(cop_kernel_socket, a_descriptor_without_a_socket_has_no_cookie)
{
	int pipes[2];

	cr_assert(zero(int, pipe(pipes)));
	cr_assert(zero(u64, sock_kernel_cookie(-1)));
	cr_assert(zero(u64, sock_kernel_cookie(pipes[0])));
}

Test(cop_kernel_socket, a_socket_of_ipv6_may_leave_ipv4_to_others)
{
	const int on = 1;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		cr_skip("no IPv6 here");
	cr_assert(zero(int, setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				       sizeof(on))));
	cr_assert(sock_is_v6only(fd, AF_INET6));
	cr_assert(not(sock_is_v6only(fd, AF_INET)), "the kernel is not asked");
	cr_assert(not(sock_is_v6only(t_udp(), AF_INET6)));
	cr_assert(not(sock_is_v6only(-1, AF_INET6)));
}
