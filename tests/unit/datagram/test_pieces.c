// SPDX-License-Identifier: MIT
/*
 * test_pieces.c - datagram/pieces.c: into how many datagrams a send is cut.
 */
#include "datagram/pieces.h"
#include "unit/helpers.h"

TestSuite(cop_pieces, .timeout = 20);

/* Each array gets a value of its own, and all stay as they were written. */
static void fill_arrays(unsigned int n, unsigned int hlen, size_t controllen,
			size_t iovlen)
{
	static unsigned char room[40000] __attribute__((aligned(16)));
	const struct msghdr msg = { .msg_controllen = controllen,
				    .msg_iovlen = iovlen };
	const struct cop_pieces p = { .cut.msg = &msg, .n = n, .hlen = hlen };
	const struct cop_piece_arrays a = cop_pieces_place(&p, room);
	const size_t iovs = 2 * n + iovlen, size = cop_pieces_size(&p);

	cr_assert(lt(sz, size, sizeof(room)));
	memset(room, 0, sizeof(room));
	memset(a.iov, 1, iovs * sizeof(*a.iov));
	memset(a.seq, 2, n * sizeof(*a.seq));
	memset(a.control, 3, COP_CUT_CONTROL + controllen + 8);
	for (unsigned int i = 0; i < n; i++)
		memset(a.hdr + i * a.stride, 4, hlen);
	cr_expect(eq(int, ((char *)(a.iov + iovs))[-1], 1));
	cr_expect(eq(int, ((char *)(a.seq + n))[-1], 2));
	cr_expect(eq(int, a.control[COP_CUT_CONTROL + controllen + 7], 3));
	cr_expect(eq(int, a.hdr[(n - 1) * a.stride + hlen - 1], 4));
	cr_expect(zero(int, room[size]));
	cr_expect(zero(uint, (uintptr_t)a.control % 8 + (uintptr_t)a.seq % 8 +
				     (uintptr_t)a.hdr % 4 + a.stride % 4));
}

Test(cop_pieces, the_arrays_lie_beside_each_other)
{
	fill_arrays(1, 8, 0, 0);
	fill_arrays(17, 16, 24, 1);
	fill_arrays(COP_PIECES_MAX, COP_HDR_MAX, 4093, 64);
}
