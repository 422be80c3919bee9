// SPDX-License-Identifier: MIT
/*
 * test_rx_batch.c - datagram/rx_batch.c: many datagrams in by one system call.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "datagram/rx_batch.h"
#include "unit/datagram/messages.h"
#include "wire/buffer.h"

TestSuite(cop_rx_batch, .init = t_init, .timeout = 20);

static unsigned int strays(int fd)
{
	unsigned int n = 0;

	for (int i = 0; i < COP_STRAY_REASONS; i++)
		n += t_count(fd)->strays[i];
	return n;
}

Test(cop_rx_batch, the_result_tells_cop_datagrams_from_strays)
{
	int udp = t_udp(), fd = t_open_bound();
	struct cop_rx_result res;

	t_udp_send_strays(udp, t_port(fd));
	send_text(udp, fd, 7);
	cr_assert(eq(int,
		     cop_rx_batch(t_sk(fd), fd, fresh(20), 20, MSG_DONTWAIT,
				  NULL, &res),
		     COP_STRAY_REASONS + 1));
	cr_assert(eq(uint, res.tried, 20));
	cr_assert(eq(uint, res.kept, 1));
	cr_assert(eq(uint, strays(fd), COP_STRAY_REASONS));
	assert_text(0, 7);
}

/* So the kernel must not be asked: the caller receives the message by itself. */
Test(cop_rx_batch, a_first_message_that_is_received_by_itself_makes_no_batch)
{
	int udp = t_udp(), fd = t_open_bound();
	struct cop_rx_result res;

	send_text(udp, fd, 0);
	fresh(2);
	vec[0].msg_hdr.msg_namelen = 3;
	cr_assert(zero(int, cop_rx_batch(t_sk(fd), fd, vec, 2, MSG_DONTWAIT,
					 NULL, &res)));
	cr_assert(zero(uint, res.tried));
	vec[0].msg_hdr.msg_namelen = sizeof(name[0]);
	vec[1].msg_hdr.msg_namelen = 3;
	cr_assert(
		eq(int,
		   cop_rx_batch(t_sk(fd), fd, vec, 2, MSG_DONTWAIT, NULL, &res),
		   1));
	cr_assert(eq(uint, res.tried, 1));
}

/* A stray at the start, several in the middle and one at the end. */
Test(cop_rx_batch, strays_in_a_batch_leave_no_hole)
{
	int udp = t_udp(), fd = t_open_bound();
	unsigned int strays = 0;

	for (unsigned int i = 0; i < 30; i++) {
		if (i % 7 == 0) {
			t_udp_send_strays(udp, t_port(fd));
			strays += COP_STRAY_REASONS;
		}
		send_text(udp, fd, i);
	}
	cr_assert(
		eq(int, t_recvmmsg(fd, fresh(30), 30, MSG_DONTWAIT, NULL), 30));
	for (unsigned int i = 0; i < 30; i++) {
		assert_text(i, i);
		cr_assert(eq(uint, ntohs(name[i].sin_port), t_port(udp)));
	}
	for (int i = 0; i < COP_STRAY_REASONS; i++)
		strays -= t_count(fd)->strays[i];
	cr_assert(zero(uint, strays));
}

Test(cop_rx_batch, nothing_but_strays_is_eagain)
{
	int udp = t_udp(), fd = t_open_bound();

	for (int i = 0; i < 10; i++)
		t_udp_send_strays(udp, t_port(fd));
	cr_assert(eq(int, t_recvmmsg(fd, fresh(9), 9, MSG_DONTWAIT, NULL),
		     -EAGAIN));
	cr_assert(eq(int, t_recvmmsg(fd, fresh(9), 9, MSG_DONTWAIT, NULL),
		     -EAGAIN));
}

Test(cop_rx_batch, a_message_moved_over_a_stray_is_cut_to_its_new_room)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send(udp, t_port(fd), "stray", 5);
	send_text(udp, fd, 0);
	fresh(2);
	iov[0].iov_len = 3;
	cr_assert(eq(int, t_recvmmsg(fd, vec, 2, MSG_DONTWAIT, NULL), 1));
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 1));
	cr_assert(eq(int, vec[0].msg_len, 3));
	cr_assert(zero(int, memcmp(room[0], "mes\0", 4)));
	cr_assert(eq(int, vec[0].msg_hdr.msg_flags, MSG_TRUNC));
}

Test(cop_rx_batch, a_short_buffer_truncates_its_own_message_only)
{
	int udp = t_udp(), fd = t_open_bound();

	for (int flags = 0; flags <= MSG_TRUNC; flags += MSG_TRUNC) {
		for (unsigned int i = 0; i < 3; i++)
			send_text(udp, fd, i);
		fresh(3);
		iov[1].iov_len = 4;
		cr_assert(eq(int, t_recvmmsg(fd, vec, 3, flags, NULL), 3));
		assert_text(0, 0);
		assert_text(2, 2);
		cr_assert(eq(int, vec[1].msg_len, flags ? 9 : 4));
		cr_assert(eq(int, vec[1].msg_hdr.msg_flags, MSG_TRUNC));
		cr_assert(zero(int, vec[0].msg_hdr.msg_flags));
	}
}

