// SPDX-License-Identifier: MIT
/*
 * test_proto.c - datagram/proto.c: connect, disconnect, and datagrams between COP
 * sockets, raw senders beside them.
 */
#include <sys/uio.h>

#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_proto, .init = t_init, .timeout = 20);

static int udp_fd(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* ---- connect -------------------------------------------------------------- */

Test(cop_proto, connect_sets_what_ip4_datagram_connect_sets)
{
	int fd = t_open();
	struct inet_sock *inet = inet_sk(t_sk(fd));
	uint16_t snum = t_port(t_udp());

	cr_assert(zero(int, t_connect(fd, LOOPBACK, snum)));
	cr_assert(eq(u32, inet->inet_daddr, inet_addr(LOOPBACK)));
	cr_assert(eq(int, inet->inet_dport, htons(snum)));
	cr_assert(eq(u32, inet->inet_saddr, inet_addr(LOOPBACK)));
	cr_assert(eq(u32, inet->inet_rcv_saddr, inet_addr(LOOPBACK)));
	cr_assert(eq(int, inet->inet_sport, htons(t_port(fd))));
	cr_assert(eq(int, inet->inet_num, t_port(fd)));
	cr_assert(eq(int, t_sk(fd)->sk_state, COP_ESTABLISHED));
	cr_assert(cop_port_taken(&cop_port_table, t_port(fd)));
}

Test(cop_proto, connecting_again_keeps_the_port)
{
	int fd = t_open();
	uint16_t snum;

	t_connect(fd, LOOPBACK, t_port(t_udp()));
	snum = t_port(fd);
	cr_assert(zero(int, t_connect(fd, "127.0.0.2", t_port(t_udp()))));
	cr_assert(eq(uint, t_port(fd), snum));
	cr_assert(
		eq(u32, inet_sk(t_sk(fd))->inet_daddr, inet_addr("127.0.0.2")));
}

static const struct {
	const char *name;
	const char *ip;
	sa_family_t family;
	socklen_t len;
} fault[] = {
	{ "no length", LOOPBACK, AF_INET, 0 },
	{ "one byte", LOOPBACK, AF_INET, 1 },
	{ "family only", LOOPBACK, AF_INET, 2 },
	{ "short", LOOPBACK, AF_INET, 15 },
	{ "another family", LOOPBACK, AF_INET6, 16 },
	{ "another family, long", LOOPBACK, AF_INET6, 28 },
	{ "too long", LOOPBACK, AF_INET, 129 },
	{ "broadcast", "255.255.255.255", AF_INET, 16 },
	{ "broadcast of the subnet", "127.255.255.255", AF_INET, 16 },
	{ "multicast", "224.0.0.1", AF_INET, 16 },
	{ "any address", "0.0.0.0", AF_INET, 16 },
	{ "plain", LOOPBACK, AF_INET, 16 },
	{ "disconnect", LOOPBACK, AF_UNSPEC, 16 },
	{ "disconnect, family only", LOOPBACK, AF_UNSPEC, 2 },
	{ "disconnect, one byte", LOOPBACK, AF_UNSPEC, 1 },
};

static int connect_kernel(int fd, const void *addr, socklen_t len)
{
	return connect(fd, addr, len) ? -errno : 0;
}

/* Also what is bound afterwards, and whether it is connected. */
static int compare_connects(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault); i++) {
		struct sockaddr_storage room = { 0 };
		struct sockaddr_in addr = t_addr(fault[i].ip, 9);
		int udp = udp_fd(), fd = t_open();
		struct socket *sock = t_sock(fd);
		struct sockaddr *sa = (struct sockaddr *)&room;

		addr.sin_family = fault[i].family;
		memcpy(&room, &addr, sizeof(addr));
		if (connect_kernel(udp, sa, fault[i].len) !=
			    sock->ops->connect(sock, fd, sa, fault[i].len) ||
		    !t_port(udp) != !t_port(fd) ||
		    t_name(udp).sin_addr.s_addr != t_name(fd).sin_addr.s_addr)
			return i + 1;
		t_close(fd);
		close(udp);
	}
	return 0;
}

Test(cop_proto, connect_answers_as_udp_does)
{
	cr_assert(zero(int, compare_connects()), "row of the table");
}

/* Without any route but loopback's. */
static int unreachable(void)
{
	if (!t_own_network())
		return T_SKIP;
	CHECK(t_connect(t_open(), NOT_LOCAL, 9) == -ENETUNREACH);
	CHECK(t_connect(udp_fd(), NOT_LOCAL, 9) == -ENETUNREACH);
	CHECK(!compare_connects());
	return 0;
}

