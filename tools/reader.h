/* SPDX-License-Identifier: MIT */
/*
 * reader.h - whether the user of a service may read a file.
 */
#ifndef COP_TOOLS_READER_H
#define COP_TOOLS_READER_H

#include <stdbool.h>

/**
 * reader_can - whether the user of a service may read a file
 * @name: the user's name or number, or NULL
 * @is_dynamic: systemd makes the user when the service starts
 * @path: the file
 *
 * For root. A user who is not known counts as one who may.
 */
bool reader_can(const char *name, bool is_dynamic, const char *path);

#endif /* COP_TOOLS_READER_H */
