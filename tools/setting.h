/* SPDX-License-Identifier: MIT */
/*
 * setting.h - sets the library's variables from the options of a subcommand.
 */
#ifndef COP_TOOLS_SETTING_H
#define COP_TOOLS_SETTING_H

#include <stdbool.h>

/**
 * setting_append - add a file's name to a variable that is a list of names
 * @variable: the variable
 * @name: the name. A relative one is made absolute, since the program may start
 *	others in another directory
 * @is_first: forget what the variable had before
 *
 * Returns 0, or -1 with errno.
 */
int setting_append(const char *variable, const char *name, bool is_first);

#endif /* COP_TOOLS_SETTING_H */
