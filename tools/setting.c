// SPDX-License-Identifier: MIT
/*
 * setting.c - sets the library's variables from the options of a subcommand.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "setting.h"

int setting_append(const char *variable, const char *name, bool is_first)
{
	const char *before = is_first ? NULL : getenv(variable);
	char *list, cwd[PATH_MAX] = "";
	int err;

	if (*name != '/' && !getcwd(cwd, sizeof(cwd)))
		return -1;
	if (asprintf(&list, "%s%s%s%s%s", before ?: "", before ? ":" : "", cwd,
		     *cwd ? "/" : "", name) < 0)
		return -1;
	err = setenv(variable, list, 1);
	free(list);
	return err;
}
