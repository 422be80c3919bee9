// SPDX-License-Identifier: MIT
/*
 * test_kernel_socket.c - lib/kernel_socket.c: what the kernel says of the socket
 * behind a descriptor.
 */
#include <unistd.h>

#include "lib/kernel_socket.h"
#include "socket/confine.h"
#include "unit/helpers.h"

TestSuite(cop_kernel_socket, .timeout = 20);

Test(cop_kernel_socket, duplicates_have_one_cookie_and_other_sockets_another)
{
	int fd = t_udp(), copy = dup(fd), other = t_udp();

	cr_assert(ne(u64, sock_kernel_cookie(fd), 0));
	cr_assert(eq(u64, sock_kernel_cookie(copy), sock_kernel_cookie(fd)));
	cr_assert(ne(u64, sock_kernel_cookie(other), sock_kernel_cookie(fd)));
}

Test(cop_kernel_socket, a_descriptor_without_a_socket_has_no_cookie)
{
	int pipes[2];

	cr_assert(zero(int, pipe(pipes)));
	cr_assert(zero(u64, sock_kernel_cookie(-1)));
	cr_assert(zero(u64, sock_kernel_cookie(pipes[0])));
}

Test(cop_kernel_socket, a_socket_of_ipv6_may_leave_ipv4_to_others)
{
	const int on = 1;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		cr_skip("no IPv6 here");
	cr_assert(zero(int, setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				       sizeof(on))));
	cr_assert(sock_is_v6only(fd, AF_INET6));
	cr_assert(not(sock_is_v6only(fd, AF_INET)), "the kernel is not asked");
	cr_assert(not(sock_is_v6only(t_udp(), AF_INET6)));
	cr_assert(not(sock_is_v6only(-1, AF_INET6)));
}

Test(cop_kernel_socket, only_a_socket_that_asks_for_it_tells_a_paths_mtu)
{
	const int on = 1;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		cr_skip("no IPv6 here");
	cr_assert(not(sock_tells_path_mtu(fd, AF_INET6)));
	cr_assert(zero(int, setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU, &on,
				       sizeof(on))));
	cr_assert(sock_tells_path_mtu(fd, AF_INET6));
	cr_assert(not(sock_tells_path_mtu(fd, AF_INET)));
	cop_confine_begin();
	cr_assert(not(sock_tells_path_mtu(fd, AF_INET6)));
}

/* ---- sock_probe() ----------------------------------------------------------- */

static const struct {
	const char *name;
	int family;
	int peer; /* the destination's family */
} corked[] = {
	{ "IPv4", AF_INET, AF_INET },
	{ "IPv6", AF_INET6, AF_INET6 },
	{ "IPv6 to IPv4", AF_INET6, AF_INET },
};

static int open_peer(int family, union cop_addr *addr)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*addr);

	*addr = cop_addr_loopback(family, 0);
	cr_assert(zero(int, bind(fd, &addr->sa, cop_addr_len(addr))));
	cr_assert(zero(int, getsockname(fd, &addr->sa, &len)));
	return fd;
}

static uint16_t port_of(int fd)
{
	union cop_addr addr;
	socklen_t len = sizeof(addr);

	cr_assert(zero(int, getsockname(fd, &addr.sa, &len)));
	return cop_addr_port(&addr);
}

static void send_part(int fd, const union cop_addr *to, int flags)
{
	cr_assert(eq(int, sendto(fd, "x", 1, flags, &to->sa, cop_addr_len(to)),
		     1));
}

Test(cop_kernel_socket, a_probe_binds_and_sends_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(corked); i++) {
		int fd = socket(corked[i].family, SOCK_DGRAM, 0), peer;
		union cop_addr to;
		uint16_t port;
		char c;

		peer = open_peer(corked[i].peer, &to);
		cr_assert(zero(uint, port_of(fd)));
		cr_assert(not(sock_probe(fd, corked[i].family)));
		port = port_of(fd);
		cr_assert(ne(uint, port, 0), "%s", corked[i].name);
		cr_assert(zero(int, connect(fd, &to.sa, cop_addr_len(&to))));
		cr_assert(not(sock_probe(fd, corked[i].family)));
		cr_assert(eq(uint, port_of(fd), port));
		cr_assert(eq(int, recv(peer, &c, 1, MSG_DONTWAIT), -1));
	}
}

Test(cop_kernel_socket, a_probe_finds_a_datagram_that_is_begun_and_adds_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(corked); i++) {
		int fd = socket(corked[i].family, SOCK_DGRAM, 0), peer;
		union cop_addr to;
		char text[8];

		peer = open_peer(corked[i].peer, &to);
		send_part(fd, &to, MSG_MORE);
		cr_assert(sock_probe(fd, corked[i].family), "%s",
			  corked[i].name);
		send_part(fd, &to, 0);
		cr_assert(not(sock_probe(fd, corked[i].family)));
		cr_assert(eq(int, recv(peer, text, sizeof(text), 0), 2), "%s",
			  corked[i].name);
	}
}

Test(cop_kernel_socket,
     a_probe_finds_a_datagram_of_ipv6_behind_a_connect_to_ipv4)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 far = { .sin6_family = AF_INET6, .sin6_port = 9 };
	union cop_addr to;

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &far.sin6_addr);
	open_peer(AF_INET6, &to);
	send_part(fd, &to, MSG_MORE);
	cr_assert(zero(int, connect(fd, (struct sockaddr *)&far, sizeof(far))));
	cr_assert(sock_probe(fd, AF_INET6));
	cr_assert(sock_probe(fd, AF_INET6));
}
