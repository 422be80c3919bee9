// SPDX-License-Identifier: MIT
/*
 * test_encap.c - wire/encap.c: the header, and COP datagrams in UDP datagrams.
 * Raw UDP sockets stand on the other side.
 */
#include <limits.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <time.h>

#include <linux/errqueue.h> /* needs time.h */

#include "wire/encap.h"
#include "unit/helpers.h"

static unsigned char data[COP_MAX_LEN + 2], room[COP_MAX_LEN + 2];

static void setup(void)
{
	t_init();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
}

TestSuite(cop_encap, .init = setup, .timeout = 20);

/* A COP socket that is connected to a raw UDP socket, which it returns. */
static int connected(int *udp)
{
	int fd = t_open_bound();

	*udp = t_udp();
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(*udp))));
	return fd;
}

/* ---- the header ----------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned char head[4];
	size_t len;
	enum cop_stray stray;
} head[] = {
	{ "plain", { 0xc0, 0xb1, 0x14, 0 }, 16, COP_NO_STRAY },
	{ "plain, with payload", { 0xc0, 0xb1, 0x14, 0 }, 999, COP_NO_STRAY },
	{ "first", { 0xc0, 0xb1, 0x14, 1 }, 16, COP_NO_STRAY },
	{ "flags unknown", { 0xc0, 0xb1, 0x14, 0xfe }, 16, COP_NO_STRAY },
	{ "a word of options", { 0xc0, 0xb1, 0x15, 0 }, 20, COP_NO_STRAY },
	{ "11 of options", { 0xc0, 0xb1, 0x1f, 0 }, 60, COP_NO_STRAY },
	{ "empty", { 0xc0, 0xb1, 0x14, 0 }, 0, COP_STRAY_SHORT },
	{ "15 bytes", { 0xc0, 0xb1, 0x14, 0 }, 15, COP_STRAY_SHORT },
	{ "magic swapped", { 0xb1, 0xc0, 0x14, 0 }, 16, COP_STRAY_MAGIC },
	{ "magic half", { 0xc0, 0xb0, 0x14, 0 }, 16, COP_STRAY_MAGIC },
	{ "version 0", { 0xc0, 0xb1, 0x04, 0 }, 16, COP_STRAY_VERSION },
	{ "version 2", { 0xc0, 0xb1, 0x24, 0 }, 16, COP_STRAY_VERSION },
	{ "version 15", { 0xc0, 0xb1, 0xf4, 0 }, 16, COP_STRAY_VERSION },
	{ "length 0", { 0xc0, 0xb1, 0x10, 0 }, 99, COP_STRAY_LENGTH },
	{ "length 3", { 0xc0, 0xb1, 0x13, 0 }, 99, COP_STRAY_LENGTH },
	{ "length 5 of 16", { 0xc0, 0xb1, 0x15, 0 }, 16, COP_STRAY_LENGTH },
	{ "length 15 of 59", { 0xc0, 0xb1, 0x1f, 0 }, 59, COP_STRAY_LENGTH },
};

Test(cop_encap, a_header_is_judged_by_length_magic_version_and_length)
{
	for (size_t i = 0; i < ARRAY_SIZE(head); i++) {
		unsigned char hdr[COP_HLEN] __attribute__((aligned(4))) = { 0 };

		memcpy(hdr, head[i].head, sizeof(head[i].head));
		cr_assert(eq(int, cop_hdr_check(hdr, head[i].len),
			     head[i].stray),
			  "%s", head[i].name);
	}
}

Test(cop_encap, a_header_is_built_byte_for_byte)
{
	static const unsigned char want[COP_HLEN] = { 0xc0, 0xb1, 0x14, 0x00,
						      0x12, 0x34, 0xab, 0xcd,
						      0x01, 0x02, 0x03, 0x04,
						      0x9a, 0x9b, 0x9c, 0x9d };
	struct cophdr hdr;

	cop_hdr_build(&hdr, htons(0x1234), htons(0xabcd), 0x01020304,
		      0x9a9b9c9d);
	cr_assert(zero(int, memcmp(&hdr, want, sizeof(want))));
}

Test(cop_encap, only_number_0_is_first_and_not_where_32_bits_wrap)
{
	struct cophdr hdr;

	cop_hdr_build(&hdr, 0, 0, 0, 0);
	cr_assert(eq(int, hdr.flags, COP_F_FIRST));
	cop_hdr_build(&hdr, 0, 0, 1, 0);
	cr_assert(zero(int, hdr.flags));
	cop_hdr_build(&hdr, 0, 0, 1ull << 32, 0);
	cr_assert(zero(int, hdr.flags));
	cr_assert(zero(u32, hdr.seq));
}

static uint32_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

/* ---- on the wire ---------------------------------------------------------- */

