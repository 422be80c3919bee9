/* SPDX-License-Identifier: MIT */
/*
 * uaccess.h - whether memory that a program points to can be read or written.
 */
#ifndef COP_UACCESS_H
#define COP_UACCESS_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/arch.h"
#include "lib/compiler.h"

#define COP_PAGE_SHIFT 12
#define COP_PAGES_BITS 12

#define COP_PAGE_SIZE  (1ul << COP_PAGE_SHIFT)

/* A hash of pages: the address of the last page seen in each slot. Each slot is (a). */
struct cop_pages {
	_Atomic(uintptr_t) slot[1 << COP_PAGES_BITS];
};

/* Pages that the kernel has read, and pages that it has written. */
extern struct cop_pages cop_readable_pages HIDDEN;
extern struct cop_pages cop_writable_pages HIDDEN;

/* The slot of a page's number. Pages that are neighbours never share one. */
#define COP_PAGE_HASH(page) \
	((uint32_t)(page)*0x9e3779b1u >> (32 - COP_PAGES_BITS))

static inline _Atomic(uintptr_t) *cop_page_slot(struct cop_pages *pages,
						uintptr_t at)
{
	return &pages->slot[COP_PAGE_HASH(at >> COP_PAGE_SHIFT)];
}

/**
 * cop_page_seen - whether a range lies on one page, and that page was seen before
 * @pages: the pages
 * @ptr: the range's start
 * @len: its length in bytes, a page's at most
 */
static inline bool cop_page_seen(struct cop_pages *pages,
				 const volatile void *ptr, size_t len)
{
	const uintptr_t at = (uintptr_t)ptr;

	/* Below another page's address the difference is huge. */
	return at - READ_ONCE(*cop_page_slot(pages, at)) + len <= COP_PAGE_SIZE;
}

/**
 * cop_page_again - whether a byte's page was seen, although another page has its slot
 * @ptr: a byte that is to be written
 *
 * Then the page has its slot again. Makes no system call.
 */
bool cop_page_again(const volatile void *ptr);

/* cop_page_seen() for any length. */
static inline bool cop_range_seen(struct cop_pages *pages,
				  const volatile void *ptr, size_t len)
{
	return len <= COP_PAGE_SIZE && cop_page_seen(pages, ptr, len);
}

/**
 * access_ok - whether a range can be a program's memory at all
 * @ptr: its start
 * @len: its length in bytes
 *
 * False for memory that no program can map: the first page, and the kernel's half of the
 * address space, which a 32-bit program does not see. The kernel's access_ok() is the
 * same, but allows the first page. A range that passes may still be unmapped.
 */
static inline bool access_ok(const volatile void *ptr, size_t len)
{
	uint64_t start = (uintptr_t)ptr;
	uint64_t end = start + len;

	return start >= 4096 && end >= start && !(end >> COP_USER_BITS);
}

/* user_range() for a range that not every machine gives a program. */
bool cop_user_range(const volatile void *ptr, size_t len);

/*
 * Below this, a 64-bit kernel takes each address for a program's. x86-64 keeps the last
 * page below 2^47 from programs.
 */
#define COP_USER_SURE ((1ull << 47) - COP_PAGE_SIZE)

/**
 * user_range - whether a range is in a program's half of the address space
 * @ptr: its start
 * @len: its length in bytes
 *
 * The kernel's own access_ok(), with which it returns EFAULT before it does
 * anything else, even if there is nothing to copy. Between COP_USER_SURE and 2^56 the machine
 * decides, so the kernel is asked. To a kernel of 64 bits each pointer of a 32-bit
 * program is in the half. errno stays. Async-signal-safe.
 */
static inline bool user_range(const volatile void *ptr, size_t len)
{
	uint64_t start = (uintptr_t)ptr;
	uint64_t end = start + len;

	return end >= start &&
	       (likely(end < COP_USER_SURE) || cop_user_range(ptr, len));
}

