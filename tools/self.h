/* SPDX-License-Identifier: MIT */
/*
 * self.h - where this cop is installed.
 */
#ifndef COP_TOOLS_SELF_H
#define COP_TOOLS_SELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * self_path - the file of this program
 * @path: where it is put, without symbolic links
 *
 * Works without /proc. Returns whether it is known.
 */
bool self_path(char path[PATH_MAX]);

/**
 * self_set_launcher - for a subcommand's program: which cop has started it
 * @path: the launcher's file
 */
void self_set_launcher(const char *path);

/**
 * self_find - find a file that belongs to this cop
 * @path: where its path is put; or the last one that was tried
 * @beside: its path from the launcher's directory, where all is in one place
 * @installed: from there, where the launcher is in a directory bin
 * @otherwise: where it was to be installed
 * @mode: as of access()
 *
 * Returns whether there is such a file.
 */
bool self_find(char path[PATH_MAX], const char *beside, const char *installed,
	       const char *otherwise, int mode);

#endif /* COP_TOOLS_SELF_H */
