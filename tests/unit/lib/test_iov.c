// SPDX-License-Identifier: MIT
/*
 * test_iov.c - lib/iov.c: moving bytes into, out of and along iovecs. Each
 * move is made with many splits and compared with the same on one buffer.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/iov.h"
#include "unit/helpers.h"

enum { SIZE = 100, PIECES = 12 };

static unsigned char flat[SIZE], room[SIZE + PIECES];
static struct iovec iov[PIECES];
static int seed;

static void setup(void)
{
	for (int i = 0; i < SIZE; i++)
		flat[i] = i + 1;
}

TestSuite(cop_iov, .init = setup, .timeout = 20);

/* Split @room into pieces, empty ones among them, with a gap behind each. */
static void split(void)
{
	size_t at = 0, left = SIZE;

	srand(++seed);
	for (int i = 0; i < PIECES; i++) {
		size_t n = i == PIECES - 1 ? left : (size_t)rand() % 20;

		n = n > left ? left : n;
		iov[i] = (struct iovec){ n ? room + at : NULL, n };
		at += n + 1;
		left -= n;
	}
	memset(room, 0, sizeof(room));
}

static void read_all(unsigned char *to)
{
	for (int i = 0; i < PIECES; i++)
		for (size_t j = 0; j < iov[i].iov_len; j++)
			*to++ = ((unsigned char *)iov[i].iov_base)[j];
}

static size_t bytes_written(void)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(room); i++)
		n += room[i] != 0;
	return n;
}

Test(cop_iov, scattered_bytes_are_in_order_and_nothing_else_changes)
{
	unsigned char got[SIZE];

	for (size_t len = 0; len <= SIZE; len++) {
		split();
		cop_iov_scatter(iov, PIECES, flat, len);
		read_all(got);
		cr_assert(zero(int, memcmp(got, flat, len)));
		cr_assert(eq(sz, bytes_written(), len));
	}
}

Test(cop_iov, gathered_bytes_are_the_scattered_ones)
{
	for (size_t len = 0; len <= SIZE; len++) {
		unsigned char got[SIZE + 1] = { 0 };

		split();
		cop_iov_scatter(iov, PIECES, flat, SIZE);
		cop_iov_gather(got, iov, PIECES, len);
		cr_assert(zero(int, memcmp(got, flat, len)));
		cr_assert(zero(int, got[len]));
	}
}

/* Behind the program's iovecs is something that no copy may use. */
Test(cop_iov, a_copy_ends_with_the_iovecs_that_have_become_too_short)
{
	unsigned char got[SIZE] = { 0 }, behind[SIZE] = { 0 };
	struct iovec some[4] = { { room, 3 },
				 { NULL, 0 },
				 { room + 3, 4 },
				 { behind, sizeof(behind) } };

	memset(room, 0, sizeof(room));
	cr_assert(eq(int, cop_iov_scatter(some, 3, flat, SIZE), -EFAULT));
	cr_assert(zero(int, memcmp(room, flat, 7)));
	cr_assert(eq(sz, bytes_written(), 7));
	cr_assert(zero(int, behind[0]));
	cr_assert(eq(sz, cop_iov_gather(got, some, 3, SIZE), 7));
	cr_assert(zero(int, memcmp(got, flat, 7)));
	cr_assert(zero(int, got[7]));
	cr_assert(eq(int, cop_iov_scatter(some + 3, 0, flat, 1), -EFAULT));
	cr_assert(cop_iov_writable_many(some, 3, 7));
	cr_assert(not(cop_iov_writable_many(some, 3, 8)));
	cr_assert(zero(sz, cop_iov_gather(got, some + 3, 0, 1)));
	cr_assert(zero(int, cop_iov_scatter(some + 3, 0, flat, 0)));
}

Test(cop_iov, bytes_are_copied_down_within_the_same_iovecs)
{
	for (size_t skip = 0; skip <= 44; skip++) {
		unsigned char got[SIZE];
		size_t len = SIZE - skip;

		split();
		cop_iov_scatter(iov, PIECES, flat, SIZE);
		cop_iov_copy(iov, iov, skip, len);
		read_all(got);
		cr_assert(zero(int, memcmp(got, flat + skip, len)), "skip %zu",
			  skip);
		cr_assert(zero(int, memcmp(got + len, flat + len, skip)));
	}
}

Test(cop_iov, bytes_pushed_ahead_move_the_others_back)
{
	for (size_t n = 1; n <= 16; n++)
		for (size_t len = 0; len <= SIZE; len += 7) {
			unsigned char head[16], got[SIZE], want[SIZE];

			memset(head, 0xaa, sizeof(head));
			memset(want, 0xaa, n);
			memcpy(want + n, flat, SIZE - n);
			memcpy(want + len, flat + len, SIZE - len);
			split();
			cop_iov_scatter(iov, PIECES, flat, SIZE);
			cop_iov_push(iov, head, n, len);
			read_all(got);
			cr_assert(zero(int, memcmp(got, want, SIZE)),
				  "%zu bytes ahead of %zu", n, len);
		}
}