Test(cop_proto, connect_without_a_route_is_enetunreach)
{
	T_CHILD(unreachable);
}

Test(cop_proto, broadcast_needs_SO_BROADCAST)
{
	int fd = t_open();
	struct sockaddr_in to = t_addr("127.255.255.255", 9);

	cr_assert(eq(int, t_connect(fd, "127.255.255.255", 9), -EACCES));
	cr_assert(eq(int, t_sendto(fd, "x", 1, 0, &to), -EACCES));
	cr_assert(zero(int, t_set(fd, SOL_SOCKET, SO_BROADCAST, 1)));
	cr_assert(zero(int, t_connect(fd, "127.255.255.255", 9)));
	cr_assert(eq(int, t_sendto(fd, "x", 1, 0, &to), 1));
}

Test(cop_proto, a_failed_connect_leaves_the_socket_unconnected)
{
	int fd = t_open();

	t_connect(fd, "255.255.255.255", 9);
	cr_assert(eq(int, t_sk(fd)->sk_state, COP_CLOSE));
	cr_assert(zero(u32, inet_sk(t_sk(fd))->inet_daddr));
	cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)));
}

Test(cop_proto, a_dead_peer_is_econnrefused)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_connect(fd, LOOPBACK, t_port(udp));
	close(udp);
	cr_assert(eq(int, t_send(fd, "x"), 1));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -ECONNREFUSED));
	cr_assert(eq(int, t_send(fd, "x"), 1));
	cr_assert(eq(int, t_send(fd, "x"), -ECONNREFUSED));
	cr_assert(eq(int, t_send(fd, "x"), 1));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED));
}

Test(cop_proto, a_connected_socket_hears_only_its_peer)
{
	int peer = t_udp(), other = t_udp(), fd = t_open_bound();
	char buf[8];

	t_connect(fd, LOOPBACK, t_port(peer));
	t_udp_send_cop(other, t_port(fd), 0, "other", 5);
	t_udp_send_cop(peer, t_port(fd), 0, "peer", 4);
	cr_assert(eq(int, t_recv(fd, buf, 8, 0), 4));
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -EAGAIN));
}

/* ---- disconnect ----------------------------------------------------------- */

Test(cop_proto, a_disconnected_socket_has_no_peer)
{
	int udp = t_udp(), fd = t_open_bound();

	t_connect(fd, LOOPBACK, t_port(udp));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(zero(u32, inet_sk(t_sk(fd))->inet_daddr));
	cr_assert(zero(int, inet_sk(t_sk(fd))->inet_dport));
	cr_assert(eq(int, t_sk(fd)->sk_state, COP_CLOSE));
	cr_assert(eq(int, t_send(fd, "x"), -EDESTADDRREQ));
}

Test(cop_proto, a_socket_that_never_connected_can_disconnect)
{
	cr_assert(zero(int, t_disconnect(t_open())));
	cr_assert(zero(int, t_disconnect(t_open_bound())));
}

Test(cop_proto, a_connection_begins_its_numbers_anew)
{
	int udp = t_udp(), fd = t_open_bound();
	struct t_wire wire;

	for (int i = 0; i < 3; i++) {
		t_connect(fd, LOOPBACK, t_port(udp));
		t_send(fd, "x");
		t_wire_recv(udp, &wire);
		cr_assert(zero(u32, wire.hdr.seq));
		cr_assert(eq(int, wire.hdr.flags, COP_F_FIRST));
		t_send(fd, "x");
		t_wire_recv(udp, &wire);
		cr_assert(eq(u32, ntohl(wire.hdr.seq), 1));
	}
}

/* ---- sending -------------------------------------------------------------- */

Test(cop_proto, a_send_without_a_destination_is_edestaddrreq)
{
	int fd = t_open();

	cr_assert(eq(int, t_send(fd, "x"), -EDESTADDRREQ));
	cr_assert(eq(u32, t_count(fd)->tx_errors, 1));
}

Test(cop_proto, a_send_autobinds_and_its_header_says_so)
{
	int udp = t_udp(), fd = t_open();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	struct t_wire wire;

	cr_assert(eq(int, t_sendto(fd, "x", 1, 0, &to), 1));
	t_wire_recv(udp, &wire);
	cr_assert(ne(int, t_sk(fd)->sk_num, 0));
	cr_assert(eq(int, t_sk(fd)->sk_num, t_port(fd)));
	cr_assert(eq(int, wire.hdr.source, htons(t_port(fd))));
	cr_assert(eq(int, t_sk(fd)->sk_refcnt, 2));
	cr_assert(zero(int, t_sk(fd)->sk_userlocks));
}

