/* SPDX-License-Identifier: MIT */
/*
 * trusted.h - whether another user may have put code into a file.
 */
#ifndef COP_TOOLS_TRUSTED_H
#define COP_TOOLS_TRUSTED_H

#include <stdbool.h>

/**
 * trusted_file - whether only root and this user may change a file
 * @path: its name; symbolic links are followed
 *
 * Looks at the file and at each directory above it. A directory that everybody may
 * write is trusted if it is sticky, as /tmp is. A file that is not there is not
 * trusted.
 */
bool trusted_file(const char *path);

#endif /* COP_TOOLS_TRUSTED_H */
