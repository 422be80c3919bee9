// SPDX-License-Identifier: MIT
/*
 * test_segments.c - datagram/segments.c: datagrams of a batch that the kernel gets as
 * one send. The tests count the library's calls of libc, and have them fail.
 */
#include <linux/net_tstamp.h>
#include <netinet/udp.h>
#include <poll.h>

#include "datagram/segments.h"
#include "lib/libc.h"
#include "unit/datagram/messages.h"

enum { N = 20 }; /* datagrams: less than a batch holds */

static struct cop_libc real;		   /* libc's own functions */
static unsigned int sends, batches, asked; /* calls of them */
static unsigned int singles;		   /* datagrams in these batches */
static size_t longest;			   /* send, in bytes */
static int refusal;			   /* errno of a send in segments */
static unsigned int refused_from; /* the number of the first such send */

static size_t bytes_of(const struct msghdr *msg)
{
	size_t sum = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		sum += msg->msg_iov[i].iov_len;
	return sum;
}

static ssize_t count_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	const bool segments = cmsg && cmsg->cmsg_level == IPPROTO_UDP &&
			      cmsg->cmsg_type == UDP_SEGMENT;

	sends += segments;
	if (segments && bytes_of(msg) > longest)
		longest = bytes_of(msg);
	if (segments && refusal && sends >= refused_from) {
		errno = refusal;
		return -1;
	}
	return real.sendmsg(fd, msg, flags);
}

static int count_sendmmsg(int fd, struct mmsghdr *all, unsigned int n,
			  int flags)
{
	batches++;
	singles += n;
	return real.sendmmsg(fd, all, n, flags);
}

static int count_getsockopt(int fd, int level, int optname, void *optval,
			    socklen_t *optlen)
{
	asked += level == IPPROTO_UDP && optname == UDP_SEGMENT;
	return real.getsockopt(fd, level, optname, optval, optlen);
}

static void forget_counts(void)
{
	sends = batches = singles = asked = 0;
	longest = 0;
}

static void count_calls(void)
{
	t_init();
	cop_libc_init();
	real = cop_libc;
	cop_libc.sendmsg = count_sendmsg;
	cop_libc.sendmmsg = count_sendmmsg;
	cop_libc.getsockopt = count_getsockopt;
}

TestSuite(cop_segments, .init = count_calls, .timeout = 20);

/* @n datagrams of one length to a port. */
static struct mmsghdr *equals(unsigned int n, uint16_t snum, size_t len)
{
	fresh(n);
	for (unsigned int i = 0; i < n; i++) {
		name[i] = t_addr(LOOPBACK, snum);
		snprintf(room[i], ROOM, "message %u", i);
		iov[i].iov_len = len;
	}
	return vec;
}

/* Datagram @i has arrived, as number @seq of its flow. */
static void assert_arrives(int udp, unsigned int i, uint32_t seq)
{
	static struct t_wire wire;

	t_wire_recv(udp, &wire);
	cr_assert(eq(u32, ntohl(wire.hdr.seq), seq), "datagram %u", i);
	cr_assert(eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
	cr_assert(eq(int, wire.len, iov[i].iov_len), "datagram %u", i);
	cr_assert(zero(int, memcmp(wire.payload, room[i], wire.len)),
		  "datagram %u", i);
	cr_assert(eq(int, vec[i].msg_len, wire.len), "datagram %u", i);
}

static void assert_all_arrive(int udp, unsigned int n, uint32_t seq)
{
	char byte;

	for (unsigned int i = 0; i < n; i++)
		assert_arrives(udp, i, seq + i);
	cr_assert(lt(int, recv(udp, &byte, 1, MSG_DONTWAIT), 0));
}

/* All N are sent in @as sends of segments and @alone by themselves. */
static void assert_sent_as(int fd, int udp, unsigned int as, unsigned int alone)
{
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(eq(u32, sends, as));
	cr_assert(eq(u32, singles, alone));
	assert_all_arrive(udp, N, 0);
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, N));
	cr_assert(zero(u32, t_count(fd)->tx_errors));
}

