// SPDX-License-Identifier: MIT
/*
 * test_cut_batch.c - datagram/cut_batch.c: many sends that are to be cut by one system call.
 */
#include <netinet/udp.h>

#include "datagram/cut_batch.h"
#include "datagram/soft_error.h"
#include "lib/libc.h"
#include "unit/datagram/messages.h"

#define SIZE 10

static struct cop_libc real; /* libc's own functions */
static unsigned int calls, asked;
static char long_data[65536];

static int count_sendmmsg(int fd, struct mmsghdr *all, unsigned int n,
			  int flags)
{
	calls++;
	asked += n;
	return real.sendmmsg(fd, all, n, flags);
}

static void count_calls(void)
{
	t_init();
	cop_libc_init();
	real = cop_libc;
	cop_libc.sendmmsg = count_sendmmsg;
	calls = asked = 0;
}

TestSuite(cop_cut_batch, .init = count_calls, .timeout = 20);

/* A COP socket that cuts behind each @size bytes, and a UDP socket to send to. */
static int cutting(int *udp, int size)
{
	int fd = t_open_bound();

	*udp = t_udp();
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_SEGMENT, size)));
	return fd;
}

/* @n messages of @len bytes each to @udp. */
static struct mmsghdr *equals(unsigned int n, int udp, size_t len)
{
	fresh(n);
	for (unsigned int i = 0; i < n; i++) {
		name[i] = t_addr(LOOPBACK, t_port(udp));
		memset(room[i], 'a' + i, ROOM);
		iov[i].iov_len = len;
	}
	return vec;
}

static int send_batch(int fd, unsigned int n, unsigned int *tried)
{
	return cop_cut_batch(t_sk(fd), fd, vec, n, 0, tried);
}

/* The datagrams of message @i, of which the first has number @seq. */
static void assert_pieces(int udp, unsigned int i, size_t len, uint32_t seq)
{
	static struct t_wire wire;

	for (size_t off = 0; off < len; off += SIZE, seq++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
		cr_assert(eq(int, wire.len, min_t(size_t, len - off, SIZE)));
		cr_assert(eq(int, wire.payload[0], 'a' + (int)i));
	}
}

static void assert_nothing_left(int udp)
{
	char byte;

	cr_assert(lt(int, recv(udp, &byte, 1, MSG_DONTWAIT), 0));
}

Test(cop_cut_batch, several_sends_are_one_system_call)
{
	int udp, fd = cutting(&udp, SIZE);
	unsigned int tried;

	equals(3, udp, 25);
	cr_assert(eq(int, send_batch(fd, 3, &tried), 3));
	cr_assert(eq(uint, tried, 3));
	cr_assert(eq(uint, calls, 1));
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert(eq(uint, vec[i].msg_len, 25));
		assert_pieces(udp, i, 25, 3 * i);
	}
	assert_nothing_left(udp);
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 9));
	cr_assert(eq(u64, t_count(fd)->tx_bytes, 75));
}

Test(cop_cut_batch, sendmmsg_makes_one_system_call_of_sends_that_are_to_be_cut)
{
	int udp, fd = cutting(&udp, SIZE);

	equals(2, udp, 60);
	cr_assert(eq(int, t_sendmmsg(fd, vec, 2, 0), 2));
	cr_assert(eq(uint, calls, 1));
	cr_assert(eq(uint, asked, 2));
	assert_pieces(udp, 0, 60, 0);
	assert_pieces(udp, 1, 60, 6);
}

Test(cop_cut_batch, more_messages_than_one_batch_has_are_all_sent)
{
	int udp, fd = cutting(&udp, SIZE);

	equals(MANY, udp, 20);
	cr_assert(eq(int, t_sendmmsg(fd, vec, MANY, 0), MANY));
	for (unsigned int i = 0; i < MANY; i++) {
		cr_assert(eq(uint, vec[i].msg_len, 20));
		assert_pieces(udp, i, 20, 2 * i);
	}
}

