// SPDX-License-Identifier: MIT
/*
 * test_families.c - scripts/families: the library has one path for both families, and
 * a file that asks for the family is found.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"

TestSuite(families, .init = scratch_make);

static struct run_result result;

static int families(const char *top)
{
	return scratch_shell(&result,
			     "python3 " COP_TEST_DIR "/../scripts/families %s",
			     top);
}

/* A library of two rooms, one of which may know the family. */
static int one_line(const char *file, const char *line)
{
	scratch_must("rm -rf tree && "
		     "mkdir -p tree/scripts tree/lib tree/port && "
		     "printf 'port\tcop_port.c port\nlib\tlib\n' "
		     ">tree/scripts/rooms && "
		     "echo >tree/cop_port.c && "
		     "printf '%%s\n' '%s' >tree/%s",
		     line, file);
	return families("tree");
}

Test(families, the_library_has_one_path_for_both)
{
	cr_expect_eq(families(COP_TEST_DIR "/.."), 0, "%s", result.out);
}

static const char *const faults[] = {
	"int f = AF_INET6;",	   "int f = PF_INET6;",
	"struct sockaddr_in6 *a;", "struct in6_addr a;",
	"return addr->in6;",	   "x = SIN6_LEN_RFC2133;",
	"y = in->sin6_scope_id;",  "if (IN6_IS_ADDR_LOOPBACK(a))",
};

Test(families, a_room_that_names_the_family_is_a_fault)
{
	static const char *const files[] = { "port/a.c", "port/a.h",
					     "cop_port.c", "cop_port.h" };

	for (size_t f = 0; f < sizeof(files) / sizeof(*files); f++)
		for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
			cr_expect_eq(one_line(files[f], faults[i]), 1, "%s: %s",
				     files[f], faults[i]);
			cr_expect_not_null(strstr(result.out, files[f]), "%s",
					   result.out);
		}
}

Test(families, the_room_below_may_name_the_family)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		cr_expect_eq(one_line("lib/a.c", faults[i]), 0, "%s",
			     result.out);
}

Test(families, a_condition_on_the_family_is_a_fault_in_every_room)
{
	cr_expect_eq(one_line("lib/a.c", "#ifdef INET6"), 1);
	cr_expect_eq(one_line("lib/a.c", "# if defined(HAVE_IPV6)"), 1);
	cr_expect_eq(one_line("port/a.c", "#elif AF_INET6"), 1);
	cr_expect_eq(one_line("lib/a.c", "#ifdef __x86_64__"), 0, "%s",
		     result.out);
}

Test(families, a_comment_and_a_text_may_name_the_family)
{
	cr_expect_eq(one_line("port/a.c", "/* AF_INET6 */ char *s = \"in6\";"),
		     0, "%s", result.out);
}
