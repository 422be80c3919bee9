// SPDX-License-Identifier: MIT
/*
 * test_proto.c - datagram/proto.c: connect, disconnect, close.
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
	cr_assert(eq(u32, t_in(&inet->inet_daddr), inet_addr(LOOPBACK)));
	cr_assert(eq(int, inet->inet_daddr.port, htons(snum)));
	cr_assert(eq(u32, t_in(&inet->inet_saddr), inet_addr(LOOPBACK)));
	cr_assert(eq(u32, t_in(&inet->inet_rcv_saddr), inet_addr(LOOPBACK)));
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
	cr_assert(eq(u32, t_in(&inet_sk(t_sk(fd))->inet_daddr),
		     inet_addr("127.0.0.2")));
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
	cr_assert(zero(u32, t_in(&inet_sk(t_sk(fd))->inet_daddr)));
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
	cr_assert(zero(u32, t_in(&inet_sk(t_sk(fd))->inet_daddr)));
	cr_assert(zero(int, inet_sk(t_sk(fd))->inet_daddr.port));
	cr_assert(eq(int, t_sk(fd)->sk_state, COP_CLOSE));
	cr_assert(eq(int, t_send(fd, "x"), -EDESTADDRREQ));
}

Test(cop_proto, a_socket_that_never_connected_can_disconnect)
{
	cr_assert(zero(int, t_disconnect(t_open())));
	cr_assert(zero(int, t_disconnect(t_open_bound())));
}

Test(cop_proto, a_connection_begins_its_numbers_again)
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
