// SPDX-License-Identifier: MIT
/*
 * test_rx_large.c - datagram/rx_large.c: recvfrom() into more room than the short way has.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datagram/rx_large.h"
#include "unit/raw_peer.h"

TestSuite(cop_rx_large, .init = raw_peer_init, .timeout = 20);

/* Rooms beyond COP_COPY_MAX: with a buffer on the stack, and with one of the library's. */
static const size_t rooms[] = { COP_COPY_MAX + 1, COP_LARGE_ON_STACK,
				COP_LARGE_ON_STACK + 1, 65536, 200000 };

static unsigned char much[200001];

static bool takes_long_ones(int fd)
{
	return sock_flag(t_sk(fd), SOCK_LONG_ONES);
}

Test(cop_rx_large, only_the_payload_changes_the_programs_memory)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++)
		for (size_t len = 0; len <= 2000; len += 400) {
			t_udp_send_cop(udp, t_port(fd), i % 4, data, len);
			memset(much, 0x5a, sizeof(much));
			cr_assert(eq(int, t_recv(fd, much, rooms[i], 0), len));
			cr_assert(zero(int, memcmp(much, data, len)));
			for (size_t k = len; k < len + 100; k++)
				cr_assert(eq(int, much[k], 0x5a));
		}
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 30));
	cr_assert(zero(u32, t_count(fd)->rx_truncated));
}

Test(cop_rx_large, the_sender_is_told_and_counted)
{
	int a = t_open_bound(), b = t_open_bound();
	struct sockaddr_in from, to = t_addr(LOOPBACK, t_port(b));

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		cr_assert(eq(int, t_sendto(a, "question", 8, 0, &to), 8));
		memset(&from, 0, sizeof(from));
		cr_assert(eq(int, t_recvfrom(b, much, rooms[i], 0, &from), 8));
		cr_assert(eq(uint, ntohs(from.sin_port), t_port(a)));
	}
	cr_assert(eq(u64, t_count(b)->rx_bytes, 8 * ARRAY_SIZE(rooms)));
	cr_assert(zero(u32, t_count(b)->port_mismatch));
}

Test(cop_rx_large,
     a_longer_datagram_than_the_room_is_cut_and_MSG_TRUNC_tells_its_length)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < 3; i++)
		for (int flags = 0; flags <= MSG_TRUNC; flags += MSG_TRUNC) {
			t_udp_send_cop(udp, t_port(fd), 0, data, 4200);
			memset(much, 0x5a, 5000);
			cr_assert(eq(int, t_recv(fd, much, rooms[i], flags),
				     flags ? 4200 : (int)rooms[i]));
			cr_assert(zero(int, memcmp(much, data, rooms[i])));
			cr_assert(eq(int, much[rooms[i]], 0x5a));
		}
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 6));
}

Test(cop_rx_large, a_look_leaves_the_datagram_there)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		t_udp_send_cop(udp, t_port(fd), 2, data, 100);
		cr_assert(eq(int, t_recv(fd, much, rooms[i], MSG_PEEK), 100));
		cr_assert(eq(int, t_recv(fd, much, rooms[i], 0), 100));
		cr_assert(zero(int, memcmp(much, data, 100)));
		cr_assert(eq(int, t_recv(fd, much, rooms[i], MSG_DONTWAIT),
			     -EAGAIN));
	}
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, ARRAY_SIZE(rooms)));
}

Test(cop_rx_large, a_stray_is_dropped)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		t_udp_send(udp, t_port(fd), "no header", 9);
		t_udp_send_cop(udp, t_port(fd), 0, data, 100);
		cr_assert(eq(int, t_recv(fd, much, rooms[i], 0), 100));
	}
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, ARRAY_SIZE(rooms)));
}

/* Only as many bytes as the payload has must be there. */
Test(cop_rx_large, room_that_is_not_there_counts_only_where_the_payload_goes)
{
	unsigned char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int udp = t_udp(), fd = t_open_bound();

	mprotect(page + 4096, 4096, PROT_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		unsigned char *at = page + 4096 - 100;

		t_udp_send_cop(udp, t_port(fd), 0, data, 100);
		cr_assert(eq(int, t_recv(fd, at, rooms[i], 0), 100));
		cr_assert(zero(int, memcmp(at, data, 100)));
		t_udp_send_cop(udp, t_port(fd), 0, data, 101);
		cr_assert(eq(int, t_recv(fd, at, rooms[i], 0), -EFAULT));
	}
}

Test(cop_rx_large, behind_a_long_datagram_the_kernel_puts_payloads_in_place)
{
	int udp = t_udp(), fd = t_open_bound();
	static unsigned char sent[60000];

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = i % 251;
	for (int round = 0; round < 3; round++) {
		t_udp_send_cop(udp, t_port(fd), 0, sent, sizeof(sent));
		cr_assert(eq(int, t_recv(fd, much, sizeof(much), 0),
			     sizeof(sent)));
		cr_assert(zero(int, memcmp(much, sent, sizeof(sent))));
		cr_assert(takes_long_ones(fd));
		t_udp_send_cop(udp, t_port(fd), 0, sent, 100);
		cr_assert(eq(int, t_recv(fd, much, sizeof(much), 0), 100));
		cr_assert(not(takes_long_ones(fd)));
	}
}

static sigjmp_buf before;

static void leave(int sig)
{
	siglongjmp(before, sig);
}

Test(cop_rx_large, a_jump_out_of_a_handler_gives_the_buffer_back)
{
	struct cop_buffer *buffer = cop_buffer_get();
	int fd = t_open_bound();

	cop_buffer_put(buffer);
	signal(SIGALRM, leave);
	if (!sigsetjmp(before, 1)) {
		alarm(1);
		t_recv(fd, much, sizeof(much), 0);
		cr_fatal("no signal came");
	}
	cr_assert(eq(ptr, cop_buffer_get(), buffer));
}
