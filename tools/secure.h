/* SPDX-License-Identifier: MIT */
/*
 * secure.h - says whether the kernel would set AT_SECURE for a program.
 */
#ifndef COP_TOOLS_SECURE_H
#define COP_TOOLS_SECURE_H

#include "verdict.h"

/**
 * secure_exec - whether a program would be started with AT_SECURE
 * @path: its file, which need not be readable
 *
 * Returns ACTIVE if not, else the verdict that says why.
 */
enum verdict secure_exec(const char *path);

#endif /* COP_TOOLS_SECURE_H */
