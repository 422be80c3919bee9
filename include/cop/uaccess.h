/* SPDX-License-Identifier: MIT */
/*
 * uaccess.h - pointers that a program hands us.
 */
#ifndef COP_UACCESS_H
#define COP_UACCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cop/compiler.h"

#define COP_PAGE_SHIFT 12
#define COP_PAGES_BITS 9

/* Pages that the kernel could read, by a hash of their number; all (a). */
extern _Atomic(uintptr_t) cop_pages[1 << COP_PAGES_BITS];

static inline _Atomic(uintptr_t) *cop_page_slot(uintptr_t page)
{
	return &cop_pages[page * 0x9e3779b97f4a7c15u >> (64 - COP_PAGES_BITS)];
}

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

/**
 * user_range - whether a range is in a program's half of the address space
 * @ptr: its start
 * @len: its length in bytes
 *
 * The kernel's own access_ok(): what it calls EFAULT before it looks any further,
 * even where there is nothing to copy. No machine gives a program more.
 */
static inline bool user_range(const volatile void *ptr, size_t len)
{
	uintptr_t start = (uintptr_t)ptr;
	uintptr_t end = start + len;

	return end >= start && end < 1ul << 56;
}

/* user_readable() for what is not on one page that has been seen before. */
bool cop_readable(int fd, const volatile void *ptr, size_t len);

/**
 * user_readable - whether a range can be read
 * @fd: any socket
 * @ptr: its start
 * @len: its length in bytes
 *
 * The kernel is asked once for each page, so that what it would call EFAULT is
 * not a SIGSEGV here. A page that is unmapped after it was seen is not noticed.
 * Costs a load and a compare for a page that was seen, else a system call.
 * errno stays. Async-signal-safe. Counterpart: copy_from_user().
 */
static inline bool user_readable(int fd, const volatile void *ptr, size_t len)
{
	uintptr_t page = (uintptr_t)ptr >> COP_PAGE_SHIFT;
	uintptr_t last = ((uintptr_t)ptr + len - 1) >> COP_PAGE_SHIFT;

	if (likely(page == last && READ_ONCE(*cop_page_slot(page)) == page))
		return true;
	return cop_readable(fd, ptr, len);
}

#endif /* COP_UACCESS_H */
