// SPDX-License-Identifier: MIT
/*
 * test_layers.c - scripts/layers: a call between the library's files that does not
 * run down the rooms is found. The rooms here are three folders with a file or two.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "scratch.h"

TestSuite(layers, .init = scratch_make);

static struct run_result result;

/* Each pair is a file and what it holds. */
static int layers(const char *const files[])
{
	scratch_must("mkdir -p tree/scripts && "
		     "for room in high middle low; do "
		     "mkdir -p tree/$room out/$room; "
		     "printf '%%s\\t%%s\\n' $room $room; "
		     "done >tree/scripts/rooms");
	for (int i = 0; files[i]; i += 2)
		scratch_must("echo '%s' >tree/%s.c && "
			     "cc -c -o out/%s.o tree/%s.c",
			     files[i + 1], files[i], files[i], files[i]);
	return scratch_shell(&result, "python3 " COP_TEST_DIR
				      "/../scripts/layers out tree");
}

#define LAYERS(...) layers((const char *const[]){ __VA_ARGS__, NULL })

Test(layers, a_call_down_is_no_fault)
{
	cr_expect_eq(LAYERS("high/a", "void b(void); void a(void) { b(); }",
			    "low/b", "void b(void) {}"),
		     0, "%s", result.out);
}

Test(layers, a_call_up_is_a_fault)
{
	cr_expect_eq(LAYERS("middle/a", "void a(void) {}", "low/b",
			    "void a(void); void b(void) { a(); }"),
		     1);
	cr_expect_not_null(strstr(result.out, "low/b.c calls up to "
					      "middle/a.c: a\n"),
			   "%s", result.out);
}

Test(layers, a_name_of_the_first_room_is_not_called_from_below)
{
	cr_expect_eq(
		LAYERS("high/a", "int close(int fd) { return fd; }", "low/b",
		       "int close(int fd); int b(void) { return close(1); }"),
		1);
	cr_expect_not_null(strstr(result.out, "low/b.c calls by name"), "%s",
			   result.out);
}

Test(layers, a_circle_of_files_is_a_fault)
{
	cr_expect_eq(LAYERS("low/a", "void b(void); void a(void) { b(); }",
			    "low/b", "void a(void); void b(void) { a(); }"),
		     1);
	cr_expect_not_null(strstr(result.out, "in a circle: low/a.c low/b.c\n"),
			   "%s", result.out);
}

Test(layers, a_pointer_is_a_way_up)
{
	cr_expect_eq(LAYERS("high/a",
			    "extern void (*p)(void); void a(void) {} "
			    "void start(void) { p = a; }",
			    "low/b", "void (*p)(void); void b(void) { p(); }"),
		     0, "%s", result.out);
}