Test(cop_encap, what_crosses_the_wire_is_header_and_payload)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);
	unsigned char *byte = (unsigned char *)&wire;

	cr_assert(eq(int, t_send(fd, "hello"), 5));
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 5));
	cr_assert(zero(int, memcmp(byte, "\xc0\xb1\x14\x01", 4)));
	cr_assert(eq(int, byte[4] << 8 | byte[5], t_port(fd)));
	cr_assert(eq(int, byte[6] << 8 | byte[7], t_port(udp)));
	cr_assert(zero(int, memcmp(byte + 8, "\0\0\0\0", 4)));
	cr_assert(zero(int, memcmp(byte + 16, "hello", 5)));
}

Test(cop_encap, the_timestamp_is_microseconds_of_the_monotonic_clock)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);
	uint32_t before = now_us(), after;

	t_send(fd, "x");
	after = now_us();
	t_wire_recv(udp, &wire);
	cr_assert(le(u32, ntohl(wire.hdr.tstamp) - before, after - before));
}

Test(cop_encap, sequence_numbers_count_up_and_only_the_first_says_so)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	for (uint32_t seq = 0; seq < 100; seq++) {
		t_send(fd, "x");
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
		cr_assert(eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
	}
}

Test(cop_encap, the_sequence_number_wraps_without_a_new_flow)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	cop_sk(t_sk(fd))->peer.datagrams = UINT32_MAX;
	t_send(fd, "x");
	t_wire_recv(udp, &wire);
	cr_assert(eq(u32, ntohl(wire.hdr.seq), UINT32_MAX));
	t_send(fd, "x");
	t_wire_recv(udp, &wire);
	cr_assert(zero(u32, wire.hdr.seq));
	cr_assert(zero(int, wire.hdr.flags));
}

/* As many iovecs as bytes call for, all of them of the payload. */
static struct msghdr vectored(struct iovec *iov, size_t n, unsigned char *buf,
			      size_t len)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	for (size_t i = 0; i < n; i++) {
		size_t from = len * i / n;

		iov[i] = (struct iovec){ buf + from, len * (i + 1) / n - from };
	}
	return msg;
}

static const size_t iovecs[] = { 1, 2, 7, 62, 63, 64, 1021, 1022, 1023, 1024 };
static const size_t lengths[] = { 0,	1,    1023,  2047,	 2048,
				  2049, 9000, 60000, COP_MAX_LEN };

Test(cop_encap, payloads_of_every_length_and_split_are_sent_whole)
{
	static struct t_wire wire;
	struct iovec iov[1024];
	int udp, fd = connected(&udp);

	for (size_t i = 0; i < ARRAY_SIZE(iovecs); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			struct msghdr msg =
				vectored(iov, iovecs[i], data, lengths[j]);

			cr_assert(eq(int, t_sendmsg(fd, &msg, 0), lengths[j]),
				  "%zu iovecs", iovecs[i]);
			t_wire_recv(udp, &wire);
			cr_assert(eq(int, wire.len, lengths[j]));
			cr_assert(zero(int,
				       memcmp(wire.payload, data, lengths[j])));
		}
}

/* With options and without, as recv() and as recvmsg() asks for them. */
static void receive_all_splits(unsigned int options)
{
	struct iovec iov[1024];
	int udp = t_udp();
	int fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(iovecs); i++)
		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			size_t len = lengths[j] -
				     (lengths[j] == COP_MAX_LEN) * options * 4;
			struct msghdr msg = vectored(iov, iovecs[i], room, len);

			t_udp_send_cop(udp, t_port(fd), options, data, len);
			memset(room, 0, len + 1);
			cr_assert(eq(int, t_recvmsg(fd, &msg, 0), len),
				  "%zu iovecs, %u options", iovecs[i], options);
			cr_assert(zero(int, memcmp(room, data, len)),
				  "%zu iovecs, %zu bytes, %u options",
				  iovecs[i], len, options);
			cr_assert(zero(int, room[len]));
			cr_assert(zero(int, msg.msg_flags));
		}
}

