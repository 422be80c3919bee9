// SPDX-License-Identifier: MIT
/*
 * test_gro.c - datagram/gro.c: receives of joined datagrams, and their control messages.
 * What the program sees is compared with the kernel's UDP in tests/e2e/test_joins.c.
 */
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "datagram/gro.h"
#include "unit/helpers.h"

static int a, b;
static char data[70000], got[70000];

static void setup(void)
{
	t_init();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	a = t_open_bound();
	b = t_open_bound();
	cr_assert(zero(int, t_connect(a, LOOPBACK, t_port(b))));
	cr_assert(zero(int, t_set(b, IPPROTO_UDP, UDP_GRO, 1)));
}

TestSuite(cop_gro, .init = setup, .timeout = 20);

static void send_cut(size_t len, int size)
{
	cr_assert(zero(int, t_set(a, IPPROTO_UDP, UDP_SEGMENT, size)));
	cr_assert(eq(int, t_sendto(a, data, len, 0, NULL), (int)len));
}

static void assert_data(ssize_t n, size_t len)
{
	cr_assert(eq(int, n, (int)len));
	cr_assert(zero(int, memcmp(got, data, len)));
	memset(got, 0xee, sizeof(got));
}

Test(cop_gro, a_receive_without_control_messages_gets_payloads_only)
{
	send_cut(950, 100);
	assert_data(t_recv(b, got, sizeof(got), MSG_DONTWAIT), 950);
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 10));
	cr_assert(eq(u64, t_count(b)->rx_bytes, 950));
}

/* A stack has no room for many iovecs. */
Test(cop_gro, a_payload_goes_through_a_buffer_to_many_iovecs)
{
	static struct iovec iov[500];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 500 };

	for (int i = 0; i < 500; i++)
		iov[i] = (struct iovec){ got + 3 * i, 3 };
	send_cut(2000, 100);
	assert_data(t_recvmsg(b, &msg, 0), 1500);
	cr_assert(eq(int, msg.msg_flags &MSG_TRUNC, MSG_TRUNC));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 20));
	cr_assert(eq(u32, t_count(b)->rx_truncated, 5));
	cr_assert(eq(u64, t_count(b)->rx_bytes, 1500));
}

