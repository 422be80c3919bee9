/* SPDX-License-Identifier: MIT */
/* assert.h - see criterion.h. */
#include <criterion/criterion.h>
