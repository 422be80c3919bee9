// SPDX-License-Identifier: MIT
/*
 * test_slab.c - lib/slab.c: type-stable memory without locks.
 */
#include <pthread.h>
#include <stdlib.h>

#include "lib/slab.h"
#include "unit/helpers.h"

struct thing {
	struct slab_node node;
	_Atomic(int) owner; /* which thread has it, 0: nobody */
	uint64_t room[5];
};

static struct cop_slab slab = COP_SLAB(struct thing);

TestSuite(cop_slab, .timeout = 20);

Test(cop_slab, a_new_object_is_zero)
{
	static const struct thing zero;
	struct thing *thing = cop_slab_alloc(&slab);

	cr_assert(zero(int, memcmp(thing->room, zero.room, sizeof(zero.room))));
	cr_assert(eq(int, thing->owner, 0));
}

Test(cop_slab, a_freed_object_is_the_next_one_handed_out)
{
	struct thing *one = cop_slab_alloc(&slab);
	struct thing *two = cop_slab_alloc(&slab);

	cr_assert(ne(ptr, one, two));
	cop_slab_free(&slab, one);
	cr_assert(eq(ptr, cop_slab_alloc(&slab), one));
}

Test(cop_slab, a_recycled_object_keeps_its_contents)
{
	struct thing *thing = cop_slab_alloc(&slab);

	thing->room[0] = 77;
	cop_slab_free(&slab, thing);
	cr_assert(eq(u64, thing->room[0], 77));
	thing = cop_slab_alloc(&slab);
	cr_assert(eq(u64, thing->room[0], 77));
}

/* More than nine chunks hold, the last of which are mapped. */
Test(cop_slab, all_objects_are_distinct_and_aligned)
{
	enum { N = (511 << COP_SLAB_SHIFT(sizeof(struct thing))) + 7 };
	static struct thing *thing[N];

	for (int i = 0; i < N; i++) {
		thing[i] = cop_slab_alloc(&slab);
		cr_assert(eq(u32, thing[i]->node.index, i));
		cr_assert(zero(int,
			       (uintptr_t)thing[i] % _Alignof(struct thing)));
		thing[i]->owner = i;
	}
	for (int i = 0; i < N; i++)
		cr_assert(eq(int, thing[i]->owner, i));
	cr_assert(eq(u32, slab.fresh, N));
}

Test(cop_slab, a_freed_object_is_used_before_new_memory)
{
	struct thing *thing[100];

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 100; i++)
			thing[i] = cop_slab_alloc(&slab);
		for (int i = 0; i < 100; i++)
			cop_slab_free(&slab, thing[i]);
	}
	cr_assert(eq(u32, slab.fresh, 100));
}

/*
 * ABA: a pop that read the head and its successor must fail once the head was
 * taken, its successor taken, and the head put back.
 */
Test(cop_slab, the_heads_tag_differs_after_it_was_taken_and_put_back)
{
	struct thing *a = cop_slab_alloc(&slab);
	struct thing *b = cop_slab_alloc(&slab);
	uint64_t before;

	cop_slab_free(&slab, b);
	cop_slab_free(&slab, a);
	before = slab.free;
	cr_assert(eq(ptr, cop_slab_alloc(&slab), a));
	cr_assert(eq(ptr, cop_slab_alloc(&slab), b));
	cop_slab_free(&slab, a);
	cr_assert(eq(u32, (uint32_t)slab.free, (uint32_t)before));
	cr_assert(ne(u64, slab.free, before));
}

enum { THREADS = 8, ROUNDS = 20000, HOLD = 4 };

static _Atomic(int) stolen;

/* Take a few, mark them, and see that nobody else's mark is or comes there. */
static void *take_and_give(void *arg)
{
	int me = (int)(intptr_t)arg;
	struct thing *held[HOLD];

	for (int i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < HOLD; j++) {
			held[j] = cop_slab_alloc(&slab);
			if (atomic_exchange(&held[j]->owner, me))
				stolen++;
		}
		for (int j = 0; j < HOLD; j++) {
			if (atomic_exchange(&held[j]->owner, 0) != me)
				stolen++;
			cop_slab_free(&slab, held[j]);
		}
	}
	return NULL;
}

Test(cop_slab, no_object_is_handed_to_two_threads)
{
	pthread_t thread[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, take_and_give,
			       (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cr_assert(eq(int, stolen, 0));
	cr_assert(le(u32, slab.fresh, THREADS * HOLD));
}
