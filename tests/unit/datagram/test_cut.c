// SPDX-License-Identifier: MIT
/*
 * test_cut.c - datagram/cut.c: sends that the program wants to be cut into datagrams.
 */
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/mman.h>

#include "datagram/cut.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "unit/helpers.h"

TestSuite(cop_cut, .init = t_init, .timeout = 20);

static char data[70000];
static struct t_wire wire;

static void fill(void)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
}

/* A socket whose peer is @udp, and which cuts at @size. */
static int cutting(int *udp, int size)
{
	int fd = t_open_bound(), room = 1 << 22;

	fill();
	*udp = t_udp();
	setsockopt(*udp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(*udp))));
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_SEGMENT, size)));
	return fd;
}

static ssize_t send_data(int fd, size_t len)
{
	return t_sendto(fd, data, len, 0, NULL);
}

/* The next @n datagrams are the data, in pieces of @size, from number @seq on. */
static void assert_pieces(int udp, size_t len, size_t size, uint32_t seq)
{
	char byte;

	for (size_t at = 0; at < len; at += size, seq++) {
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
		cr_assert(eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
		cr_assert(eq(sz, wire.len, min_t(size_t, size, len - at)));
		cr_assert(zero(int, memcmp(wire.payload, data + at, wire.len)));
	}
	cr_assert(lt(int, recv(udp, &byte, 1, MSG_DONTWAIT), 0));
}

Test(cop_cut, each_piece_has_a_header_and_a_number)
{
	int udp, fd = cutting(&udp, 100);

	cr_assert(eq(int, send_data(fd, 950), 950));
	assert_pieces(udp, 950, 100, 0);
	cr_assert(eq(int, send_data(fd, 100), 100));
	assert_pieces(udp, 100, 100, 10);
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 11));
	cr_assert(eq(u64, t_count(fd)->tx_bytes, 1050));
}

/* 54 headers more than UDP has: two sends for the kernel. */
Test(cop_cut, a_send_that_is_too_long_with_its_headers_is_two)
{
	int udp, fd = cutting(&udp, 1200);

	cr_assert(eq(int, send_data(fd, 64800), 64800));
	assert_pieces(udp, 64800, 1200, 0);
}

Test(cop_cut, a_send_that_is_refused_spends_no_numbers)
{
	int udp, fd = cutting(&udp, 10);

	cr_assert(eq(int, send_data(fd, 2000), -EINVAL));
	cr_assert(eq(int, send_data(fd, 65508), -EMSGSIZE));
	cr_assert(eq(int, t_sendto(fd, (void *)4096, 100, 0, NULL), -EFAULT));
	cr_assert(zero(u32, t_count(fd)->tx_datagrams));
	cr_assert(eq(int, send_data(fd, 95), 95));
	assert_pieces(udp, 95, 10, 0);
}

/* Returns memory of which only the first @len bytes can be read. */
static char *unreadable_behind(size_t len)
{
	char *at = mmap(NULL, 1 << 17, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	cr_assert(ne(ptr, at, MAP_FAILED));
	cr_assert(zero(int, mprotect(at + (1 << 16), 1 << 16, PROT_NONE)));
	return at + (1 << 16) - len;
}

/* Also of the pieces that could be read: UDP sends all or none. */
Test(cop_cut, a_send_of_two_that_can_not_be_read_sends_nothing)
{
	int udp, fd = cutting(&udp, 1200);
	char byte;

	for (size_t len = 0; len < 64800; len += 64799)
		cr_assert(
			eq(int,
			   t_sendto(fd, unreadable_behind(len), 64800, 0, NULL),
			   -EFAULT));
	cr_assert(lt(int, recv(udp, &byte, 1, MSG_DONTWAIT), 0));
	cr_assert(zero(u32, t_count(fd)->tx_datagrams));
	cr_assert(eq(int, send_data(fd, 64800), 64800));
	assert_pieces(udp, 64800, 1200, 0);
}

static ssize_t (*real_sendmsg)(int fd, const struct msghdr *msg, int flags);
static unsigned int sends;
static int second_err;

static ssize_t refuse_second(int fd, const struct msghdr *msg, int flags)
{
	if (++sends != 2)
		return real_sendmsg(fd, msg, flags);
	errno = second_err;
	return -1;
}

static void refuse_the_second(int err)
{
	cop_libc_init();
	real_sendmsg = cop_libc.sendmsg;
	cop_libc.sendmsg = refuse_second;
	second_err = err;
}

Test(cop_cut, pieces_that_only_the_second_send_has_are_lost)
{
	int udp, fd = cutting(&udp, 1200);

	refuse_the_second(EAGAIN);
	cr_assert(eq(int, send_data(fd, 64800), 64800));
	assert_pieces(udp, 53 * 1200, 1200, 0);
}

Test(cop_cut, an_icmp_error_that_the_second_send_meets_is_for_the_next_call)
{
	int udp, fd = cutting(&udp, 1200);

	refuse_the_second(ECONNREFUSED);
	cr_assert(eq(int, send_data(fd, 64800), 64800));
	assert_pieces(udp, 64800, 1200, 0);
	cr_assert(eq(int, send_data(fd, 10), -ECONNREFUSED));
}

/* As a kernel that makes no more than 64 datagrams of one send. */
static ssize_t old_send(int fd, const void *buf, size_t len, int flags)
{
	(void)fd, (void)buf, (void)flags;
	errno = EINVAL;
	return len > 64 ? -1 : (ssize_t)len;
}

static ssize_t old_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	size_t len = 0;
	uint16_t size;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	memcpy(&size, CMSG_DATA(CMSG_FIRSTHDR(msg)), sizeof(size));
	if (len > 64u * size) {
		errno = EINVAL;
		return -1;
	}
	return real_sendmsg(fd, msg, flags);
}

