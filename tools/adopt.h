/* SPDX-License-Identifier: MIT */
/*
 * adopt.h - the syntax of COP_ADOPT.
 */
#ifndef COP_TOOLS_ADOPT_H
#define COP_TOOLS_ADOPT_H

#include <stdbool.h>

/**
 * adopt_is_valid - whether libcop understands a value of COP_ADOPT
 * @value: the value
 */
bool adopt_is_valid(const char *value);

#endif /* COP_TOOLS_ADOPT_H */