/**
 * user_range_short - user_range() that is false for a length beyond INT_MAX, too
 *
 * Arguments as for user_range(). Costs no more. False for some ranges that need the
 * kernel's answer, or are near them.
 */
static inline bool user_range_short(const volatile void *ptr, size_t len)
{
	uint64_t start = (uintptr_t)ptr;

	return len <= INT_MAX && start < COP_USER_SURE - (1ull << 31);
}

/* user_readable() for a range that is not on one page that was seen before. */
bool cop_readable(int fd, const volatile void *ptr, size_t len);

/**
 * user_readable - whether a range can be read
 * @fd: any socket
 * @ptr: its start
 * @len: its length in bytes
 *
 * The library asks the kernel once for each page, so that the program gets
 * EFAULT and no SIGSEGV. It does not notice if a page is unmapped after it was
 * seen. Costs a load and a compare for a page that was seen before, else a
 * system call. errno stays. Async-signal-safe. Counterpart: copy_from_user().
 */
static inline bool user_readable(int fd, const volatile void *ptr, size_t len)
{
	if (likely(cop_range_seen(&cop_readable_pages, ptr, len)))
		return true;
	return cop_readable(fd, ptr, len);
}

/* user_writable() for a range that is not on one page that was seen before. */
bool cop_writable(const volatile void *ptr, size_t len);

/**
 * user_writable - whether a range can be written
 * @ptr: its start
 * @len: its length in bytes
 *
 * Works as user_readable(). The memory keeps its contents.
 */
static inline bool user_writable(const volatile void *ptr, size_t len)
{
	if (likely(cop_range_seen(&cop_writable_pages, ptr, len)))
		return true;
	return cop_writable(ptr, len);
}

/* No page: the last one of a loop that calls cop_page_is() begins with it. */
#define COP_NO_PAGE UINTPTR_MAX

/**
 * cop_page_is - whether the page of a byte was seen before, in a loop
 * @pages: pages that were seen
 * @ptr: the byte
 * @last: the page that the loop has asked for last; the same one costs a compare
 */
static inline bool cop_page_is(struct cop_pages *pages,
			       const volatile void *ptr, uintptr_t *last)
{
	const uintptr_t page = (uintptr_t)ptr & -COP_PAGE_SIZE;

	if (likely(page == *last))
		return true;
	if (unlikely(READ_ONCE(*cop_page_slot(pages, page)) != page))
		return false;
	*last = page;
	return true;
}

/* copy_to_user() for a range that is not on one page that was seen before. */
int cop_copy_to_user(void *to, const void *from, size_t len);

/*
 * memcpy() of libc. For a length that it knows to be short, gcc makes an instruction of
 * it that takes longer than libc's.
 */
static inline void cop_copy(void *to, const void *from, size_t len)
{
	__asm__("" : "+r"(len));
	memcpy(to, from, len);
}

/**
 * copy_to_user - write to memory that a program points to
 * @to: the program's memory
 * @from: the bytes, in the library's memory
 * @len: how many; if 0, @to may be any pointer
 *
 * Returns 0, or -EFAULT after it has written the pages before the fault. Costs
 * as much as user_readable(). errno stays. Async-signal-safe.
 */
static inline int copy_to_user(void *to, const void *from, size_t len)
{
	if (unlikely(!cop_range_seen(&cop_writable_pages, to, len)))
		return cop_copy_to_user(to, from, len);
	cop_copy(to, from, len);
	return 0;
}

/**
 * copy_to_seen - copy_to_user() where the first byte's page was seen in this call
 *
 * Arguments and result as for copy_to_user().
 */
static inline int copy_to_seen(void *to, const void *from, size_t len)
{
	const uintptr_t start = (uintptr_t)to;

	if (unlikely((start ^ (start + len - 1)) >> COP_PAGE_SHIFT))
		return cop_copy_to_user(to, from, len);
	cop_copy(to, from, len);
	return 0;
}

#endif /* COP_UACCESS_H */