Test(cop_encap, payloads_of_every_length_and_split_are_received_whole)
{
	receive_all_splits(0);
}

Test(cop_encap, options_are_skipped_whatever_the_split)
{
	receive_all_splits(1);
	receive_all_splits(4);
	receive_all_splits(11);
}

Test(cop_encap, options_are_skipped_by_a_plain_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int options = 0; options <= 11; options++)
		for (size_t len = 0; len <= 4096; len += 1024) {
			t_udp_send_cop(udp, t_port(fd), options, data, len);
			cr_assert(eq(int, t_recv(fd, room, sizeof(room), 0),
				     len));
			cr_assert(zero(int, memcmp(room, data, len)));
		}
}

/* ---- limits --------------------------------------------------------------- */

Test(cop_encap, a_payload_of_65491_bytes_arrives_at_another_cop_socket)
{
	int to = t_open_bound(), fd = t_open_bound();
	struct sockaddr_in addr = t_addr(LOOPBACK, t_port(to));

	cr_assert(eq(int, t_sendto(fd, data, COP_MAX_LEN, 0, &addr),
		     COP_MAX_LEN));
	cr_assert(eq(int, t_recv(to, room, sizeof(room), 0), COP_MAX_LEN));
	cr_assert(zero(int, memcmp(room, data, COP_MAX_LEN)));
}

Test(cop_encap, a_payload_of_65492_bytes_is_emsgsize_however_it_is_split)
{
	struct iovec iov[1024];
	int udp, fd = connected(&udp);

	for (size_t i = 0; i < ARRAY_SIZE(iovecs); i++) {
		struct msghdr msg =
			vectored(iov, iovecs[i], data, COP_MAX_LEN + 1);

		cr_assert(eq(int, t_sendmsg(fd, &msg, 0), -EMSGSIZE),
			  "%zu iovecs", iovecs[i]);
	}
	cr_assert(eq(u32, t_count(fd)->tx_errors, ARRAY_SIZE(iovecs)));
	cr_assert(zero(u64, cop_sk(t_sk(fd))->peer.datagrams),
		  "no number was spent");
}

Test(cop_encap, iovecs_that_the_kernel_refuses_have_its_errno_for_a_length)
{
	struct iovec iov[1025] = { { data, 1 } };
	struct iovec huge[2] = { { data, SSIZE_MAX }, { data, 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1025 };
	int fd = t_udp();

	cr_assert(eq(long, cop_iov_length(fd, &msg), -EMSGSIZE));
	msg.msg_iovlen = 1024;
	cr_assert(eq(long, cop_iov_length(fd, &msg), 1));
	msg = (struct msghdr){ .msg_iov = huge, .msg_iovlen = 2 };
	cr_assert(eq(long, cop_iov_length(fd, &msg), -EFAULT));
	msg = (struct msghdr){ .msg_iov = NULL, .msg_iovlen = 1 };
	cr_assert(eq(long, cop_iov_length(fd, &msg), -EFAULT));
	msg.msg_iovlen = 0;
	cr_assert(zero(long, cop_iov_length(fd, &msg)));
}

/* A call on the kernel's UDP and on COP, both connected to someone. */
static int both(ssize_t (*call)(int fd, bool cop))
{
	int udp, fd = connected(&udp);
	int kernel = t_udp();
	ssize_t want, got;

	t_connect(kernel, LOOPBACK, t_port(udp));
	want = call(kernel, false);
	got = call(fd, true);
	cr_assert(eq(long, got, want));
	return got;
}

static ssize_t result(ssize_t n)
{
	return n < 0 ? -errno : n;
}

static ssize_t send_any(int fd, const struct msghdr *msg, bool cop)
{
	return cop ? t_sendmsg(fd, msg, 0) : result(sendmsg(fd, msg, 0));
}

static ssize_t send_1025_iovecs(int fd, bool cop)
{
	struct iovec iov[1025] = { { data, 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1025 };

	return send_any(fd, &msg, cop);
}

static ssize_t send_bad_pointer(int fd, bool cop)
{
	struct iovec iov = { NULL, 5 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return send_any(fd, &msg, cop);
}

static ssize_t send_bad_iovec(int fd, bool cop)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)8, .msg_iovlen = 1 };

	return send_any(fd, &msg, cop);
}

