// SPDX-License-Identifier: MIT
/*
 * test_own_counters.c - wire/own_counters.c: counters that a transport has named.
 */
#include "datagram/defaults.h"
#include "unit/helpers.h"
#include "wire/own_counters.h"

TestSuite(own_counters, .init = t_init, .timeout = 20);

static const char *const two[] = { "one", "two", NULL };

Test(own_counters, names_of_letters_digits_and_underscores_are_valid)
{
	static const char *const good[] = { "a_B9", "x23456789_123456789_1234",
					    NULL };
	static const char *const bad[][2] = {
		{ "" },	    { "a b" },	  { "a-b" },
		{ "a=b" },  { "\x1b[m" }, { "x23456789_123456789_12345" },
		{ "\xc3" },
	};
	const char *many[COP_COUNTERS_MAX + 2] = { 0 };

	cr_assert(cop_counters_are_valid(NULL));
	cr_assert(cop_counters_are_valid(good));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert(not(cop_counters_are_valid(bad[i])), "%s", bad[i][0]);
	for (int i = 0; i < COP_COUNTERS_MAX; i++)
		many[i] = "n";
	cr_assert(cop_counters_are_valid(many));
	many[COP_COUNTERS_MAX] = "n";
	cr_assert(not(cop_counters_are_valid(many)));
}

Test(own_counters, they_stand_behind_what_else_a_sock_has)
{
	struct proto prot = { .obj_size = 601, .counters = two };

	cr_assert(eq(sz, cop_counters_place(&prot), 608 + 16));
	cr_assert(eq(u32, prot.counters_at, 608));
	cr_assert(eq(u32, prot.n_counters, 2));
	prot.counters = NULL;
	cr_assert(eq(sz, cop_counters_place(&prot), 601));
	cr_assert(zero(u32, prot.n_counters));
}

Test(own_counters, a_new_sock_counts_from_0_and_no_other_number_counts)
{
	static struct proto prot = { .name = "T", .counters = two };
	struct sock *sk;

	cr_assert(zero(int, proto_register(&prot)));
	for (int i = 0; i < 2; i++) {
		sk = sk_alloc(PF_INET, &prot);
		cr_assert(ne(ptr, sk, NULL));
		cr_assert(zero(u64, cop_counter(sk, 0)));
		cr_assert(zero(u64, cop_counter(sk, 1)));
		cop_count(sk, 1);
		cop_count(sk, 1);
		cop_count(sk, 2);
		cop_count(sk, UINT32_MAX);
		cr_assert(zero(u64, cop_counter(sk, 0)));
		cr_assert(eq(u64, cop_counter(sk, 1), 2));
		cop_slab_free(prot.slab, sk);
	}
}

Test(own_counters, a_slab_without_room_for_them_is_refused)
{
	static struct cop_slab slab = COP_SLAB(struct cop_sock);
	static struct proto prot = { .name = "T",
				     .counters = two,
				     .slab = &slab };

	cr_assert(eq(int, proto_register(&prot), -EINVAL));
}
