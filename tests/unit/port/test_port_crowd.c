// SPDX-License-Identifier: MIT
/*
 * test_port_crowd.c - port/port_crowd.c: when the kernel had better choose an
 * ephemeral port.
 */
#include "port/port_crowd.h"
#include "unit/helpers.h"

TestSuite(cop_port_crowd, .timeout = 20);

static const struct {
	unsigned int inuse, held, range;
	bool crowded;
} c[] = {
	{ 0, 0, 28232, false },
	{ 27, 0, 28232, false },
	{ 28, 0, 28232, true },
	{ 10000, 10000, 28232, false }, /* all of this process */
	{ 10028, 10000, 28232, true },
	{ 5, 10, 28232, false }, /* the counts are of two moments */
	{ 1, 0, 10, true },
	{ 1, 1, 10, false },
};

Test(cop_port_crowd,
     many_ports_of_other_processes_leave_the_choice_to_the_kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cop_port_crowd_measure(c[i].inuse, c[i].held, c[i].range);
		cr_assert(eq(int, cop_port_is_crowded(), c[i].crowded),
			  "case %zu", i);
	}
}

static unsigned int crowded_for(void)
{
	unsigned int n = 0;

	while (cop_port_is_crowded())
		n++;
	return n;
}

Test(cop_port_crowd, each_collision_leaves_twice_as_many_ports_to_the_kernel)
{
	unsigned int last;

	cr_assert(not(cop_port_is_crowded()));
	cop_port_crowd_collision(1);
	last = crowded_for();
	cr_assert(gt(uint, last, 0));
	for (int i = 0; i < 3; i++) {
		unsigned int n;

		cop_port_crowd_collision(1);
		n = crowded_for();
		cr_assert(eq(uint, n, 2 * last));
		last = n;
	}
}

Test(cop_port_crowd, however_many_collisions_the_library_chooses_again)
{
	for (int i = 0; i < 100; i++)
		cop_port_crowd_collision(1);
	cr_assert(lt(uint, crowded_for(), 1000000));
}

Test(cop_port_crowd,
     a_port_that_collided_is_foreign_until_the_kernel_says_otherwise)
{
	cr_expect(not(cop_port_is_foreign(40000)));
	cop_port_crowd_collision(40000);
	cop_port_crowd_collision(65535);
	cr_expect(cop_port_is_foreign(40000));
	cr_expect(cop_port_is_foreign(65535));
	cr_expect(not(cop_port_is_foreign(40000 + 128)));
	cop_port_pardon(40000);
	cr_expect(not(cop_port_is_foreign(40000)));
	cop_port_forget_foreign();
	cr_expect(not(cop_port_is_foreign(65535)), "nobody has it");
}
