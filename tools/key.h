/* SPDX-License-Identifier: MIT */
/*
 * key.h - cop key, and the keys of cop run --key.
 */
#ifndef COP_TOOLS_KEY_H
#define COP_TOOLS_KEY_H

#include "command.h"

extern const struct command cop_key;

/**
 * key_fault - why a file of keys can't be used, or NULL
 * @path: its name
 */
const char *key_fault(const char *path);

#endif /* COP_TOOLS_KEY_H */