static ssize_t send_negative_length(int fd, bool cop)
{
	struct iovec iov = { data, -1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return send_any(fd, &msg, cop);
}

static ssize_t send_oob(int fd, bool cop)
{
	struct iovec iov = { data, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return cop ? t_sendmsg(fd, &msg, MSG_OOB)
		   : result(sendmsg(fd, &msg, MSG_OOB));
}

Test(cop_encap, what_can_not_be_sent_fails_as_with_udp)
{
	cr_assert(eq(int, both(send_1025_iovecs), -EMSGSIZE));
	cr_assert(eq(int, both(send_bad_pointer), -EFAULT));
	cr_assert(eq(int, both(send_bad_iovec), -EFAULT));
	cr_assert(eq(int, both(send_negative_length), -EINVAL));
	cr_assert(eq(int, both(send_oob), -EOPNOTSUPP));
}

/* ---- short buffers -------------------------------------------------------- */

static const size_t caps[] = { 0, 1, 15, 16, 17, 99, 100, 101, 3000 };

Test(cop_encap, a_short_buffer_gets_the_beginning_and_MSG_TRUNC_the_length)
{
	int udp = t_udp(), fd = t_open_bound();

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		size_t cap = caps[i], want = cap < 100 ? cap : 100;

		t_udp_send_cop(udp, t_port(fd), 0, data, 100);
		t_udp_send_cop(udp, t_port(fd), 3, data, 100);
		memset(room, 0, 200);
		cr_assert(eq(int, t_recv(fd, room, cap, 0), want));
		cr_assert(zero(int, memcmp(room, data, want)));
		cr_assert(zero(int, room[want]));
		cr_assert(eq(int, t_recv(fd, room, cap, MSG_TRUNC), 100));
	}
	cr_assert(eq(u32, t_count(fd)->rx_truncated, 2 * 6));
}

Test(cop_encap, recvmsg_says_MSG_TRUNC_only_where_payload_was_lost)
{
	int udp = t_udp(), fd = t_open_bound();

	for (unsigned int options = 0; options <= 11; options += 11)
		for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
			struct iovec iov = { room, caps[i] };
			struct msghdr msg = { .msg_iov = &iov,
					      .msg_iovlen = 1 };
			size_t want = caps[i] < 100 ? caps[i] : 100;

			t_udp_send_cop(udp, t_port(fd), options, data, 100);
			memset(room, 0, sizeof(room));
			cr_assert(eq(int, t_recvmsg(fd, &msg, 0), want));
			cr_assert(zero(int, memcmp(room, data, want)));
			cr_assert(zero(int, room[caps[i]]), "beyond the end");
			cr_assert(eq(int, msg.msg_flags,
				     caps[i] < 100 ? MSG_TRUNC : 0),
				  "%zu bytes, %u options", caps[i], options);
		}
}

Test(cop_encap, a_peek_leaves_the_datagram_for_the_next_receive)
{
	int udp = t_udp(), fd = t_open_bound();

	t_udp_send_cop(udp, t_port(fd), 2, data, 100);
	cr_assert(eq(int, t_recv(fd, room, 10, MSG_PEEK), 10));
	cr_assert(eq(int, t_recv(fd, room, 10, MSG_PEEK | MSG_TRUNC), 100));
	cr_assert(eq(int, t_recv(fd, room, 200, MSG_PEEK), 100));
	cr_assert(zero(u32, t_count(fd)->rx_datagrams));
	cr_assert(eq(int, t_recv(fd, room, 200, 0), 100));
	cr_assert(zero(int, memcmp(room, data, 100)));
	cr_assert(eq(int, t_recv(fd, room, 200, MSG_DONTWAIT), -EAGAIN));
}

