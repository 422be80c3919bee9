// SPDX-License-Identifier: MIT
/*
 * test_sockname.c - lib/sockname.c: addresses from a program, and from the kernel.
 */
#include <sys/mman.h>

#include "lib/sockname.h"
#include "unit/helpers.h"

Test(cop_sockname, what_can_not_be_read_or_be_an_address_is_refused)
{
	int fd = t_udp();
	union cop_addr addr,
		from = cop_addr_v4(inet_addr("127.0.0.1"), htons(9));
	union {
		struct sockaddr sa;
		struct sockaddr_storage room;
	} long_ = { .sa.sa_family = AF_UNIX };
	char *page =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(zero(int,
		       cop_addr_import(fd, &from.sa, sizeof(from.in), &addr)));
	cr_expect(cop_addr_equal(&addr, &from));
	cr_assert(zero(int, cop_addr_import(fd, &from.sa, 2, &addr)));
	cr_expect(eq(int, addr.family, AF_INET));
	cr_expect(zero(uint, addr.in.sin_port));
	cr_assert(zero(int, cop_addr_import(fd, NULL, 0, &addr)));
	cr_expect(eq(int, addr.family, AF_UNSPEC));
	cr_expect(eq(int, cop_addr_import(fd, &long_.sa, sizeof(long_), &addr),
		     0));
	cr_expect(eq(int,
		     cop_addr_import(fd, &long_.sa, sizeof(long_) + 1, &addr),
		     -EINVAL));
	cr_expect(
		eq(int, cop_addr_import(fd, (void *)page, 16, &addr), -EFAULT));
	cr_expect(eq(int, cop_addr_import(fd, NULL, 16, &addr), -EFAULT));
}

Test(cop_sockname, an_address_is_judged_by_length_then_by_pointer)
{
	static const struct {
		uintptr_t addr;
		socklen_t len;
		int err;
	} c[] = {
		{ 0, 0, 0 },
		{ 0, 1, -EFAULT },
		{ 1, 16, -EFAULT },
		{ UINTPTR_MAX - 4, 16, -EFAULT },
		{ 0, sizeof(struct sockaddr_storage) + 1, -EINVAL },
		{ 0, -1, -EINVAL },
	};
	struct sockaddr_storage some;
	int fd = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		cr_assert(eq(int,
			     cop_addr_fits(fd, (struct sockaddr *)c[i].addr,
					   c[i].len),
			     c[i].err),
			  "case %zu", i);
	cr_assert(zero(int, cop_addr_fits(fd, (struct sockaddr *)&some,
					  sizeof(some))));
}

Test(cop_sockname, a_kernel_socket_tells_its_addresses)
{
	int fd = t_udp(), peer = t_udp();
	union cop_addr addr, local;

	cr_assert(cop_local_addr(fd, &addr));
	cr_expect(eq(int, addr.family, AF_INET));
	cr_expect(not(zero(uint, cop_addr_port(&addr))));
	cr_expect(not(cop_peer_addr(fd, &addr)));
	cr_expect(eq(int, addr.family, AF_UNSPEC));
	cr_assert(cop_local_addr(peer, &local));
	cr_assert(zero(int, connect(fd, &local.sa, cop_addr_len(&local))));
	cr_assert(cop_peer_addr(fd, &addr));
	cr_expect(cop_addr_equal(&addr, &local));
}

Test(cop_sockname, what_is_no_socket_has_no_address_and_errno_stays)
{
	union cop_addr addr = cop_addr_v4(inet_addr("10.0.0.1"), 1);

	errno = 4000;
	cr_expect(not(cop_local_addr(-1, &addr)));
	cr_expect(eq(int, addr.family, AF_UNSPEC));
	cr_expect(not(cop_peer_addr(0, &addr)));
	cr_expect(eq(int, errno, 4000));
}

Test(cop_sockname, a_whole_address_is_copied_and_the_rest_is_zero)
{
	struct sockaddr_storage from, copy;

	memset(&from, 0x55, sizeof(from));
	memset(&copy, 0xaa, sizeof(copy));
	cr_assert(zero(int, move_addr_to_kernel(0, (struct sockaddr *)&from, 17,
						&copy)));
	cr_expect(zero(int, memcmp(&copy, &from, 17)));
	for (size_t i = 17; i < sizeof(copy); i++)
		cr_expect(zero(int, ((char *)&copy)[i]));
	cr_expect(zero(int, move_addr_to_kernel(0, (struct sockaddr *)&from,
						sizeof(from), &copy)));
	cr_expect(zero(int, memcmp(&copy, &from, sizeof(from))));
	cr_expect(zero(int, move_addr_to_kernel(0, NULL, 0, &copy)));
	cr_expect(
		eq(int, move_addr_to_kernel(0, (void *)8, 16, &copy), -EFAULT));
	cr_expect(eq(int,
		     move_addr_to_kernel(0, (struct sockaddr *)&from,
					 sizeof(from) + 1, &copy),
		     -EINVAL));
}