static const struct {
	const char *name;
	sa_family_t family;
	socklen_t len;
	bool connected;
} send_to[] = {
	{ "short", AF_INET, 15, false },
	{ "family only", AF_INET, 2, false },
	{ "another family", AF_INET6, 16, false },
	{ "AF_UNSPEC", AF_UNSPEC, 16, false },
	{ "port 0", AF_INET, 16, false },
	{ "short, connected", AF_INET, 15, true },
	{ "another family, connected", AF_INET6, 16, true },
	{ "AF_UNSPEC, connected", AF_UNSPEC, 16, true },
};

Test(cop_proto, a_destination_that_is_none_fails_as_with_udp)
{
	int peer = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(send_to); i++) {
		struct sockaddr_in to = t_addr(LOOPBACK, t_port(peer));
		struct iovec iov = { "x", 1 };
		struct msghdr msg = { .msg_name = &to,
				      .msg_namelen = send_to[i].len,
				      .msg_iov = &iov,
				      .msg_iovlen = 1 };
		int udp = udp_fd(), fd = t_open();
		ssize_t want;

		if (send_to[i].connected) {
			t_connect(udp, LOOPBACK, t_port(peer));
			t_connect(fd, LOOPBACK, t_port(peer));
		}
		to.sin_family = send_to[i].family;
		if (!strcmp(send_to[i].name, "port 0"))
			to.sin_port = 0;
		want = sendmsg(udp, &msg, 0) < 0 ? -errno : 1;
		cr_assert(eq(int, t_sendmsg(fd, &msg, 0), want), "%s",
			  send_to[i].name);
	}
}

Test(cop_proto, each_destination_of_one_socket_is_a_flow)
{
	int udp[3] = { t_udp(), t_udp(), t_udp() }, fd = t_open_bound();
	struct t_wire wire;

	for (uint32_t seq = 0; seq < 4; seq++)
		for (int i = 0; i < 3; i++) {
			struct sockaddr_in to =
				t_addr(LOOPBACK, t_port(udp[i]));

			t_sendto(fd, "x", 1, 0, &to);
			t_wire_recv(udp[i], &wire);
			cr_assert(eq(u32, ntohl(wire.hdr.seq), seq));
			cr_assert(
				eq(int, wire.hdr.dest, htons(t_port(udp[i]))));
			cr_assert(
				eq(int, wire.hdr.flags, seq ? 0 : COP_F_FIRST));
		}
}

Test(cop_proto, a_connected_socket_may_send_to_another_and_to_its_peer)
{
	int peer = t_udp(), other = t_udp(), fd = t_open_bound();
	struct sockaddr_in to_peer = t_addr(LOOPBACK, t_port(peer));
	struct sockaddr_in to_other = t_addr(LOOPBACK, t_port(other));
	struct t_wire wire;

	t_connect(fd, LOOPBACK, t_port(peer));
	t_send(fd, "x");
	t_sendto(fd, "x", 1, 0, &to_other);
	t_sendto(fd, "x", 1, 0, &to_peer);
	t_wire_recv(other, &wire);
	cr_assert(zero(u32, wire.hdr.seq));
	t_wire_recv(peer, &wire);
	t_wire_recv(peer, &wire);
	cr_assert(eq(u32, ntohl(wire.hdr.seq), 1));
}

Test(cop_proto, a_datagram_that_was_not_sent_spends_no_number)
{
	static char big[COP_MAX_LEN + 1];
	int udp = t_udp(), fd = t_open_bound();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	struct t_wire wire;

	t_sendto(fd, big, sizeof(big), 0, &to);
	t_sendto(fd, "x", 1, 0, &to);
	t_wire_recv(udp, &wire);
	cr_assert(zero(u32, wire.hdr.seq));
	cr_assert(eq(int, wire.hdr.flags, COP_F_FIRST));
	cr_assert(eq(u32, t_count(fd)->tx_errors, 1));
	cr_assert(eq(u32, t_count(fd)->tx_datagrams, 1));
}

/* ---- receiving ------------------------------------------------------------ */

