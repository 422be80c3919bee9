// SPDX-License-Identifier: MIT
/*
 * test_refused.c - tools/refused.c: a list of processes has whole names only.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/refused.h"

/* Each name ends with its number, so a part of a name shows. */
Test(refused, a_list_that_is_too_long_ends_with_dots)
{
	struct refusal refusal = { 0 };
	char wanted[32];
	char *name;

	for (int i = 0; i < 1000; i++) {
		struct target t = { .pid = 100000 + i };

		snprintf(t.command, sizeof(t.command), "%d", 100000 + i);
		refused_add(&refusal, &t);
	}
	cr_expect_eq(refusal.n, 1000);
	name = strtok(refusal.names, ",");
	for (int i = 0; name && strcmp(name, " ..."); i++) {
		snprintf(wanted, sizeof(wanted), "%s%d (%d)", i ? " " : "",
			 100000 + i, 100000 + i);
		cr_expect_str_eq(name, wanted);
		name = strtok(NULL, ",");
	}
	cr_expect_not_null(name);
	cr_expect_null(strtok(NULL, ","));
}