/* The second message can't be sent. Its numbers and those behind it are not spent. */
Test(cop_cut_batch, a_message_that_fails_ends_the_batch_and_spends_no_number)
{
	int udp, fd = cutting(&udp, SIZE);
	unsigned int tried;

	equals(3, udp, 30);
	name[1].sin_family = AF_INET6;
	cr_assert(eq(int, send_batch(fd, 3, &tried), 1));
	cr_assert(eq(uint, tried, 3));
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 3));
	cr_assert(eq(int, send_batch(fd, 1, &tried), 1));
	assert_pieces(udp, 0, 30, 0);
	assert_pieces(udp, 0, 30, 3);
	assert_nothing_left(udp);
}

Test(cop_cut_batch, a_first_message_that_fails_is_the_calls_error)
{
	int udp, fd = cutting(&udp, SIZE);
	unsigned int tried;

	equals(2, udp, 30);
	name[0].sin_family = AF_INET6;
	cr_assert(eq(int, send_batch(fd, 2, &tried), -EAFNOSUPPORT));
	cr_assert(zero(u32, t_count(fd)->tx_datagrams));
	assert_nothing_left(udp);
}

Test(cop_cut_batch, a_message_that_is_not_to_be_cut_ends_it)
{
	int udp, fd = cutting(&udp, SIZE);
	unsigned int tried;

	equals(3, udp, 30);
	iov[1].iov_len = SIZE;
	cr_assert(eq(int, send_batch(fd, 3, &tried), 1));
	cr_assert(eq(uint, tried, 1));
	cr_assert(
		eq(int, cop_cut_batch(t_sk(fd), fd, vec + 1, 2, 0, &tried), 0));
	cr_assert(zero(uint, tried));
	cr_assert(eq(int, t_sendmmsg(fd, vec, 3, 0), 3));
	assert_pieces(udp, 0, 30, 0);
	assert_pieces(udp, 0, 30, 3);
	assert_pieces(udp, 1, SIZE, 6);
	assert_pieces(udp, 2, 30, 7);
}

Test(cop_cut_batch, what_has_no_room_behind_the_others_waits_for_the_next_batch)
{
	int udp, fd = cutting(&udp, 1000);
	unsigned int tried;

	equals(3, udp, 30000);
	for (unsigned int i = 0; i < 3; i++)
		iov[i].iov_base = long_data;
	cr_assert(eq(int, send_batch(fd, 3, &tried), 2));
	cr_assert(eq(uint, tried, 2));
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 60));
}

/* Each has to be sent by itself: the kernel's answer depends on it. */
Test(cop_cut_batch, a_message_with_a_fault_is_not_in_it)
{
	char control[512] = { 0 };
	int udp, fd = cutting(&udp, SIZE);
	unsigned int tried;

	for (int fault = 0; fault < 4; fault++) {
		equals(2, udp, 30);
		if (fault == 0)
			iov[0].iov_base = (void *)8;
		else if (fault == 1)
			vec[0].msg_hdr.msg_name = (void *)8;
		else if (fault == 2)
			vec[0].msg_hdr.msg_control = (void *)8;
		else
			vec[0].msg_hdr.msg_control = control;
		if (fault > 1)
			vec[0].msg_hdr.msg_controllen =
				fault == 2 ? CMSG_SPACE(2) : sizeof(control);
		cr_assert(zero(int, send_batch(fd, 2, &tried)));
		cr_assert(zero(uint, tried), "fault %d", fault);
	}
	cr_assert(zero(uint, calls));
	cr_assert(zero(u32, t_count(fd)->tx_datagrams));
}

Test(cop_cut_batch, an_error_that_is_left_comes_first)
{
	int udp, fd = cutting(&udp, SIZE);

	equals(2, udp, 30);
	cop_soft_error_set(t_sk(fd), -ECONNREFUSED);
	cr_assert(eq(int, t_sendmmsg(fd, vec, 2, 0), -ECONNREFUSED));
	cr_assert(eq(int, t_sendmmsg(fd, vec, 2, 0), 2));
	assert_pieces(udp, 0, 30, 0);
	assert_pieces(udp, 1, 30, 3);
}
