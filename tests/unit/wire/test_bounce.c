// SPDX-License-Identifier: MIT
/*
 * test_bounce.c - wire/bounce.c: a buffer for one whole datagram.
 */
#include "socket/confine.h"
#include "wire/bounce.h"
#include "wire/hdr.h"
#include "unit/helpers.h"

TestSuite(cop_bounce, .init = t_init, .timeout = 20);

Test(cop_bounce, a_buffer_holds_the_longest_datagram)
{
	unsigned char *buf = cop_bounce_map();

	cr_assert(ne(ptr, buf, NULL));
	memset(buf, 1, COP_DATAGRAM_MAX);
	cop_bounce_unmap(buf);
}

Test(cop_bounce, a_sealed_buffer_can_not_be_read_by_the_kernel)
{
	int fd = t_udp();
	void *buf = cop_bounce_map();
	struct sockaddr_in to = t_name(fd);

	cr_assert(zero(int, cop_bounce_seal(buf)));
	cr_assert(eq(int,
		     sendto(fd, buf, 1, 0, (struct sockaddr *)&to, sizeof(to)),
		     -1));
	cr_assert(eq(int, errno, EFAULT));
	cop_bounce_unmap(buf);
}

Test(cop_bounce, a_confined_process_may_have_as_many_iovecs_as_the_kernel_takes)
{
	cr_assert(eq(sz, cop_iov_limit(2), COP_IOV_ON_STACK));
	cop_confine_begin();
	cr_assert(eq(sz, cop_iov_limit(2), IOV_MAX - 2));
}
