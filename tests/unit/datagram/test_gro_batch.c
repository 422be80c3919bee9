// SPDX-License-Identifier: MIT
/*
 * test_gro_batch.c - datagram/gro_batch.c: many receives of joined datagrams by one call.
 */
#include <netinet/udp.h>

#include "datagram/gro_batch.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "unit/helpers.h"

enum { N = 6 };

static int a, b;
static char data[3000], rooms[N][65536];
static char control[N][64] __attribute__((aligned(8)));
static struct sockaddr_in names[N];
static struct iovec iov[N];
static struct mmsghdr vec[N];

static int (*real_recvmmsg)(int fd, struct mmsghdr *vec, unsigned int n,
			    int flags, struct timespec *timeout);
static unsigned int calls;

static int count_recvmmsg(int fd, struct mmsghdr *all, unsigned int n,
			  int flags, struct timespec *timeout)
{
	calls++;
	return real_recvmmsg(fd, all, n, flags, timeout);
}

static void setup(void)
{
	t_init();
	cop_libc_init();
	real_recvmmsg = cop_libc.recvmmsg;
	cop_libc.recvmmsg = count_recvmmsg;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	a = t_open_bound();
	b = t_open_bound();
	cr_assert(zero(int, t_connect(a, LOOPBACK, t_port(b))));
	cr_assert(zero(int, t_set(b, IPPROTO_UDP, UDP_GRO, 1)));
	for (int i = 0; i < N; i++) {
		iov[i] = (struct iovec){ rooms[i], sizeof(rooms[i]) };
		vec[i].msg_hdr = (struct msghdr){
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_name = &names[i],
			.msg_namelen = sizeof(names[i]),
			.msg_control = control[i],
			.msg_controllen = sizeof(control[i]),
		};
	}
}

TestSuite(cop_gro_batch, .init = setup, .timeout = 20);

static void send_cut(size_t len, int size)
{
	cr_assert(zero(int, t_set(a, IPPROTO_UDP, UDP_SEGMENT, size)));
	cr_assert(eq(int, t_sendto(a, data, len, 0, NULL), (int)len));
}

static void assert_message(int i, size_t len, int size)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&vec[i].msg_hdr);
	int told = 0;

	cr_assert(eq(u32, vec[i].msg_len, len));
	cr_assert(zero(int, memcmp(rooms[i], data, len)));
	cr_assert(zero(int, vec[i].msg_hdr.msg_flags));
	cr_assert(eq(u32, vec[i].msg_hdr.msg_namelen, sizeof(names[i])));
	cr_assert(eq(u16, ntohs(names[i].sin_port), t_port(a)));
	if (cmsg)
		memcpy(&told, CMSG_DATA(cmsg), sizeof(told));
	cr_assert(eq(int, told, size));
}

Test(cop_gro_batch, one_call_brings_joined_datagrams_and_single_ones)
{
	send_cut(950, 100);
	send_cut(50, 100);
	send_cut(2000, 1000);
	cr_assert(eq(int, t_recvmmsg(b, vec, N, MSG_DONTWAIT, NULL), 3));
	cr_assert(eq(u32, calls, 1));
	assert_message(0, 950, 100);
	assert_message(1, 50, 0);
	assert_message(2, 2000, 1000);
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 13));
	cr_assert(eq(u64, t_count(b)->rx_bytes, 3000));
}

Test(cop_gro_batch, numbers_of_joined_datagrams_follow_each_other)
{
	struct cop_flow_report report;

	for (int i = 0; i < 4; i++)
		send_cut(300, 100);
	cr_assert(eq(int, t_recvmmsg(b, vec, N, MSG_DONTWAIT, NULL), 4));
	cop_flow_list(&cop_sk(t_sk(b))->flows, 0, &report, 1);
	cr_assert(eq(u64, report.rx.datagrams, 12));
	cr_assert(zero(u64, cop_source_lost(&report.rx)));
	cr_assert(zero(u32, report.rx.reordered));
}

Test(cop_gro_batch, a_message_with_little_room_goes_by_itself)
{
	iov[1].iov_len = 120;
	for (int i = 0; i < 3; i++)
		send_cut(300, 100);
	cr_assert(eq(int, t_recvmmsg(b, vec, 3, MSG_DONTWAIT, NULL), 3));
	cr_assert(eq(u32, calls, 2));
	assert_message(0, 300, 100);
	cr_assert(eq(u32, vec[1].msg_len, 120));
	cr_assert(eq(int, vec[1].msg_hdr.msg_flags, MSG_TRUNC));
	assert_message(2, 300, 100);
}

/* Such a thing comes only where another process has taken the filter off. */
Test(cop_gro_batch, behind_a_stray_messages_move_up)
{
	int udp = t_udp();

	sock_set_flag(t_sk(b), SOCK_FILTER);
	send_cut(300, 100);
	t_udp_send(udp, t_port(b), "a stray, longer than a header", 29);
	send_cut(950, 200);
	t_udp_send(udp, t_port(b), "short", 5);
	send_cut(40, 0);
	cr_assert(eq(int, t_recvmmsg(b, vec, N, MSG_DONTWAIT, NULL), 3));
	assert_message(0, 300, 100);
	assert_message(1, 950, 200);
	assert_message(2, 40, 0);
	cr_assert(eq(u32, t_count(b)->strays[COP_STRAY_MAGIC], 1));
	cr_assert(eq(u32, t_count(b)->strays[COP_STRAY_SHORT], 1));
}

Test(cop_gro_batch, a_look_counts_nothing)
{
	send_cut(300, 100);
	cr_assert(eq(int, t_recvmmsg(b, vec, 2, MSG_DONTWAIT | MSG_PEEK, NULL),
		     2));
	assert_message(0, 300, 100);
	assert_message(1, 300, 100);
	cr_assert(zero(u32, t_count(b)->rx_datagrams));
}
