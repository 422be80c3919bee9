// SPDX-License-Identifier: MIT
/*
 * test_uaccess.c - lib/uaccess.c: whether memory that a program points to can be read
 * or written.
 */
#include <sys/mman.h>

#include "lib/uaccess.h"
#include "unit/helpers.h"

#define PAGE	4096
#define RW	(PROT_READ | PROT_WRITE)
#define BUFFERS 200
#define STRIDE	(33 * (size_t)PAGE)

/* An address that no program has; a 32-bit program may have all but the last page. */
#define NOBODYS \
	(UINTPTR_MAX - (sizeof(void *) == 8 ? UINTPTR_MAX / 2 : PAGE - 1))

/* Ranges of three pages, of which a program may use only the one in the middle. */
static const struct {
	long at;
	size_t len;
	bool ok;
} range[] = {
	{ PAGE, 1, true },	   { PAGE, PAGE, true },
	{ 2 * PAGE - 1, 1, true }, { 2 * PAGE - 3, 3, true },
	{ 2 * PAGE - 4, 4, true }, { PAGE - 1, 1, false },
	{ PAGE - 1, 2, false },	   { 2 * PAGE - 1, 2, false },
	{ 2 * PAGE, 1, false },	   { 0, 3 * PAGE, false },
	{ PAGE, PAGE + 1, false }, { PAGE, 0, true },
};

/* Three pages, of which only the one in the middle can be read. */
static char *pages(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	cr_assert(ne(ptr, p, MAP_FAILED));
	cr_assert(zero(int, mprotect(p + PAGE, PAGE, PROT_READ)));
	return p;
}

Test(uaccess, readable_memory_is_told_from_other_memory)
{
	char *p = pages();
	int fd = t_udp();

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(range); i++)
			cr_assert(eq(int,
				     user_readable(fd, p + range[i].at,
						   range[i].len),
				     range[i].ok),
				  "round %d, case %zu", round, i);
}

/* An empty slot is the address 0, and the second page begins where that page ends. */
Test(uaccess, a_page_at_the_start_of_memory_is_not_readable_unless_mapped)
{
	const int fd = t_udp();

	for (uintptr_t at = 0; at < 16 * PAGE; at += PAGE / 2)
		cr_assert(not(user_readable(fd, (void *)at, 4)), "at %zx",
			  (size_t)at);
}

