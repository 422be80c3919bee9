// SPDX-License-Identifier: MIT
/*
 * test_scratch_socket.c - lib/scratch_socket.c: a UDP socket of the kernel for a part
 * of a call.
 */
#include <fcntl.h>

#include "lib/process.h"
#include "lib/scratch.h"
#include "lib/scratch_socket.h"
#include "unit/helpers.h"

TestSuite(cop_scratch_socket, .init = t_init, .timeout = 20);

static int option(int fd, int level, int optname)
{
	socklen_t len = sizeof(int);
	int value = -1;

	getsockopt(fd, level, optname, &value, &len);
	return value;
}

Test(cop_scratch_socket, a_scratch_socket_is_open_until_it_is_closed)
{
	struct cop_scratch part;
	int fd = cop_scratch_socket(&part, AF_INET);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, part.fd, fd));
	cr_assert(eq(int, part.family, AF_INET));
	cr_assert(eq(int, fcntl(fd, F_GETFD), FD_CLOEXEC));
	cr_assert(eq(int, option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP));
	cr_assert(eq(u32, cop_process()->scratch, 1));
	cop_scratch_close(&part);
	cr_assert(lt(int, fcntl(fd, F_GETFD), 0));
	cr_assert(zero(u32, cop_process()->scratch));
}

Test(cop_scratch_socket, where_there_is_no_such_family_the_part_has_not_begun)
{
	struct cop_scratch part;

	cr_assert(lt(int, cop_scratch_socket(&part, 9999), 0));
	cr_assert(eq(int, errno, EAFNOSUPPORT));
	cr_assert(zero(u32, cop_process()->scratch));
}

Test(cop_scratch_socket, a_dual_socket_takes_ipv4_as_well_where_there_is_ipv6)
{
	struct cop_scratch part;
	int fd = cop_scratch_dual(&part);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, option(fd, SOL_SOCKET, SO_DOMAIN), part.family));
	if (part.family == AF_INET6)
		cr_expect(zero(int, option(fd, IPPROTO_IPV6, IPV6_V6ONLY)));
	cop_scratch_close(&part);
}
