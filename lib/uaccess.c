// SPDX-License-Identifier: MIT
/*
 * lib/uaccess.c - whether memory that a program points to can be read or
 * written.
 *
 * Owns: cop_readable_pages, cop_writable_pages, and groups of pages behind them. Protected by: atomic accesses;
 * if an entry is lost, the library asks the kernel again. Counterpart in the
 * kernel: copy_from_user() and copy_to_user().
 */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "lib/cancel.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/uaccess.h"

#define PAGE_MASK (COP_PAGE_SIZE - 1)

/* An option that no socket has: the kernel reads the value, then refuses it. */
#define SO_NONE 0x7fff

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/*
 * An empty slot is 0, and to cop_page_seen() that is page 0 itself, or the end of the last
 * page. So the slots of these two pages start with a page that has another slot.
 */
#define LAST_PAGE (UINTPTR_MAX >> COP_PAGE_SHIFT)
#define FAR_PAGE  (LAST_PAGE / 2 + 3)
#define NOTHING_SEEN                                                    \
	{                                                               \
		{                                                       \
			[0] = FAR_PAGE << COP_PAGE_SHIFT,               \
			[COP_PAGE_HASH(LAST_PAGE)] = FAR_PAGE           \
						     << COP_PAGE_SHIFT, \
		}                                                       \
	}

#define IS_ELSEWHERE(page)           \
	(COP_PAGE_HASH(page) != 0 && \
	 COP_PAGE_HASH(page) != COP_PAGE_HASH(LAST_PAGE))

/* A range of a whole page ahead of it looks as if it lay on it. */
_Static_assert(IS_ELSEWHERE(FAR_PAGE) && IS_ELSEWHERE(FAR_PAGE - 1),
	       "nobody has seen these two pages either");

struct cop_pages cop_readable_pages = NOTHING_SEEN;
struct cop_pages cop_writable_pages = NOTHING_SEEN;

/*
 * A program with many buffers has several pages for one slot, and would make the library ask
 * the kernel again and again. So behind the slots are more pages, in groups of 16 that
 * follow each other. A word is a group's address, with a bit for each page that was seen. A
 * group has one of two places. A word that is lost costs a question.
 */
#define GROUP_SHIFT (COP_PAGE_SHIFT + 4)
#define GROUP_MASK  (((uintptr_t)1 << GROUP_SHIFT) - 1)
#define GROUPS_BITS 11

_Static_assert(1 << (GROUP_SHIFT - COP_PAGE_SHIFT) <= GROUP_SHIFT,
	       "an address has a bit free for each page");

struct groups {
	_Atomic(uintptr_t) word[1 << GROUPS_BITS];
};

static struct groups readable_groups, writable_groups;

static uintptr_t group_bit(uintptr_t at)
{
	return (uintptr_t)1 << ((at & GROUP_MASK) >> COP_PAGE_SHIFT);
}

/* The first of a group's two places; the other one is its neighbour. */
static _Atomic(uintptr_t) *group_place(struct groups *groups, uintptr_t at)
{
	const uint64_t hash = (at >> GROUP_SHIFT) * 0x9e3779b97f4a7c15u;

	return &groups->word[hash >> (65 - GROUPS_BITS) << 1];
}

static bool is_of_group(uintptr_t word, uintptr_t at)
{
	return !((word ^ at) & ~GROUP_MASK);
}

static bool group_has(struct groups *groups, uintptr_t at)
{
	const _Atomic(uintptr_t) *place = group_place(groups, at);

	for (int i = 0; i < 2; i++) {
		const uintptr_t word = READ_ONCE(place[i]);

		if (is_of_group(word, at))
			return word & group_bit(at);
	}
	return false;
}

/* Of two other groups, the one that came first goes. */
static void group_add(struct groups *groups, uintptr_t at)
{
	_Atomic(uintptr_t) *place = group_place(groups, at);

	for (int i = 0; i < 2; i++) {
		const uintptr_t word = READ_ONCE(place[i]);

		if (is_of_group(word, at)) {
			WRITE_ONCE(place[i], word | group_bit(at));
			return;
		}
	}
	WRITE_ONCE(place[1], READ_ONCE(place[0]));
	WRITE_ONCE(place[0], (at & ~GROUP_MASK) | group_bit(at));
}

static void slot_take(struct cop_pages *pages, uintptr_t at)
{
	WRITE_ONCE(*cop_page_slot(pages, at), at & ~PAGE_MASK);
}

static bool page_is_seen(struct cop_pages *pages, struct groups *groups,
			 uintptr_t at)
{
	if (cop_page_seen(pages, (const void *)at, 1))
		return true;
	if (!group_has(groups, at))
		return false;
	slot_take(pages, at);
	return true;
}

