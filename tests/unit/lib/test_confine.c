// SPDX-License-Identifier: MIT
/*
 * test_confine.c - lib/confine.c: whether the process has confined itself.
 */
#include "lib/confine.h"
#include "unit/helpers.h"

TestSuite(cop_confine, .init = t_init, .timeout = 20);

Test(cop_confine, a_process_without_a_filter_is_not_confined)
{
	cr_assert(not(cop_confine_start()));
	cr_assert(not(cop_confined()));
	cr_assert(eq(int, cop_file_flags(), 0));
}

Test(cop_confine, EPERM_EACCES_and_ENOSYS_reveal_a_filter)
{
	static const struct {
		int err;
		bool confines;
	} c[] = {
		{ 0, false },	    { -ENOPROTOOPT, false }, { -EFAULT, false },
		{ -EINVAL, false }, { -ENOMEM, false },	     { -EPERM, true },
		{ -EACCES, true },  { -ENOSYS, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cr_assert(eq(int, cop_confine_notice(c[i].err), c[i].confines),
			  "%d", c[i].err);
		WRITE_ONCE(cop_is_confined, false);
	}
}

Test(cop_confine, only_a_confined_process_has_message_flags_of_its_own)
{
	cr_assert(not(cop_by_file(COP_MSG_FILE)), "a flag of the program's");
	cop_confine_notice(-EPERM);
	cr_assert(eq(int, cop_file_flags(), COP_MSG_FILE));
	cr_assert(cop_by_file(cop_file_flags()));
	cr_assert(not(cop_by_file(0)));
}
