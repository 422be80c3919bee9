// SPDX-License-Identifier: MIT
/*
 * test_untested.c - scripts/untested: each file of the library has unit tests, or a
 * reason to have none. The library here is a file and two rooms.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"

static struct run_result result;

#define CHECK_TREE "python3 " COP_TEST_DIR "/../scripts/untested "

/* One file has tests, the two others are listed. */
static void make_tree(void)
{
	scratch_make();
	scratch_must("mkdir -p scripts top low/deep tests/unit/low && "
		     "printf 'top top\\nport cop_port.c\\nlow low\\n' "
		     ">scripts/rooms && "
		     "touch top/a.c cop_port.c low/deep/b.c && "
		     "echo 'Test(cop_port, holds) {}' "
		     ">tests/unit/test_port.c && "
		     "printf 'top/\\tshown by e2e\\nlow/deep/b.c\\ta table\\n' "
		     ">scripts/untested-files");
}

TestSuite(untested, .init = make_tree);

static void expect_fault(const char *fault)
{
	cr_expect_eq(scratch_shell(&result, CHECK_TREE "."), 1);
	cr_expect_not_null(strstr(result.out, fault), "%s", result.out);
}

Test(untested, the_library_itself_has_no_fault)
{
	cr_expect_eq(scratch_shell(&result, CHECK_TREE), 0, "%s", result.out);
}

Test(untested, tests_and_reasons_are_no_fault)
{
	cr_expect_eq(scratch_shell(&result, CHECK_TREE "."), 0, "%s",
		     result.out);
}

Test(untested, a_new_file_without_tests_is_a_fault)
{
	scratch_must("touch low/new.c");
	expect_fault("low/new.c has no tests: tests/unit/low/test_new.c is "
		     "missing\n");
}

Test(untested, a_file_in_the_top_directory_needs_tests_too)
{
	scratch_must("rm tests/unit/test_port.c");
	expect_fault("cop_port.c has no tests: tests/unit/test_port.c is "
		     "missing\n");
}

Test(untested, a_file_of_tests_without_a_test_is_a_fault)
{
	scratch_must("touch low/new.c && "
		     "echo '/* Test() */' >tests/unit/low/test_new.c");
	expect_fault("tests/unit/low/test_new.c holds no test\n");
}

Test(untested, a_listed_file_that_has_tests_is_a_fault)
{
	scratch_must("mkdir -p tests/unit/low/deep && "
		     "echo 'Test(b, c)' >tests/unit/low/deep/test_b.c");
	expect_fault("low/deep/b.c has tests, but is listed\n");
}

Test(untested, a_listed_file_that_is_gone_is_a_fault)
{
	scratch_must("rm low/deep/b.c");
	expect_fault("low/deep/b.c is listed, but is no file of the library\n");
}

Test(untested, a_listed_file_without_a_reason_is_a_fault)
{
	scratch_must("touch low/new.c && "
		     "echo 'low/new.c' >>scripts/untested-files");
	expect_fault("low/new.c is listed without a reason\n");
}
