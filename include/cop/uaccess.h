/* SPDX-License-Identifier: MIT */
/*
 * uaccess.h - pointers that a program hands us.
 */
#ifndef COP_UACCESS_H
#define COP_UACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * access_ok - whether a range can be a program's memory at all
 * @ptr: its start
 * @len: its length in bytes
 *
 * False for what no program can have mapped: the first page, the kernel's half
 * and beyond. It is the kernel's check of the same name with NULL's page added;
 * a range that passes may still be unmapped.
 */
static inline bool access_ok(const volatile void *ptr, size_t len)
{
	uintptr_t start = (uintptr_t)ptr;
	uintptr_t end = start + len;

	return start >= 4096 && end >= start && (intptr_t)end >= 0;
}

#endif /* COP_UACCESS_H */