Test(cop_encap, an_empty_datagram_is_received_as_such)
{
	int udp, fd = connected(&udp);
	struct sockaddr_in from;
	struct msghdr msg = { 0 };

	t_udp_send_cop(udp, t_port(fd), 0, data, 0);
	t_udp_send_cop(udp, t_port(fd), 5, data, 0);
	cr_assert(zero(int, t_recvfrom(fd, room, 10, 0, &from)));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(udp)));
	cr_assert(zero(int, t_recvmsg(fd, &msg, 0)));
	cr_assert(zero(int, msg.msg_flags));
	cr_assert(eq(u32, t_count(fd)->rx_datagrams, 2));
}

Test(cop_encap, an_empty_datagram_is_sent_as_a_header)
{
	struct t_wire wire;
	struct msghdr none = { 0 };
	int udp, fd = connected(&udp);

	cr_assert(zero(int, t_sendto(fd, data, 0, 0, NULL)));
	t_wire_recv(udp, &wire);
	cr_assert(zero(int, wire.len));
	cr_assert(zero(int, t_sendmsg(fd, &none, 0)));
	t_wire_recv(udp, &wire);
	cr_assert(zero(int, wire.len));
	cr_assert(eq(u32, ntohl(wire.hdr.seq), 1));
}

/* ---- control messages ----------------------------------------------------- */

Test(cop_encap, control_messages_pass_both_ways)
{
	union {
		char room[64];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { room, 100 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int udp, fd = connected(&udp);
	int to = t_open_bound(), ttl = 42;

	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_TTL;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &ttl, sizeof(ttl));
	cr_assert(zero(int, t_set(to, IPPROTO_IP, IP_RECVTTL, 1)));
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(to))));
	cr_assert(eq(int, t_sendmsg(fd, &msg, 0), 100));
	memset(&control, 0, sizeof(control));
	msg.msg_controllen = sizeof(control);
	cr_assert(eq(int, t_recvmsg(to, &msg, 0), 100));
	cmsg = CMSG_FIRSTHDR(&msg);
	cr_assert(ne(ptr, cmsg, NULL));
	cr_assert(eq(int, cmsg->cmsg_type, IP_TTL));
	memcpy(&ttl, CMSG_DATA(cmsg), sizeof(ttl));
	cr_assert(eq(int, ttl, 42));
}

/* UDP_SEGMENT would leave all segments but the first without a header. */
Test(cop_encap, a_control_message_of_udps_own_is_refused_as_udp_would)
{
	static const struct {
		int type;
		size_t len;
		uint16_t size;
		int ret;
	} c[] = { { UDP_SEGMENT, 2, 1000, -EIO },
		  { UDP_SEGMENT, 2, 0, 100 },
		  { UDP_SEGMENT, 4, 1000, -EINVAL },
		  { UDP_SEGMENT, 1, 1000, -EINVAL },
		  { UDP_CORK, 2, 1, -EINVAL },
		  { 999, 2, 1, -EINVAL } };
	union {
		char room[64];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { data, 100 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = CMSG_SPACE(2) };
	struct mmsghdr vec = { 0 };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int udp, fd = connected(&udp);

	cmsg->cmsg_level = IPPROTO_UDP;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		cmsg->cmsg_type = c[i].type;
		cmsg->cmsg_len = CMSG_LEN(c[i].len);
		memcpy(CMSG_DATA(cmsg), &c[i].size, sizeof(c[i].size));
		vec.msg_hdr = msg;
		cr_assert(eq(int, t_sendmsg(fd, &msg, 0), c[i].ret), "%zu", i);
		cr_assert(eq(int, t_sendmmsg(fd, &vec, 1, 0),
			     c[i].ret < 0 ? c[i].ret : 1),
			  "%zu", i);
	}
}

/* ---- the error queue ------------------------------------------------------ */

/* Send to a port where nobody is, and wait for the ICMP error. */
static int refused(const char *text)
{
	int udp, fd = connected(&udp);

	cr_assert(zero(int, t_set(fd, IPPROTO_IP, IP_RECVERR, 1)));
	close(udp);
	cr_assert(eq(int, t_send(fd, text), strlen(text)));
	return fd;
}

static ssize_t recv_error(int fd, struct msghdr *msg, void *buf, size_t len)
{
	static char control[512];
	static struct iovec iov;

	iov = (struct iovec){ buf, len };
	*msg = (struct msghdr){ .msg_iov = &iov,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = sizeof(control) };
	return t_recvmsg(fd, msg, MSG_ERRQUEUE);
}