Test(cop_proto, two_cop_sockets_exchange_and_count_datagrams)
{
	int a = t_open_bound(), b = t_open_bound();
	struct sockaddr_in from, to = t_addr(LOOPBACK, t_port(b));
	char buf[16];

	cr_assert(eq(int, t_sendto(a, "question", 8, 0, &to), 8));
	cr_assert(eq(int, t_recvfrom(b, buf, 16, 0, &from), 8));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(a)));
	cr_assert(eq(int, t_sendto(b, "answer", 6, 0, &from), 6));
	cr_assert(eq(int, t_recv(a, buf, 16, 0), 6));
	cr_assert(eq(u64, t_count(a)->tx_bytes, 8));
	cr_assert(eq(u64, t_count(a)->rx_bytes, 6));
	cr_assert(eq(u32, t_count(b)->rx_datagrams, 1));
	cr_assert(eq(u32, t_count(b)->tx_datagrams, 1));
	cr_assert(zero(u32, t_count(a)->port_mismatch));
	cr_assert(zero(u32, t_count(b)->port_mismatch));
}

/* As a NAT would do it. */
Test(cop_proto, a_source_port_that_differs_is_counted_and_delivered)
{
	int udp = t_udp(), fd = t_open_bound();
	struct sockaddr_in from;
	struct cophdr hdr;
	char buf[8];

	cop_hdr_build(&hdr, htons(t_port(udp) ^ 1), htons(t_port(fd)), 0, 0);
	t_udp_send(udp, t_port(fd), &hdr, sizeof(hdr));
	cr_assert(zero(int, t_recvfrom(fd, buf, 8, 0, &from)));
	cr_assert(eq(uint, ntohs(from.sin_port), t_port(udp)));
	cr_assert(eq(u32, t_count(fd)->port_mismatch, 1));
}

static ssize_t by_recv(int fd, void *buf, size_t len, int flags)
{
	return t_recv(fd, buf, len, flags);
}

static ssize_t by_recvfrom(int fd, void *buf, size_t len, int flags)
{
	struct sockaddr_in from;

	return t_recvfrom(fd, buf, len, flags, &from);
}

static ssize_t by_recvmsg(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov[2] = { { buf, 1 }, { (char *)buf + 1, len - 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return t_recvmsg(fd, &msg, flags);
}

static ssize_t by_1024_iovecs(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov[1024] = { { NULL, 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1024 };

	iov[1000] = (struct iovec){ buf, len };
	return t_recvmsg(fd, &msg, flags);
}

static ssize_t by_recvmmsg(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = { buf, len };
	struct mmsghdr vec = { .msg_hdr = { .msg_iov = &iov,
					    .msg_iovlen = 1 } };
	int n = t_recvmmsg(fd, &vec, 1, flags, NULL);

	return n < 0 ? n : (ssize_t)vec.msg_len;
}

static ssize_t by_large_recv(int fd, void *buf, size_t len, int flags)
{
	static char large[9000];
	ssize_t n = t_recv(fd, large, sizeof(large), flags);

	if (n > 0)
		memcpy(buf, large, len);
	return n;
}

static ssize_t by_empty_recv(int fd, void *buf, size_t len, int flags)
{
	(void)len;
	return t_recv(fd, buf, 0, flags | MSG_TRUNC);
}

static const struct {
	const char *name;
	ssize_t (*call)(int fd, void *buf, size_t len, int flags);
} receiving[] = {
	{ "recv", by_recv },
	{ "recvfrom", by_recvfrom },
	{ "recvmsg", by_recvmsg },
	{ "recvmsg, 1024 iovecs", by_1024_iovecs },
	{ "recvmmsg", by_recvmmsg },
	{ "recv, large buffer", by_large_recv },
	{ "recv, no buffer", by_empty_recv },
};

Test(cop_proto, no_receiving_call_delivers_a_stray_and_each_is_counted)
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		for (int peek = 0; peek <= MSG_PEEK; peek += MSG_PEEK) {
			int udp = t_udp(), fd = t_open_bound();
			int flags = peek | MSG_DONTWAIT;
			char buf[64] = { 0 };

			t_udp_send_strays(udp, t_port(fd));
			cr_assert(eq(int, receiving[i].call(fd, buf, 64, flags),
				     -EAGAIN),
				  "%s", receiving[i].name);
			for (int j = 0; j < COP_STRAY_REASONS; j++)
				cr_assert(eq(u32, t_count(fd)->strays[j], 1),
					  "%s", receiving[i].name);
			cr_assert(zero(u32, t_count(fd)->rx_datagrams));
			t_close(fd);
			close(udp);
		}
}

Test(cop_proto, every_receiving_call_finds_the_datagram_behind_strays)
{
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		for (int peek = 0; peek <= MSG_PEEK; peek += MSG_PEEK) {
			int udp = t_udp(), fd = t_open_bound();
			char buf[64] = { 0 };

			t_udp_send_strays(udp, t_port(fd));
			t_udp_send_cop(udp, t_port(fd), 0, "payload", 7);
			cr_assert(eq(int, receiving[i].call(fd, buf, 64, peek),
				     7),
				  "%s", receiving[i].name);
			if (receiving[i].call != by_empty_recv)
				cr_assert(zero(int, memcmp(buf, "payload", 7)),
					  "%s", receiving[i].name);
			t_close(fd);
			close(udp);
		}
}

/* An empty UDP datagram is a stray as well, not the end of anything. */
Test(cop_proto, an_empty_udp_datagram_is_a_stray)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_udp_send(udp, t_port(fd), "", 0);
	cr_assert(eq(int, t_recv(fd, buf, 8, MSG_DONTWAIT), -EAGAIN));
	t_connect(fd, LOOPBACK, t_port(udp));
	cr_assert(eq(u32, t_count(fd)->strays[COP_STRAY_SHORT], 1));
}

Test(cop_proto, a_socket_shut_for_reading_returns_0)
{
	int udp = t_udp(), fd = t_open_bound();
	char buf[8];

	t_connect(fd, LOOPBACK, t_port(udp));
	cr_assert(zero(int, shutdown(fd, SHUT_RD)));
	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++)
		cr_assert(zero(int, receiving[i].call(fd, buf, 8, 0)), "%s",
			  receiving[i].name);
}

