/* SPDX-License-Identifier: MIT */
/*
 * show.h - sockets in words.
 */
#ifndef COP_TOOLS_SHOW_H
#define COP_TOOLS_SHOW_H

#include <stdio.h>

#include "sockets.h"

/**
 * show_text - print a list for who reads it, as ss(8) does
 * @out: where to
 * @list: the list
 * @old: an older one after rates_sort(), since which rates are; or NULL
 */
void show_text(FILE *out, const struct stat_list *list,
	       const struct stat_list *old);

/**
 * show_json - print a list for programs: lines of one object each
 * @out: where to
 * @list: the list
 * @old: an older one after rates_sort(), since which rates are; or NULL
 */
void show_json(FILE *out, const struct stat_list *list,
	       const struct stat_list *old);

#endif /* COP_TOOLS_SHOW_H */