Test(cop_encap, the_error_queue_returns_the_payload)
{
	struct sock_extended_err *ee;
	struct msghdr msg;
	int fd = refused("payload");

	cr_assert(eq(int, recv_error(fd, &msg, room, 100), 7));
	cr_assert(zero(int, memcmp(room, "payload", 7)));
	cr_assert(eq(int, msg.msg_flags, MSG_ERRQUEUE));
	ee = (struct sock_extended_err *)CMSG_DATA(CMSG_FIRSTHDR(&msg));
	cr_assert(eq(int, ee->ee_errno, ECONNREFUSED));
}

Test(cop_encap, the_error_queue_truncates_to_a_short_buffer)
{
	struct msghdr msg;
	int fd = refused("payload");

	memset(room, 0, 10);
	cr_assert(eq(int, recv_error(fd, &msg, room, 3), 3));
	cr_assert(zero(int, memcmp(room, "pay\0", 4)));
	cr_assert(eq(int, msg.msg_flags, MSG_ERRQUEUE | MSG_TRUNC));
}

Test(cop_encap, an_empty_error_queue_is_eagain)
{
	struct msghdr msg;

	cr_assert(eq(int, recv_error(t_open_bound(), &msg, room, 3), -EAGAIN));
}

/* ---- corked --------------------------------------------------------------- */

static ssize_t send_part(int fd, const char *text, int flags)
{
	return t_sendto(fd, text, strlen(text), flags, NULL);
}

Test(cop_encap, parts_with_MSG_MORE_are_one_datagram_with_one_header)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	for (uint32_t seq = 0; seq < 2; seq++) {
		cr_assert(eq(int, send_part(fd, "one ", MSG_MORE), 4));
		cr_assert(eq(int, send_part(fd, "two ", MSG_MORE), 4));
		cr_assert(eq(int, send_part(fd, "three", 0), 5));
		t_wire_recv(udp, &wire);
		cr_assert(eq(int, wire.len, 13));
		cr_assert(zero(int, memcmp(wire.payload, "one two three", 13)));
		cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
	}
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 2));
	cr_assert(eq(u64, t_count(fd)->tx_bytes, 26));
}

Test(cop_encap, parts_while_UDP_CORK_is_set_are_one_datagram)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 1)));
	send_part(fd, "one ", 0);
	send_part(fd, "two", 0);
	cr_assert(zero(int, t_set(fd, IPPROTO_UDP, UDP_CORK, 0)));
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 7));
	cr_assert(zero(int, memcmp(wire.payload, "one two", 7)));
	send_part(fd, "next", 0);
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 4), "it has a header of its own");
	cr_assert(eq(u32, ntohl(wire.hdr.seq), 1));
}

Test(cop_encap, a_batch_while_UDP_CORK_is_set_is_one_datagram)
{
	struct iovec iov[2] = { { "one ", 4 }, { "two", 3 } };
	struct mmsghdr vec[2] = { 0 };
	struct t_wire wire;
	int udp, fd = connected(&udp);

	for (int i = 0; i < 2; i++) {
		vec[i].msg_hdr.msg_iov = &iov[i];
		vec[i].msg_hdr.msg_iovlen = 1;
	}
	t_set(fd, IPPROTO_UDP, UDP_CORK, 1);
	cr_assert(eq(int, t_sendmmsg(fd, vec, 2, 0), 2));
	t_set(fd, IPPROTO_UDP, UDP_CORK, 0);
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 7));
	cr_assert(zero(int, memcmp(wire.payload, "one two", 7)));
}

/* The kernel drops what was begun; the next datagram needs a header again. */
Test(cop_encap, after_a_part_too_large_the_next_datagram_has_a_header)
{
	struct t_wire wire;
	int udp, fd = connected(&udp);

	send_part(fd, "one", MSG_MORE);
	cr_assert(eq(int, t_sendto(fd, data, COP_MAX_LEN, 0, NULL), -EMSGSIZE));
	send_part(fd, "next", 0);
	t_wire_recv(udp, &wire);
	cr_assert(eq(int, wire.len, 4));
	cr_assert(zero(int, memcmp(wire.payload, "next", 4)));
}