/* ---- runs -------------------------------------------------------------------- */

Test(cop_segments, equal_datagrams_are_one_send)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	assert_sent_as(fd, udp, 1, 0);
	cr_assert(zero(u32, batches));
}

Test(cop_segments, equal_datagrams_to_the_peer_are_one_send)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(udp))));
	equals(N, t_port(udp), 40);
	for (unsigned int i = 0; i < N; i++)
		vec[i].msg_hdr.msg_namelen = 0;
	assert_sent_as(fd, udp, 1, 0);
}

/* A receiver with UDP_GRO can't show them among others. */
Test(cop_segments, datagrams_without_a_payload_are_in_no_run)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 0);
	assert_sent_as(fd, udp, 0, N);
}

Test(cop_segments, a_datagram_without_a_payload_ends_a_run)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	iov[N - 1].iov_len = 0;
	assert_sent_as(fd, udp, 1, 1);
}

Test(cop_segments, a_payload_may_be_in_parts)
{
	static struct iovec parts[N][3];
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	for (unsigned int i = 0; i < N; i++) {
		parts[i][0] = (struct iovec){ room[i], i };
		parts[i][1] = (struct iovec){ room[i] + i, 0 };
		parts[i][2] = (struct iovec){ room[i] + i, 40 - i };
		vec[i].msg_hdr.msg_iov = parts[i];
		vec[i].msg_hdr.msg_iovlen = 3;
	}
	assert_sent_as(fd, udp, 1, 0);
}

Test(cop_segments, a_shorter_datagram_is_the_last_of_its_run)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	iov[8].iov_len = 10;
	iov[N - 1].iov_len = 1;
	assert_sent_as(fd, udp, 2, 0);
}

Test(cop_segments, a_longer_datagram_begins_a_run)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	for (unsigned int i = 10; i < N; i++)
		iov[i].iov_len = 41;
	assert_sent_as(fd, udp, 2, 0);
}

Test(cop_segments, few_equal_datagrams_go_one_by_one)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 0);
	for (unsigned int i = 0; i < N; i++)
		iov[i].iov_len = 1 + i / 3;
	assert_sent_as(fd, udp, 0, N);
	cr_assert(eq(u32, batches, 1));
}

Test(cop_segments, datagrams_between_two_runs_go_one_by_one)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	for (unsigned int i = 8; i < 12; i++)
		iov[i].iov_len = 33 + i;
	assert_sent_as(fd, udp, 2, 4);
}

Test(cop_segments, another_destination_begins_a_run)
{
	int udp = t_udp(), other = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	for (unsigned int i = 12; i < N; i++)
		name[i] = t_addr(LOOPBACK, t_port(other));
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(eq(u32, sends, 2));
	for (unsigned int i = 0; i < 12; i++)
		assert_arrives(udp, i, i);
	for (unsigned int i = 12; i < N; i++)
		assert_arrives(other, i, i - 12);
}

Test(cop_segments, a_control_message_is_for_its_datagram_only)
{
	union {
		struct cmsghdr cmsg;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .cmsg = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = IPPROTO_IP,
				.cmsg_type = IP_TTL } };
	int udp = t_udp(), fd = t_open_bound(), ttl = 9;

	memcpy(CMSG_DATA(&control.cmsg), &ttl, sizeof(ttl));
	equals(N, t_port(udp), 40);
	vec[10].msg_hdr.msg_control = &control;
	vec[10].msg_hdr.msg_controllen = sizeof(control);
	assert_sent_as(fd, udp, 2, 1);
}

Test(cop_segments, a_run_has_no_more_bytes_than_a_datagram)
{
	static char payload[9000];
	int udp = t_udp(), fd = t_open_bound(), size = 1 << 22;

	setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_SNDBUF, size)));
	equals(N, t_port(udp), sizeof(payload));
	for (unsigned int i = 0; i < N; i++)
		iov[i].iov_base = payload;
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(ge(u32, sends, 2));
	cr_assert(le(sz, longest, 65507));
}

