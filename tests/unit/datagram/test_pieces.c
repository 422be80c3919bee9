// SPDX-License-Identifier: MIT
/*
 * test_pieces.c - datagram/pieces.c: into how many datagrams a send is cut.
 */
#include <fcntl.h>
#include <netinet/udp.h>

#include "datagram/pieces.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "unit/helpers.h"

static ssize_t (*real_send)(int fd, const void *buf, size_t len, int flags);
static int asked;

static void setup(void)
{
	t_init();
	cop_libc_init();
	real_send = cop_libc.send;
}

TestSuite(cop_pieces, .init = setup, .timeout = 20);

static ssize_t count_send(int fd, const void *buf, size_t len, int flags)
{
	asked++;
	return real_send(fd, buf, len, flags);
}

/* As Linux 6.8 answers. */
static ssize_t old_send(int fd, const void *buf, size_t len, int flags)
{
	if (len <= COP_PIECES_OLD)
		return real_send(fd, buf, len, flags);
	errno = EINVAL;
	return -1;
}

static ssize_t no_send(int fd, const void *buf, size_t len, int flags)
{
	(void)fd, (void)buf, (void)len, (void)flags;
	asked++;
	errno = ENETUNREACH;
	return -1;
}

/* The kernel's own limit, by a send of bytes that are a datagram each. */
static unsigned int limit(void)
{
	static const char bytes[COP_PIECES_MAX];
	int udp = t_udp(), to = t_udp(), size = 1;

	cr_assert(zero(int, t_connect(udp, LOOPBACK, t_port(to))));
	cr_assert(zero(int, setsockopt(udp, IPPROTO_UDP, UDP_SEGMENT, &size,
				       sizeof(size))));
	return send(udp, bytes, COP_PIECES_MAX, 0) > 0 ? COP_PIECES_MAX
						       : COP_PIECES_OLD;
}

Test(cop_pieces, the_kernel_says_its_own_limit_and_is_asked_once)
{
	const unsigned int want = limit();
	int fd = dup(0);

	close(fd);
	cop_libc.send = count_send;
	errno = 77;
	for (int i = 0; i < 3; i++)
		cr_assert(eq(uint, cop_pieces_most(), want));
	cr_expect(eq(int, asked, 1));
	cr_expect(eq(int, errno, 77));
	cr_expect(lt(int, fcntl(fd, F_GETFD), 0), "a descriptor is left");
}

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

Test(cop_pieces, an_older_kernel_says_64)
{
	cop_libc.send = old_send;
	cr_expect(eq(uint, cop_pieces_most(), COP_PIECES_OLD));
}

Test(cop_pieces, a_kernel_that_can_not_be_asked_is_asked_again)
{
	cop_libc.send = no_send;
	cr_expect(eq(uint, cop_pieces_most(), COP_PIECES_MAX));
	cr_expect(eq(uint, cop_pieces_most(), COP_PIECES_MAX));
	cr_expect(eq(int, asked, 2));
	WRITE_ONCE(cop_is_confined, true);
	cr_expect(eq(uint, cop_pieces_most(), COP_PIECES_MAX));
	cr_expect(eq(int, asked, 2));
	WRITE_ONCE(cop_is_confined, false);
}