Test(cop_proto, names_and_lengths_come_back_as_udp_gives_them)
{
	static const socklen_t len[] = { 0, 2, 8, 16, 20, 128 };
	int sender = t_udp();

	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		int udp = t_udp(), fd = t_open_bound();
		unsigned char want[128] = { 0 }, got[128] = { 0 };
		struct msghdr msg = { .msg_name = want, .msg_namelen = len[i] };

		t_udp_send(sender, t_port(udp), "", 0);
		t_udp_send_cop(sender, t_port(fd), 0, "", 0);
		cr_assert(zero(int, recvmsg(udp, &msg, 0)));
		cr_assert(eq(int, msg.msg_namelen, sizeof(struct sockaddr_in)));
		msg = (struct msghdr){ .msg_name = got, .msg_namelen = len[i] };
		cr_assert(zero(int, t_recvmsg(fd, &msg, 0)));
		cr_assert(eq(int, msg.msg_namelen, sizeof(struct sockaddr_in)));
		cr_assert(zero(int, memcmp(got, want, sizeof(got))), "%d",
			  (int)len[i]);
		close(udp);
		t_close(fd);
	}
}

/* ---- a descriptor that is another socket now ------------------------------ */

Test(cop_proto, the_datagram_of_another_socket_is_handed_over_as_it_came)
{
	static const char text[] = "no COP header";

	for (size_t i = 0; i < ARRAY_SIZE(receiving); i++) {
		int udp = t_udp(), fd = t_open_bound(), other = t_udp();
		ssize_t n;
		char buf[64] = { 0 };

		if (receiving[i].call == by_recvmmsg)
			continue; /* it has a result for each message */
		cr_assert(eq(int, dup2(other, fd), fd));
		t_udp_send(udp, t_port(other), text, sizeof(text));
		n = receiving[i].call(fd, buf, 64, 0);
		cr_assert(eq(int, n & ~COP_RX_STALE, sizeof(text)), "%s",
			  receiving[i].name);
		cr_assert(ne(int, n &COP_RX_STALE, 0));
		if (receiving[i].call == by_recvmsg)
			cr_assert(eq(str, buf, (char *)text));
		cr_assert(zero(u32, t_count(fd)->strays[COP_STRAY_MAGIC]));
		t_close(fd);
	}
}

Test(cop_proto, a_descriptor_that_was_closed_is_ebadf)
{
	int fd = t_open_bound();
	char buf[8];

	close(fd);
	cr_assert(eq(int, t_recv(fd, buf, 8, 0), -EBADF));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), -EBADF));
	cr_assert(eq(int, t_connect(fd, LOOPBACK, 9), -EBADF));
	cr_assert(eq(int, t_set(fd, SOL_SOCKET, SO_REUSEADDR, 1), -EBADF));
	cr_assert(eq(int, t_get(fd, SOL_SOCKET, SO_TYPE), -EBADF));
}
