// SPDX-License-Identifier: MIT
/*
 * test_atomic.c - lib/atomic.c and lib/atomic.h: operations that leave the lock prefix
 * out while there is one thread, and whether there is one.
 */
#include <pthread.h>

#include "lib/atomic.h"
#include "unit/helpers.h"

TestSuite(cop_atomic, .timeout = 60);

enum { THREADS = 4, TURNS = 100000 };

static _Atomic(uint64_t) sum;
static _Atomic(uint32_t) turns;

Test(cop_atomic, a_count_adds_what_it_is_given_with_one_thread_or_more)
{
	_Atomic(uint32_t) n = UINT32_MAX;
	_Atomic(uint64_t) bytes = UINT32_MAX;

	for (int alone = 0; alone < 2; alone++) {
		u32_count(&n, 2, alone);
		u64_count(&bytes, 1ull << 40, alone);
	}
	cr_expect(eq(u32, n, 3));
	cr_expect(eq(u64, bytes, UINT32_MAX + (2ull << 40)));
}

static void *count(void *one_was_seen)
{
	for (int i = 0; i < TURNS; i++) {
		*(bool *)one_was_seen |= one_thread();
		u64_count(&sum, 3, one_thread());
		u32_count(&turns, 1, one_thread());
	}
	return NULL;
}

Test(cop_atomic, threads_lose_no_count)
{
	pthread_t thread[THREADS];
	bool one_was_seen[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		cr_assert(zero(int, pthread_create(&thread[i], NULL, count,
						   &one_was_seen[i])));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		cr_expect(not(one_was_seen[i]));
	}
	cr_expect(eq(u32, turns, THREADS * TURNS));
	cr_expect(eq(u64, sum, 3ull * THREADS * TURNS));
}