Test(uaccess, memory_that_no_program_can_map_needs_no_question)
{
	static const struct {
		uintptr_t at;
		size_t len;
	} c[] = {
		{ 0, 1 },	    { 1, 16 },		 { 4095, 1 },
		{ UINTPTR_MAX, 1 }, { UINTPTR_MAX, 16 }, { NOBODYS, 1 },
		{ PAGE, SIZE_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		cr_assert(not(user_readable(-1, (void *)c[i].at, c[i].len)),
			  "case %zu", i);
}

/* An empty slot must not look like page 0, nor like the last page. */
Test(uaccess, a_page_that_nobody_has_seen_is_not_seen)
{
	const uintptr_t half = UINTPTR_MAX / 2 + 1;
	const uintptr_t at[] = { 0,
				 1,
				 PAGE - 1,
				 PAGE,
				 half - 1,
				 half,
				 UINTPTR_MAX - 5000,
				 UINTPTR_MAX - PAGE,
				 UINTPTR_MAX - 100,
				 UINTPTR_MAX };
	const size_t len[] = { 1, 4, 16, 100, 101, 2048, PAGE };

	for (size_t i = 0; i < ARRAY_SIZE(at) * ARRAY_SIZE(len); i++)
		cr_assert(not(cop_page_seen(&cop_readable_pages,
					    (void *)at[i % ARRAY_SIZE(at)],
					    len[i / ARRAY_SIZE(at)])),
			  "case %zu", i);
}

Test(uaccess, a_range_that_begins_or_ends_on_another_page_is_not_seen)
{
	char *p = pages() + PAGE;

	cr_assert(user_readable(t_udp(), p, PAGE));
	cr_assert(cop_page_seen(&cop_readable_pages, p, PAGE));
	cr_assert(cop_page_seen(&cop_readable_pages, p + PAGE - 1, 1));
	for (int out = 1; out < 128; out++) {
		cr_assert(
			not(cop_page_seen(&cop_readable_pages, p - out, 128)));
		cr_assert(not(cop_page_seen(&cop_readable_pages,
					    p + PAGE - 128 + out, 128)));
	}
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

/* As of a name server that has a buffer of 130 kB for each question. */
static char *many_buffers(int prot)
{
	char *p = mmap(NULL, BUFFERS * STRIDE, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert(ne(ptr, p, MAP_FAILED));
	return p;
}

/* If the kernel were asked again, it would say that the memory is gone. */
Test(uaccess, the_pages_of_many_buffers_are_asked_for_once)
{
	char *r = many_buffers(PROT_READ), *w = many_buffers(RW);
	int fd = t_udp();

	for (size_t at = 0; at < BUFFERS * STRIDE; at += STRIDE) {
		cr_assert(user_readable(fd, r + at, 100));
		cr_assert(user_writable(w + at, 100));
	}
	cr_assert(zero(int, mprotect(r, BUFFERS * STRIDE, PROT_NONE)));
	cr_assert(zero(int, mprotect(w, BUFFERS * STRIDE, PROT_NONE)));
	for (size_t at = 0; at < BUFFERS * STRIDE; at += STRIDE) {
		cr_assert(user_readable(fd, r + at, 100), "buffer at %zu", at);
		cr_assert(user_writable(w + at, 100), "buffer at %zu", at);
		cr_assert(not(user_readable(fd, r + at + PAGE, 1)));
		cr_assert(not(user_writable(w + at + PAGE, 1)));
	}
}

/* Each page has lost its slot to another one, and gets it back without a question. */
Test(uaccess, a_page_that_has_lost_its_slot_is_seen_again)
{
	const size_t size = 64ul << 20;
	char *w = many_buffers(RW),
	     *others = mmap(NULL, size, RW,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert(user_writable(w, 1));
	for (size_t at = 0;
	     at < size && cop_page_seen(&cop_writable_pages, w, 1); at += PAGE)
		user_writable(others + at, 1);
	cr_assert(not(cop_page_seen(&cop_writable_pages, w, 1)));
	cr_assert(zero(int, mprotect(w, PAGE, PROT_NONE)));
	cr_assert(cop_page_again(w));
	cr_assert(cop_page_seen(&cop_writable_pages, w, 1));
	cr_assert(not(cop_page_again(w + PAGE)));
}

Test(uaccess, without_a_socket_to_ask_on_mapped_memory_is_readable)
{
	cr_assert(user_readable(-1, pages() + PAGE, 1));
}

/* ---- writing -------------------------------------------------------------- */

/* Three pages, of which only the one in the middle can be written to. */
static char *writable_pages(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	cr_assert(ne(ptr, p, MAP_FAILED));
	cr_assert(zero(int, mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE)));
	cr_assert(zero(int, mprotect(p + 2 * PAGE, PAGE, PROT_NONE)));
	return p;
}

Test(uaccess, writable_memory_is_told_from_other_memory)
{
	char *p = writable_pages();

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(range); i++)
			cr_assert(
				eq(int,
				   user_writable(p + range[i].at, range[i].len),
				   range[i].ok),
				"round %d, case %zu", round, i);
}

Test(uaccess, asking_whether_memory_can_be_written_changes_nothing)
{
	char *p = writable_pages() + PAGE;

	memset(p, 0x5a, PAGE);
	cr_assert(user_writable(p + 3, 11));
	for (size_t i = 0; i < PAGE; i++)
		cr_assert(eq(chr, p[i], 0x5a), "byte %zu", i);
}

Test(uaccess, pages_ahead_of_a_fault_are_written)
{
	char *p = writable_pages();
	char text[20] = "0123456789";

	cr_assert(eq(int, copy_to_user(p + 2 * PAGE - 4, text, 10), -EFAULT));
	cr_assert(zero(int, memcmp(p + 2 * PAGE - 4, "0123", 4)));
	cr_assert(eq(int, copy_to_user(p + PAGE - 4, text, 10), -EFAULT));
	cr_assert(zero(int, copy_to_user(p + PAGE, text, 10)));
	cr_assert(zero(int, memcmp(p + PAGE, text, 10)));
}

Test(uaccess, no_bytes_can_be_written_anywhere)
{
	static const uintptr_t at[] = { 0, 1, 8, 4096, UINTPTR_MAX, NOBODYS };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(zero(int, copy_to_user((void *)at[i], "", 0)),
			  "case %zu", i);
}

Test(uaccess, a_byte_where_no_program_has_memory_is_efault)
{
	static const uintptr_t at[] = { 0,	 1,	     8,	       PAGE - 1,
					PAGE,	 PAGE + 9,   2 * PAGE, 3 * PAGE,
					NOBODYS, UINTPTR_MAX };

	errno = ENOTTY;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		cr_assert(eq(int, copy_to_user((void *)at[i], "x", 1), -EFAULT),
			  "case %zu", i);
	cr_assert(eq(int, errno, ENOTTY));
}

Test(uaccess, shared_and_file_memory_can_be_written)
{
	char path[] = "/tmp/cop-uaccess-XXXXXX";
	int fd = mkstemp(path);
	char *p;

	cr_assert(zero(int, unlink(path)));
	cr_assert(zero(int, ftruncate(fd, PAGE)));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(user_writable(p, PAGE));
	cr_assert(not(user_writable(p + PAGE, 1)), "behind the file's end");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	cr_assert(not(user_writable(p, 1)));
}

/* The kernel looks at the range ahead of the flag, and then reads none of it. */
static bool kernel_takes(int fd, uintptr_t at, size_t len)
{
	return send(fd, (const void *)at, len, MSG_OOB) >= 0 || errno != EFAULT;
}

Test(uaccess, the_range_of_a_program_is_the_kernels)
{
	static const int bits[] = { 30, 38, 46, 47, 48, 52, 55, 56, 60, 63 };
	static const size_t lens[] = { 0, 1, 4096, 70000 };
	int fd = t_udp();

	if (sizeof(void *) < 8)
		cr_skip("with 32 bits each address is in the range");
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		for (int off = -8192; off <= 8192; off += 2048) {
			uintptr_t at = (uintptr_t)(1ull << bits[i]) + off;
			size_t len =
				lens[(off + 8192) / 2048 % ARRAY_SIZE(lens)];

			cr_expect(eq(int, user_range((void *)at, len),
				     kernel_takes(fd, at, len)),
				  "2^%d %+d, %zu", bits[i], off, len);
			cr_expect(eq(int, user_range((void *)at, 0),
				     kernel_takes(fd, at, 0)),
				  "2^%d %+d, 0", bits[i], off);
		}
}

/* Of several iovecs the kernel looks at all of each, and then finds them too long. */
Test(uaccess, a_range_longer_than_int_max_is_looked_at_up_to_its_end)
{
	static const int bits[] = { 31, 32, 40, 46, 47 };
	char here;
	struct iovec iov[2] = { { &here, 1 }, { &here, 0 } };
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int fd = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(bits) && sizeof(void *) == 8; i++) {
		iov[1].iov_len = 1ull << bits[i];
		cr_assert(eq(int, sendmsg(fd, &msg, MSG_DONTWAIT), -1));
		cr_expect(eq(int, user_range(&here, iov[1].iov_len),
			     errno != EFAULT),
			  "2^%d", bits[i]);
	}
}
