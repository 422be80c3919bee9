/* SPDX-License-Identifier: MIT */
/*
 * self.h - finds where this cop is installed.
 */
#ifndef COP_TOOLS_SELF_H
#define COP_TOOLS_SELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * self_path - get the path of this program's file
 * @path: set to the path, without symbolic links
 *
 * Works without /proc. Returns whether the path is known.
 */
bool self_path(char path[PATH_MAX]);

/**
 * self_set_launcher - in a subcommand's program: set which cop has started it
 * @path: the launcher's file
 */
void self_set_launcher(const char *path);

/**
 * self_find - find a file that belongs to this cop
 * @path: set to its path, or to the last path that was tried
 * @beside: its path in the build tree, relative to the launcher's directory
 * @installed: its path if the launcher is in a directory bin, relative to
 *	bin's parent
 * @otherwise: the absolute path that the build was configured for
 * @mode: as for access()
 *
 * Returns whether there is such a file.
 */
bool self_find(char path[PATH_MAX], const char *beside, const char *installed,
	       const char *otherwise, int mode);

#endif /* COP_TOOLS_SELF_H */