/* 65 pieces of UDP are one send. With their headers they are two of fewer each. */
Test(cop_cut, what_an_older_kernel_refuses_is_not_sent_as_two)
{
	int udp, fd = cutting(&udp, 1000);
	char byte;

	cop_libc_init();
	real_sendmsg = cop_libc.sendmsg;
	cop_libc.send = old_send;
	cop_libc.sendmsg = old_sendmsg;
	cr_expect(eq(int, send_data(fd, 65000), -EINVAL));
	cr_expect(lt(int, recv(udp, &byte, 1, MSG_DONTWAIT), 0));
	cr_expect(zero(u32, t_count(fd)->tx_datagrams));
	cr_expect(eq(int, send_data(fd, 64000), 64000));
	assert_pieces(udp, 64000, 1000, 0);
}

Test(cop_cut, what_a_newer_kernel_takes_is_sent_as_two)
{
	int udp, fd = cutting(&udp, 1000);

	cr_expect(eq(int, send_data(fd, 65000), 65000));
	assert_pieces(udp, 65000, 1000, 0);
}

static int no_room(struct pollfd *fds, nfds_t n, int timeout)
{
	fds->revents = 0;
	return timeout ? -1 : (int)n - 1;
}

/* With too little room in SO_SNDBUF the second one might be refused. */
Test(cop_cut, a_send_of_two_that_may_not_wait_sends_both_or_none)
{
	int udp, fd = cutting(&udp, 1200);
	char byte;

	cop_libc_init();
	cop_libc.poll = no_room;
	cr_assert(eq(int, t_sendto(fd, data, 64800, MSG_DONTWAIT, NULL),
		     -EAGAIN));
	cr_assert(zero(int, fcntl(fd, F_SETFL, O_NONBLOCK)));
	cr_assert(eq(int, send_data(fd, 64800), -EAGAIN));
	cr_assert(lt(int, recv(udp, &byte, 1, MSG_DONTWAIT), 0));
	cr_assert(zero(u32, t_count(fd)->tx_datagrams));
	cr_assert(eq(int, send_data(fd, 12000), 12000));
	assert_pieces(udp, 12000, 1200, 0);
	cr_assert(zero(int, fcntl(fd, F_SETFL, 0)));
	cr_assert(eq(int, send_data(fd, 64800), 64800));
}

static struct proto other;
static struct cop_wire wire_without;

/* A transport whose receivers mind that datagrams have one time. */
static int open_without_segments(void)
{
	int fd = t_open_bound();

	other = *t_sk(fd)->sk_prot;
	wire_without = *other.wire;
	wire_without.segments = false;
	other.wire = &wire_without;
	WRITE_ONCE(t_sk(fd)->sk_prot, &other);
	return fd;
}

