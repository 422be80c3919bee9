// SPDX-License-Identifier: MIT
/*
 * lib/uaccess.c - whether memory that a program points to can be read or
 * written.
 *
 * Owns: cop_readable_pages, cop_writable_pages. Protected by: atomic accesses;
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
#define FAR_PAGE  (LAST_PAGE / 2 + 2)
#define NOTHING_SEEN                                                    \
	{                                                               \
		{                                                       \
			[0] = FAR_PAGE << COP_PAGE_SHIFT,               \
			[COP_PAGE_HASH(LAST_PAGE)] = FAR_PAGE           \
						     << COP_PAGE_SHIFT, \
		}                                                       \
	}

_Static_assert(COP_PAGE_HASH(FAR_PAGE) != 0 &&
		       COP_PAGE_HASH(FAR_PAGE) != COP_PAGE_HASH(LAST_PAGE),
	       "nobody has seen that page either");

struct cop_pages cop_readable_pages = NOTHING_SEEN;
struct cop_pages cop_writable_pages = NOTHING_SEEN;

static bool page_is_seen(struct cop_pages *pages, uintptr_t at)
{
	return cop_page_seen(pages, (const void *)at, 1);
}

static void page_see(struct cop_pages *pages, uintptr_t at)
{
	WRITE_ONCE(*cop_page_slot(pages, at), at & ~PAGE_MASK);
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

	if (page_is_seen(&cop_readable_pages, at))
		return true;
	err = cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_NONE, (const void *)probe, sizeof(int)));
	if (err == -EBADF || err == -ENOTSOCK)
		err = probe_without_socket(probe & ~7ul);
	if (err == -EFAULT)
		return false;
	cop_confine_notice(err);
	if (err == -ENOPROTOOPT)
		page_see(&cop_readable_pages, at);
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
	if (page_is_seen(&cop_writable_pages, at))
		return true;
	if (madvise((void *)(at & ~PAGE_MASK), COP_PAGE_SIZE,
		    MADV_POPULATE_WRITE) &&
	    touch_word(at) == -EFAULT)
		return false;
	page_see(&cop_writable_pages, at);
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
