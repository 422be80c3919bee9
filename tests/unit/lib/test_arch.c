// SPDX-License-Identifier: MIT
/*
 * test_arch.c - lib/arch.h and the operations of lib/atomic.h on two bytes: what the
 * processors have in different ways has the same results.
 */
#include "lib/arch.h"
#include "lib/atomic.h"
#include "unit/helpers.h"

Test(cop_arch, a_product_of_two_words_has_128_bits)
{
	static const struct {
		uint64_t a, b, high;
	} c[] = {
		{ 0, ~0ull, 0 },
		{ 1, ~0ull, 0 },
		{ 2, ~0ull, 1 },
		{ ~0ull, ~0ull, ~0ull - 1 },
		{ 1ull << 32, 1ull << 32, 1 },
		{ 0xffffffff, 0xffffffff, 0 },
		{ 0x123456789abcdef0, 0xfedcba9876543210, 0x121fa00ad77d7422 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cr_expect(eq(u64, u128_high(u128_product(c[i].a, c[i].b)),
			     c[i].high),
			  "case %zu", i);
		cr_expect(eq(u64, u128_high(u128_product(c[i].b, c[i].a)),
			     c[i].high),
			  "case %zu, turned round", i);
	}
}

Test(cop_arch, a_sum_carries_into_the_upper_word)
{
	const cop_u128 most = u128_product(~0ull, 1), one = u128_product(1, 1);

	cr_expect(eq(u64, u128_high(u128_add(most, one, 0)), 1));
	cr_expect(eq(u64, u128_high(u128_add(most, one, 5)), 6));
	cr_expect(eq(u64, u128_high(u128_add(one, one, ~0ull)), ~0ull));
}

Test(cop_arch, operations_on_two_bytes_leave_their_neighbours_alone)
{
	_Atomic(uint16_t) v[4] = { 0xffff, 0xffff, 0xffff, 0xffff };
	uint16_t old = 1;

	for (int i = 1; i < 3; i++) {
		cr_expect(eq(uint, u16_add(&v[i], 3), 0xffff));
		cr_expect(eq(uint, v[i], 2));
		cr_expect(eq(uint, u16_or(&v[i], 0x100), 2));
		cr_expect(eq(uint, u16_and(&v[i], 0xff00), 0x102));
		cr_expect(eq(uint, u16_exchange(&v[i], 7), 0x100));
		cr_expect(not(u16_cas(&v[i], &old, 9)));
		cr_expect(eq(uint, old, 7));
		cr_expect(u16_cas(&v[i], &old, 9));
		cr_expect(eq(uint, v[i], 9));
		old = 1;
	}
	cr_expect(eq(uint, v[0], 0xffff));
	cr_expect(eq(uint, v[3], 0xffff));
}