Test(cop_rx_batch, options_are_skipped_in_a_batch)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int i = 0; i < 12; i++)
		t_udp_send_cop(udp, t_port(fd), i, "payload", 7);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(12), 12, 0, NULL), 12));
	for (unsigned int i = 0; i < 12; i++) {
		cr_assert(eq(int, vec[i].msg_len, 7));
		cr_assert(zero(int, memcmp(room[i], "payload", 7)));
	}
}

Test(cop_rx_batch, empty_datagrams_are_messages)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_cop(udp, t_port(fd), 0, "", 0);
	send_text(udp, fd, 1);
	t_udp_send_cop(udp, t_port(fd), 0, "", 0);
	cr_assert(eq(int, t_recvmmsg(fd, fresh(3), 3, 0, NULL), 3));
	cr_assert(zero(int, vec[0].msg_len));
	assert_text(1, 1);
	cr_assert(zero(int, vec[2].msg_len));
}

/* Two pages: the first one can be written, the second one can't. */
static char *half_writable(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(ne(ptr, p, MAP_FAILED));
	cr_assert(zero(int, mprotect(p + page, page, PROT_READ)));
	return p + page;
}

/* The kernel drops the datagram, and tells the error to the next call. */
Test(cop_rx_batch, a_buffer_that_ends_in_read_only_memory_fails_as_with_udp)
{
	char *end = half_writable();
	int udp = t_udp(), fd = t_open_bound();

	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 6; i++)
			send_text(udp, fd, i);
		fresh(6);
		iov[2].iov_base = end - 9; /* room for the text */
		iov[4].iov_base = end - 5;
		cr_assert(
			eq(int, t_recvmmsg(fd, vec, 6, MSG_DONTWAIT, NULL), 4));
		cr_assert(zero(int, memcmp(end - 9, "mess", 4)));
		cr_assert(eq(int, t_recvmmsg(fd, vec, 6, MSG_DONTWAIT, NULL),
			     -EFAULT));
		cr_assert(eq(int,
			     t_recvmmsg(fd, fresh(2), 2, MSG_DONTWAIT, NULL),
			     1));
		assert_text(0, 5);
	}
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 10));
}

/* The first time the library does not know the memory; then it does. */
Test(cop_rx_batch, buffers_of_all_sizes_get_their_datagrams)
{
	static const size_t sizes[] = { 0, 1, 9, 2047, 2048, 2049, 9000 };
	static char big[7][9000];
	int udp = t_udp(), fd = t_open_bound();

	for (int round = 0; round < 3; round++) {
		fresh(7);
		for (unsigned int i = 0; i < 7; i++) {
			memset(big[i], 0, sizeof(big[i]));
			iov[i] = (struct iovec){ big[i], sizes[i] };
			t_udp_send_cop(udp, t_port(fd), 0, "message", 7);
		}
		cr_assert(eq(int, t_recvmmsg(fd, vec, 7, 0, NULL), 7));
		for (unsigned int i = 0; i < 7; i++) {
			size_t len = sizes[i] < 7 ? sizes[i] : 7;

			cr_assert(eq(uint, vec[i].msg_len, len));
			cr_assert(zero(int, memcmp(big[i], "message", len)));
			cr_assert(zero(chr, big[i][len]));
		}
	}
}

/* The kernel puts the payload in its place before it meets the fault. */
Test(cop_rx_batch, a_name_that_cannot_be_written_leaves_the_payload_as_with_udp)
{
	char *end = half_writable();
	int udp = t_udp(), fd = t_open_bound();

	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 3; i++)
			send_text(udp, fd, i);
		fresh(3);
		vec[1].msg_hdr.msg_name = end - 4;
		cr_assert(
			eq(int, t_recvmmsg(fd, vec, 3, MSG_DONTWAIT, NULL), 1));
		cr_assert(zero(int, memcmp(room[1], "message 1", 9)));
		cr_assert(eq(int,
			     t_recvmmsg(fd, fresh(2), 2, MSG_DONTWAIT, NULL),
			     -EFAULT));
		cr_assert(eq(int,
			     t_recvmmsg(fd, fresh(2), 2, MSG_DONTWAIT, NULL),
			     1));
		assert_text(0, 2);
	}
}

static sigjmp_buf before;

static void leave(int sig)
{
	siglongjmp(before, sig);
}

/* The program's messages are on a page that was seen, and is gone. */
Test(cop_rx_batch, a_jump_out_of_a_handler_gives_the_buffer_back)
{
	struct mmsghdr *there = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cop_buffer *buffer = cop_buffer_get();
	int fd = t_open_bound();

	cop_buffer_put(buffer);
	memcpy(there, fresh(4), 4 * sizeof(*there));
	cr_assert(
		eq(int, t_recvmmsg(fd, there, 4, MSG_DONTWAIT, NULL), -EAGAIN));
	signal(SIGSEGV, leave);
	mprotect(there, 4096, PROT_NONE);
	if (!sigsetjmp(before, 1)) {
		t_recvmmsg(fd, there, 4, MSG_DONTWAIT, NULL);
		cr_fatal("no signal came");
	}
	cr_assert(eq(ptr, cop_buffer_get(), buffer));
}
