// SPDX-License-Identifier: MIT
/*
 * test_uaccess.c - whether memory that a program points to can be read.
 */
#include <sys/mman.h>

#include "cop/uaccess.h"
#include "helpers.h"

#define PAGE 4096

/* Three pages, of which only the one in the middle can be read. */
static char *pages(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	cr_assert(ne(ptr, p, MAP_FAILED));
	cr_assert(zero(int, mprotect(p + PAGE, PAGE, PROT_READ)));
	return p;
}

Test(uaccess, what_can_be_read_is_told_from_what_cannot)
{
	static const struct {
		long at;
		size_t len;
		bool ok;
	} c[] = {
		{ PAGE, 1, true },	    { PAGE, PAGE, true },
		{ 2 * PAGE - 1, 1, true },  { 2 * PAGE - 4, 4, true },
		{ PAGE - 1, 1, false },	    { PAGE - 1, 2, false },
		{ 2 * PAGE - 1, 2, false }, { 2 * PAGE, 1, false },
		{ 0, 3 * PAGE, false },	    { PAGE, PAGE + 1, false },
		{ PAGE, 0, true },
	};
	char *p = pages();
	int fd = t_udp();

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(c); i++)
			cr_assert(eq(int,
				     user_readable(fd, p + c[i].at, c[i].len),
				     c[i].ok),
				  "round %d, case %zu", round, i);
}

Test(uaccess, what_no_program_can_have_is_not_asked_about)
{
	static const struct {
		uintptr_t at;
		size_t len;
	} c[] = {
		{ 0, 1 },	    { 1, 16 },		 { 4095, 1 },
		{ UINTPTR_MAX, 1 }, { UINTPTR_MAX, 16 }, { 1ul << 63, 1 },
		{ PAGE, SIZE_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		cr_assert(not(user_readable(-1, (void *)c[i].at, c[i].len)),
			  "case %zu", i);
}

Test(uaccess, errno_stays)
{
	char *p = pages();
	int fd = t_udp();

	errno = ENOTTY;
	user_readable(fd, p, 1);
	cr_assert(eq(int, errno, ENOTTY));
	user_readable(fd, p + PAGE, 1);
	cr_assert(eq(int, errno, ENOTTY));
}

Test(uaccess, two_pages_of_one_slot_take_turns)
{
	const size_t size = 64ul << 20;
	char *p =
		mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = t_udp();

	for (size_t at = 0; at < size; at += PAGE)
		cr_assert(user_readable(fd, p + at, PAGE));
	cr_assert(user_readable(fd, p, size));
}

Test(uaccess, what_is_no_socket_is_taken_for_readable)
{
	cr_assert(user_readable(-1, pages() + PAGE, 1));
}
