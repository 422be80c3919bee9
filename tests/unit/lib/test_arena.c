// SPDX-License-Identifier: MIT
/*
 * test_arena.c - lib/arena.c: memory that is taken and never given back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/arena.h"

#define PIECES 600
#define LEN    1000

Test(cop_arena, memory_is_zero_and_aligned)
{
	static const char zeros[LEN];

	for (size_t len = 1; len <= LEN; len += 37) {
		char *at = cop_arena_take(len);

		cr_assert_eq((uintptr_t)at % 64, 0);
		cr_assert_arr_eq(at, zeros, len);
		memset(at, 0xff, len);
	}
}

/* PIECES times LEN is more than the reserve and the first two mappings hold. */
Test(cop_arena, no_two_pieces_overlap)
{
	static unsigned char *piece[PIECES];

	for (int i = 0; i < PIECES; i++) {
		piece[i] = cop_arena_take(LEN);
		cr_assert_not_null(piece[i]);
		memset(piece[i], i, LEN);
	}
	for (int i = 0; i < PIECES; i++)
		for (int j = 0; j < LEN; j++)
			cr_assert_eq(piece[i][j], (unsigned char)i);
}

Test(cop_arena, first_pieces_lie_one_behind_the_other)
{
	char *one = cop_arena_take(LEN);
	char *two = cop_arena_take(1);

	cr_assert_eq(two - one, 1024);
}

Test(cop_arena, request_beyond_a_mapping_gets_its_own)
{
	const size_t len = 4 * COP_ARENA_MOST;
	char *before = cop_arena_take(1);
	char *large = cop_arena_take(len);
	char *after = cop_arena_take(1);

	cr_assert_not_null(large);
	memset(large, 0xff, len);
	cr_assert_eq(after - before, 64, "the small piece is given up");
}

Test(cop_arena, too_much_is_null_and_leaves_errno)
{
	errno = ENOTTY;
	cr_assert_null(cop_arena_take(SIZE_MAX / 8 * 7));
	cr_assert_eq(errno, ENOTTY);
}