Test(cop_gro, in_a_large_room_the_kernels_message_is_corrected)
{
	char control[600] __attribute__((aligned(8)));
	struct iovec iov = { got, sizeof(got) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	int size;

	cr_assert(zero(int, t_set(b, SOL_SOCKET, SO_TIMESTAMP, 1)));
	cr_assert(zero(int, t_set(b, IPPROTO_IP, IP_RECVTTL, 1)));
	for (int pieces = 3; pieces > 0; pieces--) {
		send_cut(100 * pieces, 100);
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		assert_data(t_recvmsg(b, &msg, 0), 100 * pieces);
		cmsg = CMSG_FIRSTHDR(&msg);
		cr_assert(eq(int, cmsg->cmsg_type, SCM_TIMESTAMP));
		cmsg = CMSG_NXTHDR(&msg, cmsg);
		if (pieces > 1) {
			cr_assert(eq(int, cmsg->cmsg_type, UDP_GRO));
			memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
			cr_assert(eq(int, size, 100));
			cmsg = CMSG_NXTHDR(&msg, cmsg);
		}
		cr_assert(eq(int, cmsg->cmsg_type, IP_TTL));
		cr_assert(eq(ptr, CMSG_NXTHDR(&msg, cmsg), NULL));
	}
}

/* One of two is a stray: the program gets a single datagram, and no size. */
Test(cop_gro, a_message_of_a_single_datagram_is_taken_out)
{
	char control[600] __attribute__((aligned(8)));
	struct iovec iov = { got, sizeof(got) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	unsigned char wire[40] = { COP_MAGIC >> 8, COP_MAGIC & 0xff,
				   COP_VERSION << 4 | 4 };
	struct sockaddr_in to = t_name(b);
	int udp = t_udp(), size = 20;
	struct cmsghdr *cmsg;

	cr_assert(zero(int, t_set(b, IPPROTO_IP, IP_RECVTTL, 1)));
	setsockopt(udp, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	cr_assert(eq(int,
		     sendto(udp, wire, sizeof(wire), 0, (struct sockaddr *)&to,
			    sizeof(to)),
		     (int)sizeof(wire)));
	cr_assert(eq(int, t_recvmsg(b, &msg, 0), 4));
	cmsg = CMSG_FIRSTHDR(&msg);
	cr_assert(eq(int, cmsg->cmsg_type, IP_TTL));
	cr_assert(eq(ptr, CMSG_NXTHDR(&msg, cmsg), NULL));
}

/* Behind each other they look like one datagram. */
Test(cop_gro, datagrams_shorter_than_a_header_are_strays)
{
	unsigned char wire[40] = { COP_MAGIC >> 8, COP_MAGIC & 0xff,
				   COP_VERSION << 4 | 4 };
	struct iovec iov = { got, sizeof(got) };
	struct mmsghdr vec[2] = { { .msg_hdr = { .msg_iov = &iov,
						 .msg_iovlen = 1 } } };
	struct sockaddr_in to = t_name(b);
	int udp = t_udp(), size = COP_HLEN - 1;

	setsockopt(udp, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	for (int i = 0; i < 2; i++)
		sendto(udp, wire, sizeof(wire), 0, (struct sockaddr *)&to,
		       sizeof(to));
	cr_assert(eq(int, t_recv(b, got, sizeof(got), MSG_DONTWAIT), -EAGAIN));
	sendto(udp, wire, sizeof(wire), 0, (struct sockaddr *)&to, sizeof(to));
	cr_assert(eq(int, t_recvmmsg(b, vec, 1, MSG_DONTWAIT, NULL), -EAGAIN));
	cr_assert(eq(u32, t_count(b)->strays[COP_STRAY_SHORT], 9));
}

static int queued(void)
{
	int len = -1;

	cr_assert(
		zero(int, t_sk(b)->sk_prot->ioctl(t_sk(b), b, FIONREAD, &len)));
	return len;
}

Test(cop_gro, fionread_counts_payloads)
{
	cr_assert(zero(int, queued()));
	send_cut(60000, 1000);
	send_cut(50, 1000);
	cr_assert(eq(int, queued(), 60000));
	cr_assert(eq(int, t_recv(b, got, 1, 0), 1));
	cr_assert(eq(int, queued(), 50));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 60));
}

Test(cop_gro, without_the_option_nothing_comes_joined)
{
	cr_assert(zero(int, t_set(b, IPPROTO_UDP, UDP_GRO, 0)));
	send_cut(300, 100);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, t_recv(b, got, 1000, MSG_DONTWAIT), 100));
	cr_assert(eq(int, t_recv(b, got, 1000, MSG_DONTWAIT), -EAGAIN));
}

Test(cop_gro, a_confined_process_finds_the_headers_itself)
{
	unsigned char wire[65536] __attribute__((aligned(4)));
	struct cop_rx rx = { 0 };
	struct sockaddr_in from = t_name(a);
	ssize_t n;

	send_cut(1050, 100);
	n = recv(b, wire, sizeof(wire), 0);
	cop_rx_measure(sk_wire(t_sk(b)), &rx, wire, n, 1000);
	rx.gen = READ_ONCE(cop_sk(t_sk(b))->flows.gen);
	cop_gro_unjoin(t_sk(b), b, wire, sizeof(wire), n, 1000, 0, &from,
		       sizeof(from), &rx);
	cr_assert(eq(sz, rx.len, 1050));
	cr_assert(eq(sz, rx.copied, 1000));
	cr_assert(eq(int, rx.hdr.len, COP_HLEN));
	cr_assert(zero(int, memcmp(wire + COP_HLEN, data, 1000)));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 11));
}