Test(cop_cut, a_transport_that_has_no_segments_refuses)
{
	union {
		struct cmsghdr cmsg;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .cmsg = { .cmsg_len = CMSG_LEN(sizeof(uint16_t)),
				.cmsg_level = IPPROTO_UDP,
				.cmsg_type = UDP_SEGMENT } };
	int udp = t_udp(), fd = open_without_segments();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	struct iovec iov = { data, 100 };
	struct msghdr msg = { .msg_name = &to,
			      .msg_namelen = sizeof(to),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	uint16_t size = 10;

	cr_assert(
		eq(int, t_set(fd, IPPROTO_UDP, UDP_SEGMENT, 10), -ENOPROTOOPT));
	cr_assert(eq(int, t_get(fd, IPPROTO_UDP, UDP_SEGMENT), -ENOPROTOOPT));
	cr_assert(eq(int, t_sendmsg(fd, &msg, 0), 100));
	memcpy(CMSG_DATA(&control.cmsg), &size, sizeof(size));
	cr_assert(eq(int, t_sendmsg(fd, &msg, 0), -EIO));
}

/* A send of data, to be cut into tens, by a transport that has no segments. */
struct uncut {
	struct msghdr msg;
	struct iovec iov;
	union {
		struct cmsghdr cmsg;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control;
};

static void uncut_fill(struct uncut *u)
{
	const uint16_t size = 10;

	*u = (struct uncut){ .iov = { data, 100 } };
	u->control.cmsg =
		(struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(uint16_t)),
				  .cmsg_level = IPPROTO_UDP,
				  .cmsg_type = UDP_SEGMENT };
	memcpy(CMSG_DATA(&u->control.cmsg), &size, sizeof(size));
	u->msg = (struct msghdr){ .msg_iov = &u->iov,
				  .msg_iovlen = 1,
				  .msg_control = &u->control,
				  .msg_controllen = sizeof(u->control) };
}

/* Connected to a port that nobody has, with the error of a send. */
static int uncut_with_error(void)
{
	int closed = t_udp(), fd = open_without_segments();
	uint16_t nobody = t_port(closed);

	close(closed);
	cr_assert(zero(int, t_connect(fd, LOOPBACK, nobody)));
	cr_assert(eq(int, t_send(fd, "x"), 1));
	return fd;
}

/* The kernel asks for memory ahead of the cut, and that fails with a pending error. */
Test(cop_cut, a_pending_error_comes_ahead_of_a_cut_that_is_not_there)
{
	int fd = uncut_with_error();
	struct uncut u;

	uncut_fill(&u);
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, 0), -ECONNREFUSED));
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, 0), -EIO));
	u.iov.iov_len = 0;
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, 0), -EIO));
}

Test(cop_cut, a_probe_leaves_a_pending_error_beside_a_cut_that_is_not_there)
{
	int fd = uncut_with_error(), err = 0;
	socklen_t len = sizeof(err);
	struct uncut u;

	uncut_fill(&u);
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, MSG_PROBE), 100));
	cr_assert(zero(int, getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len)));
	cr_expect(eq(int, err, ECONNREFUSED));
}

Test(cop_cut, a_batch_shows_a_pending_error_ahead_of_a_cut_that_is_not_there)
{
	int fd = uncut_with_error();
	struct mmsghdr vec[2];
	struct uncut u;

	uncut_fill(&u);
	vec[0].msg_hdr = vec[1].msg_hdr = u.msg;
	cr_expect(eq(int, t_sendmmsg(fd, vec, 2, 0), -ECONNREFUSED));
	cr_expect(eq(int, t_sendmmsg(fd, vec, 2, 0), -EIO));
}

/* As UDP-Lite of the kernel. */
Test(cop_cut, other_faults_come_ahead_of_a_cut_that_is_not_there)
{
	struct sockaddr_in to = t_addr(LOOPBACK, 9);
	int fd = open_without_segments();
	struct uncut u;

	uncut_fill(&u);
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, 0), -EDESTADDRREQ));
	u.msg.msg_name = &to;
	u.msg.msg_namelen = sizeof(to);
	u.iov.iov_base = (void *)16;
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, 0), -EFAULT));
	u.iov.iov_base = data;
	to.sin_port = 0;
	cr_expect(eq(int, t_sendmsg(fd, &u.msg, 0), -EINVAL));
}

Test(cop_cut, a_socket_that_comes_from_elsewhere_cuts_as_before)
{
	int udp, fd = cutting(&udp, 100);
	struct sock *sk = t_sk(fd);

	sock_reset_flag(sk, SOCK_SEGMENTS);
	WRITE_ONCE(cop_sk(sk)->segmenting.size, 0);
	cop_cut_note(sk, fd);
	cr_assert(eq(int, send_data(fd, 250), 250));
	assert_pieces(udp, 250, 100, 0);
}
