// SPDX-License-Identifier: MIT
/*
 * test_contention.c - port/port_crowd.c: when the choice of an ephemeral port is
 * better left to the kernel.
 */
#include "port/port_crowd.h"
#include "unit/helpers.h"

TestSuite(cop_contention, .timeout = 20);

static const struct {
	unsigned int inuse, held, range;
	bool contended;
} c[] = {
	{ 0, 0, 28232, false },
	{ 27, 0, 28232, false },
	{ 28, 0, 28232, true },
	{ 10000, 10000, 28232, false }, /* they are all our own */
	{ 10028, 10000, 28232, true },
	{ 5, 10, 28232, false }, /* counted at different moments */
	{ 1, 0, 10, true },
	{ 1, 1, 10, false },
};

Test(cop_contention, many_ports_of_other_processes_leave_it_to_the_kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cop_contention_measure(c[i].inuse, c[i].held, c[i].range);
		cr_assert(eq(int, cop_contended(), c[i].contended), "case %zu",
			  i);
	}
}

static unsigned int contended_for(void)
{
	unsigned int n = 0;

	while (cop_contended())
		n++;
	return n;
}

Test(cop_contention, each_collision_leaves_twice_as_many_to_the_kernel)
{
	unsigned int last;

	cr_assert(not(cop_contended()));
	cop_collision(1);
	last = contended_for();
	cr_assert(gt(uint, last, 0));
	for (int i = 0; i < 3; i++) {
		unsigned int n;

		cop_collision(1);
		n = contended_for();
		cr_assert(eq(uint, n, 2 * last));
		last = n;
	}
}

Test(cop_contention, however_many_collisions_it_ends)
{
	for (int i = 0; i < 100; i++)
		cop_collision(1);
	cr_assert(lt(uint, contended_for(), 1000000));
}
