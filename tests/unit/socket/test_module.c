// SPDX-License-Identifier: MIT
/*
 * test_module.c - socket/module.c: references of a module.
 */
#include "lib/env.h"
#include "socket/module.h"
#include "unit/helpers.h"

static struct module mod = { .name = "m" };

Test(cop_module, a_reference_of_a_module_that_is_built_in_costs_nothing)
{
	cr_assert(try_module_get(NULL));
	module_put(NULL);
}

Test(cop_module, a_module_that_ends_gives_no_reference)
{
	cr_assert(try_module_get(&mod));
	cr_expect(eq(int, mod.refcnt, 1));
	mod.going = true;
	cr_expect(not(try_module_get(&mod)));
	cr_expect(eq(int, mod.refcnt, 1));
	module_put(&mod);
	cr_expect(zero(int, mod.refcnt));
}

static void put_too_often(void)
{
	cop_env.debug = COP_DEBUG_FAULTS;
	module_put(&mod);
}

Test(cop_module, a_reference_too_many_is_reported)
{
	char text[512];

	t_stderr(put_too_often, text, sizeof(text));
	cr_assert(
		ne(ptr, strstr(text, "module m: a reference too many"), NULL));
}
