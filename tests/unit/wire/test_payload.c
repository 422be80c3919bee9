// SPDX-License-Identifier: MIT
/*
 * test_payload.c - wire/payload.c: the program's iovecs.
 */
#include "wire/hdr.h"
#include "wire/payload.h"
#include "unit/raw_peer.h"

TestSuite(cop_payload, .init = raw_peer_init, .timeout = 20);

Test(cop_payload, iovecs_that_the_kernel_refuses_have_its_errno_for_a_length)
{
	struct iovec iov[1025] = { { data, 1 } };
	struct iovec huge[2] = { { data, SSIZE_MAX }, { data, 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1025 };
	int fd = t_udp();

	cr_assert(eq(long, cop_iov_length(fd, &msg), -EMSGSIZE));
	msg.msg_iovlen = 1024;
	cr_assert(eq(long, cop_iov_length(fd, &msg), 1));
	msg = (struct msghdr){ .msg_iov = huge, .msg_iovlen = 2 };
	/* To a kernel of 64 bits a 32-bit program has no wrong address. */
	cr_assert(eq(long, cop_iov_length(fd, &msg),
		     sizeof(void *) == 8 ? -EFAULT : INT_MAX));
	msg = (struct msghdr){ .msg_iov = NULL, .msg_iovlen = 1 };
	cr_assert(eq(long, cop_iov_length(fd, &msg), -EFAULT));
	msg.msg_iovlen = 0;
	cr_assert(zero(long, cop_iov_length(fd, &msg)));
}

/* The kernel has put the first 16 bytes of a stray ahead of the program's iovecs. */
static int put_back(size_t n, size_t cap)
{
	struct iovec iov[2] = { { room, cap / 3 },
				{ room + cap / 3, cap - cap / 3 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	memset(room, 0, sizeof(room));
	if (n > COP_HLEN)
		memcpy(room, data + COP_HLEN, min_t(size_t, n - COP_HLEN, cap));
	return cop_payload_put_back(&msg, data, min_t(size_t, n, COP_HLEN),
				    min_t(size_t, n, cap));
}

Test(cop_payload, a_stray_is_put_back_from_its_first_byte_on)
{
	static const size_t size[] = { 0, 1, 5, 15, 16, 17, 40, 3000 };

	for (size_t i = 0; i < ARRAY_SIZE(size); i++)
		for (size_t j = 0; j < ARRAY_SIZE(size); j++) {
			size_t len = min_t(size_t, size[i], size[j]);

			cr_assert(zero(int, put_back(size[i], size[j])));
			cr_assert(zero(int, memcmp(room, data, len)),
				  "%zu bytes in %zu", size[i], size[j]);
			cr_assert(zero(int, room[size[j]]), "beyond the end");
		}
}

Test(cop_payload, a_stray_that_can_not_be_put_back_is_efault)
{
	struct iovec iov = { (void *)8, 5 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	cr_assert(eq(int, cop_payload_put_back(&msg, data, 5, 5), -EFAULT));
	cr_assert(zero(int, cop_payload_put_back(&msg, data, 0, 0)));
}
