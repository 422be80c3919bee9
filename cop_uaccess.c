// SPDX-License-Identifier: MIT
/*
 * cop_uaccess.c - whether memory that a program points to can be read.
 *
 * Owns: cop_pages. Protected by: atomic accesses; a page that is lost is asked
 * for anew. May call: the kernel. Counterpart in the kernel: copy_from_user().
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "cop/confine.h"
#include "cop/libc.h"
#include "cop/uaccess.h"

#define PAGE_MASK ((1ul << COP_PAGE_SHIFT) - 1)

/* An option that no socket has: the kernel reads its value, then says so. */
#define SO_NONE 0x7fff

/* Page 0, which nobody can read, has the first slot, so that is not 0. */
_Atomic(uintptr_t) cop_pages[1 << COP_PAGES_BITS] = { 1 };

/* What there is no such way to change is read first, too: eight bytes. */
static int probe_without_socket(uintptr_t at)
{
	const int no_such_way = -1;

	return cop_libc_result(cop_libc.syscall(SYS_rt_sigprocmask, no_such_way,
						at, NULL, sizeof(uint64_t)));
}

/*
 * It reads four bytes. They are those that the caller is about to read, where
 * there are so many on this page.
 */
static bool page_readable(int fd, uintptr_t at)
{
	uintptr_t page = at >> COP_PAGE_SHIFT;
	uintptr_t probe = at & PAGE_MASK & ~3ul;
	int err;

	if (READ_ONCE(*cop_page_slot(page)) == page)
		return true;
	probe += page << COP_PAGE_SHIFT;
	err = cop_libc_result(cop_libc.setsockopt(
		fd, SOL_SOCKET, SO_NONE, (const void *)probe, sizeof(int)));
	if (err == -EBADF || err == -ENOTSOCK)
		err = probe_without_socket(probe & ~7ul);
	if (err == -EFAULT)
		return false;
	cop_confine_notice(err);
	if (err == -ENOPROTOOPT)
		WRITE_ONCE(*cop_page_slot(page), page);
	return true;
}

bool cop_readable(int fd, const volatile void *ptr, size_t len)
{
	uintptr_t at = (uintptr_t)ptr;
	const uintptr_t end = at + len;
	int saved = errno;
	bool ok = access_ok(ptr, len);

	if (cop_confined())
		return ok;
	while (ok && at < end) {
		ok = page_readable(fd, at);
		at = (at | PAGE_MASK) + 1;
	}
	errno = saved;
	return ok;
}