Test(cop_segments, a_receiver_with_udp_gro_finds_each_header)
{
	static char got[65536];
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec all = { got, sizeof(got) };
	struct msghdr msg = { .msg_iov = &all,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int udp = t_udp(), fd = t_open_bound(), one = 1, size = 0;
	struct cophdr hdr;

	if (setsockopt(udp, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)))
		cr_skip("no UDP_GRO here");
	equals(N, t_port(udp), 40);
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(eq(int, recvmsg(udp, &msg, 0), N *(COP_HLEN + 40)));
	memcpy(&size, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(size));
	cr_assert(eq(int, size, COP_HLEN + 40));
	for (unsigned int i = 0; i < N; i++) {
		memcpy(&hdr, got + i * size, sizeof(hdr));
		cr_assert(eq(int, hdr.magic, htons(COP_MAGIC)));
		cr_assert(eq(u32, ntohl(hdr.seq), i));
	}
}

/* ---- refusals ------------------------------------------------------------------ */

Test(cop_segments,
     whatever_the_kernel_says_to_a_run_the_datagrams_are_sent_once)
{
	for (refusal = 1; refusal < 134; refusal++) {
		int udp = t_udp(), fd = t_open_bound();

		forget_counts();
		equals(N, t_port(udp), 40);
		assert_sent_as(fd, udp, 1, N);
		t_close(fd);
		close(udp);
	}
}

Test(cop_segments, a_second_run_may_be_refused_too)
{
	for (refusal = 1; refusal < 134; refusal++) {
		int udp = t_udp(), fd = t_open_bound();

		forget_counts();
		refused_from = 2;
		equals(N, t_port(udp), 40);
		iov[8].iov_len = 10;
		assert_sent_as(fd, udp, 2, N - 9);
		t_close(fd);
		close(udp);
	}
}

Test(cop_segments, after_a_refusal_datagrams_go_one_by_one_for_a_while)
{
	int udp = t_udp(), fd = t_open_bound();
	unsigned int tries = 0;

	refusal = EIO;
	for (int i = 0; i < 1000; i++) {
		equals(N, t_port(udp), 40);
		forget_counts();
		cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
		tries += sends;
		assert_all_arrive(udp, N, i * N);
	}
	cr_assert(gt(u32, tries, 3));
	cr_assert(lt(u32, tries, 20));
	refusal = 0;
	forget_counts();
	for (int i = 0; i < 300; i++)
		cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(gt(u32, sends, 150));
}

Test(cop_segments, an_icmp_error_that_a_run_has_met_is_for_the_next_call)
{
	int udp = t_udp(), fd = t_open_bound();

	refusal = ECONNREFUSED;
	equals(N, t_port(udp), 40);
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), -ECONNREFUSED));
	assert_all_arrive(udp, N, 0);
}

Test(cop_segments, a_payload_that_can_not_be_read_ends_the_call)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	iov[7].iov_base = (void *)8;
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), 7));
	assert_all_arrive(udp, 7, 0);
	equals(N, t_port(udp), 40);
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	assert_all_arrive(udp, N, 7);
}

/* ---- sockets and kernels that don't allow it ---------------------------------- */

static int busy(struct pollfd *fds, nfds_t n, int timeout)
{
	(void)timeout;
	cr_assert(eq(ulong, n, 1));
	fds->revents = 0;
	return 0;
}

static int pending(struct pollfd *fds, nfds_t n, int timeout)
{
	busy(fds, n, timeout);
	fds->revents = POLLOUT | POLLERR;
	return 1;
}

static int no_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	busy(fds, n, timeout);
	errno = ENOMEM;
	return -1;
}

Test(cop_segments, on_a_socket_that_is_not_ready_datagrams_go_one_by_one)
{
	int (*const polls[])(struct pollfd *, nfds_t, int) = { busy, pending,
							       no_poll };

	for (size_t i = 0; i < sizeof(polls) / sizeof(*polls); i++) {
		int udp = t_udp(), fd = t_open_bound();

		forget_counts();
		cop_libc.poll = polls[i];
		equals(N, t_port(udp), 40);
		assert_sent_as(fd, udp, 0, N);
	}
}

