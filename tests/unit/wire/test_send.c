// SPDX-License-Identifier: MIT
/*
 * test_send.c - wire/send.c: COP datagrams out, seen by a raw UDP socket.
 */
#include "unit/raw_peer.h"

TestSuite(cop_send, .init = raw_peer_init, .timeout = 20);

Test(cop_send, header_and_payload_cross_the_wire)
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

Test(cop_send, payloads_of_every_length_and_split_are_sent_whole)
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

Test(cop_send, a_payload_of_65491_bytes_arrives_at_another_cop_socket)
{
	int to = t_open_bound(), fd = t_open_bound();
	struct sockaddr_in addr = t_addr(LOOPBACK, t_port(to));

	cr_assert(eq(int, t_sendto(fd, data, COP_MAX_LEN, 0, &addr),
		     COP_MAX_LEN));
	cr_assert(eq(int, t_recv(to, room, sizeof(room), 0), COP_MAX_LEN));
	cr_assert(zero(int, memcmp(room, data, COP_MAX_LEN)));
}

/* UDP's 65,527 less the header; a packet of IPv6 does not count its own header. */
Test(cop_send, over_ipv6_a_payload_of_65511_bytes_arrives)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int to = t_open_inet6(&addr), fd = t_open_inet6(NULL);
	struct iovec iov = { data, COP_MAX_LEN_IPV6 };
	struct msghdr msg = { .msg_name = &addr,
			      .msg_namelen = sizeof(addr),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	cr_assert(eq(int, t_sendmsg(fd, &msg, 0), COP_MAX_LEN_IPV6));
	cr_assert(eq(int, t_recv(to, room, sizeof(room), 0), COP_MAX_LEN_IPV6));
	cr_assert(zero(int, memcmp(room, data, COP_MAX_LEN_IPV6)));
	iov.iov_len++;
	cr_assert(eq(int, t_sendmsg(fd, &msg, 0), -EMSGSIZE));
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

Test(cop_send, an_impossible_send_fails_as_with_udp)
{
	cr_assert(eq(int, both(send_1025_iovecs), -EMSGSIZE));
	cr_assert(eq(int, both(send_bad_pointer), -EFAULT));
	cr_assert(eq(int, both(send_bad_iovec), -EFAULT));
	cr_assert(eq(int, both(send_negative_length), -EINVAL));
	cr_assert(eq(int, both(send_oob), -EOPNOTSUPP));
}

Test(cop_send, an_empty_datagram_is_sent_as_a_header)
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

Test(cop_send, control_messages_pass_both_ways)
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
