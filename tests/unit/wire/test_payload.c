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

Test(cop_payload, taken_iovecs_have_the_length_of_the_copy)
{
	struct iovec iov[3] = { { data, 5 }, { NULL, 0 }, { data + 5, 7 } },
		     copy[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };

	cr_assert(eq(sz, cop_iov_take(copy, &msg), 12));
	cr_assert(zero(int, memcmp(copy, iov, sizeof(iov))));
	iov[0].iov_len = SIZE_MAX; /* the kernel refuses it */
	cr_assert(eq(sz, cop_iov_take(copy, &msg), SSIZE_MAX));
	msg.msg_iovlen = 1;
	cr_assert(eq(sz, cop_iov_take(copy, &msg), INT_MAX));
	msg.msg_iovlen = 0;
	cr_assert(zero(sz, cop_iov_take(copy, &msg)));
}

Test(cop_payload, what_became_too_short_is_efault)
{
	struct iovec iov[2] = { { data, 5 }, { data + 5, 4000 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
	int fd = t_udp();

	cr_assert(eq(int, cop_payload_fetch(fd, &msg, room, 6), -EFAULT));
	cr_assert(eq(int, cop_payload_fetch(fd, &msg, room, 3000), -EFAULT));
	iov[0].iov_base = room;
	iov[1].iov_base = room + 5;
	memset(room, 0, 10);
	cr_assert(eq(int, cop_payload_store(&msg, 6, data, 6), -EFAULT));
	cr_assert(eq(int, cop_payload_store(&msg, 3000, data, 3000), -EFAULT));
	cr_assert(zero(int, room[5]));
}

/* The kernel has put the first 16 bytes of a stray ahead of the program's iovecs. */
static int put_back(size_t n, size_t cap)
{
	struct iovec iov[2] = { { room, cap / 3 },
				{ room + cap / 3, cap - cap / 3 } };

	memset(room, 0, sizeof(room));
	if (n > COP_HLEN)
		memcpy(room, data + COP_HLEN, min_t(size_t, n - COP_HLEN, cap));
	return cop_payload_put_back(iov, data, min_t(size_t, n, COP_HLEN),
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

	cr_assert(eq(int, cop_payload_put_back(&iov, data, 5, 5), -EFAULT));
	cr_assert(zero(int, cop_payload_put_back(&iov, data, 0, 0)));
}