bool cop_page_again(const volatile void *ptr)
{
	return page_is_seen(&cop_writable_pages, &writable_groups,
			    (uintptr_t)ptr);
}

static void page_see(struct cop_pages *pages, struct groups *groups,
		     uintptr_t at)
{
	slot_take(pages, at);
	group_add(groups, at);
}

/*
 * The kernel reads a signal set, eight bytes, before it refuses an unknown
 * @how.
 */
static int probe_without_socket(uintptr_t at)
{
	const int unknown_how = -1;

	return cop_libc_result(cop_libc.syscall(SYS_rt_sigprocmask, unknown_how,
						at, NULL, sizeof(uint64_t)));
}

/*
 * The kernel reads four bytes. They are bytes that the caller is about to read,
 * if the caller reads so many on this page.
 */
static bool page_readable(int fd, uintptr_t at)
{
	uintptr_t probe = at & ~3ul;
	int err;

	if (page_is_seen(&cop_readable_pages, &readable_groups, at))
		return true;
	err = cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_NONE, (const void *)probe, sizeof(int)));
	if (err == -EBADF || err == -ENOTSOCK)
		err = probe_without_socket(probe & ~7ul);
	if (err == -EFAULT)
		return false;
	cop_confine_notice(err);
	if (err == -ENOPROTOOPT)
		page_see(&cop_readable_pages, &readable_groups, at);
	return true;
}

/*
 * The kernel ORs 0 to the word in one step, so a write of another thread to it
 * is not lost. The futex itself is another word, for which nobody waits.
 */
static int touch_word(uintptr_t at)
{
	static const uint32_t nobody_waits;
	const int op = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);

	return cop_libc_result(cop_libc.syscall(SYS_futex, &nobody_waits,
						FUTEX_WAKE_OP_PRIVATE, 0, NULL,
						at & ~3ul, op));
}

/*
 * Asks the kernel to make the page ready for writing. If it does not know how
 * (before Linux 5.14), or not for this kind of memory (a device's), touches a
 * word of it. The word comes second because valgrind takes it for a read of
 * memory that may have no value yet.
 */
static bool page_writable(uintptr_t at)
{
	if (page_is_seen(&cop_writable_pages, &writable_groups, at))
		return true;
	if (madvise((void *)(at & ~PAGE_MASK), COP_PAGE_SIZE,
		    MADV_POPULATE_WRITE) &&
	    touch_word(at) == -EFAULT)
		return false;
	page_see(&cop_writable_pages, &writable_groups, at);
	return true;
}

/*
 * The kernel looks at the range first, and then for the socket. It is asked for the
 * range's end: of a send it cuts a length beyond INT_MAX short before it looks, but not of
 * one of several iovecs. No machine gives a program more than 2^56 bytes.
 */
noinline bool cop_user_range(const volatile void *ptr, size_t len)
{
	int saved = errno, cancel;
	bool ok = ((uintptr_t)ptr + (uint64_t)len) < 1ull << 56;

	if (!ok || cop_confined())
		return ok;
	cancel = cancel_off();
	ok = cop_libc_result(cop_libc.sendto(-1, (const char *)ptr + len, 0, 0,
					     NULL, 0)) != -EFAULT;
	cancel_on(cancel);
	errno = saved;
	return ok;
}

/* How many bytes after @start the page ends that has byte @done. The sum may wrap. */
static size_t page_end(uintptr_t start, size_t done)
{
	return ((start + done) | PAGE_MASK) + 1 - start;
}

bool cop_readable(int fd, const volatile void *ptr, size_t len)
{
	const uintptr_t start = (uintptr_t)ptr;
	size_t done = 0;
	int saved = errno;
	bool ok = access_ok(ptr, len);

	if (cop_confined())
		return ok;
	while (ok && done < len) {
		ok = page_readable(fd, start + done);
		done = page_end(start, done);
	}
	errno = saved;
	return ok;
}

/*
 * How many of the @len bytes from @ptr on can be written before the first
 * fault.
 */
static size_t writable_bytes(const volatile void *ptr, size_t len)
{
	const uintptr_t start = (uintptr_t)ptr;
	size_t done = 0;
	int saved = errno;

	if (!access_ok(ptr, len))
		return 0;
	if (cop_confined())
		return len;
	while (done < len && page_writable(start + done))
		done = page_end(start, done);
	errno = saved;
	return done < len ? done : len;
}

bool cop_writable(const volatile void *ptr, size_t len)
{
	return writable_bytes(ptr, len) == len;
}

int cop_copy_to_user(void *to, const void *from, size_t len)
{
	size_t n = writable_bytes(to, len);

	if (n)
		memcpy(to, from, n);
	return n == len ? 0 : -EFAULT;
}