Test(cop_segments, a_pending_error_is_the_result)
{
	int udp = t_udp(), fd = t_open_bound();
	uint16_t snum = t_port(udp);

	cr_assert(zero(int, t_connect(fd, LOOPBACK, snum)));
	close(udp);
	cr_assert(eq(int, t_send(fd, "nobody is there"), 15));
	equals(N, snum, 40);
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), -ECONNREFUSED));
	cr_assert(zero(u32, sends));
}

static int old_getsockopt(int fd, int level, int optname, void *optval,
			  socklen_t *optlen)
{
	if (level == IPPROTO_UDP && optname == UDP_SEGMENT) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return real.getsockopt(fd, level, optname, optval, optlen);
}

/* Such a kernel would ignore the control message, and send one long datagram. */
Test(cop_segments, a_kernel_without_udp_segment_gets_no_run)
{
	int udp = t_udp(), fd = t_open_bound();

	cop_libc.getsockopt = old_getsockopt;
	equals(N, t_port(udp), 40);
	assert_sent_as(fd, udp, 0, N);
}

Test(cop_segments, a_socket_that_stamps_what_it_sends_sends_no_runs)
{
	const int stamps[] = { SOF_TIMESTAMPING_TX_SOFTWARE,
			       SOF_TIMESTAMPING_TX_SCHED,
			       SOF_TIMESTAMPING_TX_HARDWARE,
			       SOF_TIMESTAMPING_OPT_ID };

	for (size_t i = 0; i < sizeof(stamps) / sizeof(*stamps); i++) {
		int udp = t_udp(), fd = t_open_bound();

		forget_counts();
		cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
					  stamps[i])));
		equals(N, t_port(udp), 40);
		assert_sent_as(fd, udp, 0, N);
	}
}

Test(cop_segments, a_socket_that_stamps_what_it_receives_sends_runs)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
				  SOF_TIMESTAMPING_RX_SOFTWARE)));
	equals(N, t_port(udp), 40);
	assert_sent_as(fd, udp, 1, 0);
}

Test(cop_segments, the_kernel_is_asked_once_and_after_each_option)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	for (int i = 0; i < 5; i++)
		cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(eq(u32, asked, 1));
	cr_assert(eq(u32, sends, 5));
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
				  SOF_TIMESTAMPING_TX_SOFTWARE)));
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(eq(u32, asked, 2));
	cr_assert(eq(u32, sends, 5));
}

Test(cop_segments, a_socket_with_a_small_send_buffer_sends_no_runs)
{
	int udp = t_udp(), fd = t_open_bound();

	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_SNDBUF, 60000)));
	equals(N, t_port(udp), 40);
	assert_sent_as(fd, udp, 0, N);
}

/* As the kernel counts it: a datagram of this length takes 8,192 bytes and more. */
Test(cop_segments, a_run_takes_no_more_than_half_of_the_send_buffer)
{
	static char payload[4000];
	int udp = t_udp(), fd = t_open_bound(), size = 1 << 22;

	setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_SNDBUF, 70000)));
	equals(N, t_port(udp), sizeof(payload));
	for (unsigned int i = 0; i < N; i++)
		iov[i].iov_base = payload;
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, 0), N));
	cr_assert(gt(u32, sends, 2));
	cr_assert(le(sz, longest, 70000 / 8192 * (COP_HLEN + sizeof(payload))));
}

Test(cop_segments, flags_that_are_for_each_send_make_no_run)
{
	int udp = t_udp(), fd = t_open_bound();

	equals(N, t_port(udp), 40);
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, MSG_OOB), -EOPNOTSUPP));
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, MSG_ZEROCOPY), N));
	cr_assert(zero(u32, sends));
	assert_all_arrive(udp, N, 0);
	cr_assert(eq(int, t_sendmmsg(fd, vec, N, MSG_DONTWAIT), N));
	cr_assert(eq(u32, sends, 1));
}
