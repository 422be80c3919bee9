// SPDX-License-Identifier: MIT
/*
 * test_random.c - lib/random.c: numbers that an outsider can't guess.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/random.h"
#include "unit/helpers.h"

enum { N = 20000 };

static uint32_t drawn[N];

TestSuite(cop_random, .timeout = 20);

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Of 20,000 numbers of 32 bits 0.05 pairs are expected to be equal. */
Test(cop_random, numbers_do_not_repeat)
{
	int equal = 0;

	for (int i = 0; i < N; i++)
		drawn[i] = cop_random();
	qsort(drawn, N, sizeof(*drawn), by_value);
	for (int i = 1; i < N; i++)
		equal += drawn[i] == drawn[i - 1];
	cr_assert(le(int, equal, 4));
}

/* 10,000 of 20,000 expected; 500 is seven standard deviations. */
Test(cop_random, every_bit_is_set_half_of_the_time)
{
	for (int bit = 0; bit < 32; bit++) {
		int set = 0;

		for (int i = 0; i < N; i++)
			set += cop_random() >> bit & 1;
		cr_assert(lt(int, abs(set - N / 2), 500), "bit %d", bit);
	}
}

static uint32_t *shared;

static int draw_in_child(void)
{
	for (int i = 0; i < 8; i++)
		shared[i] = cop_random();
	return 0;
}

Test(cop_random, a_forked_child_draws_others)
{
	int equal = 0;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cop_random();
	T_CHILD(draw_in_child);
	for (int i = 0; i < 8; i++)
		equal += shared[i] == cop_random();
	cr_assert(zero(int, equal));
}
