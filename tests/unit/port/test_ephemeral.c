// SPDX-License-Identifier: MIT
/*
 * test_ephemeral.c - port/ephemeral.c: a bind to port 0 for which the kernel chooses
 * the port.
 */
#include <fcntl.h>
#include <stdio.h>

#include "port/bind.h"
#include "port/port_crowd.h"
#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_ephemeral, .init = t_init, .timeout = 20);

static int udp_fd(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int set_sysctl(const char *name, const char *value)
{
	char path[128];
	int fd, n;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_WRONLY);
	n = write(fd, value, strlen(value));
	close(fd);
	return n == (int)strlen(value) ? 0 : -1;
}

/* Bound to a port of the kernel's choice, which nobody has asked for yet. */
static int open_unconfirmed(void)
{
	int fd = t_open();

	cop_port_crowd_collision(1);
	cr_assert(zero(int, t_bind(fd, "0.0.0.0", 0)));
	cr_assert(sock_flag(t_sk(fd), SOCK_UNCONFIRMED));
	cr_assert(zero(int, t_sk(fd)->sk_num));
	return fd;
}

static uint16_t kernels_port(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	getsockname(fd, (struct sockaddr *)&addr, &len);
	return ntohs(addr.sin_port);
}

Test(cop_ephemeral, the_kernels_choice_is_recorded_when_its_name_is_asked_for)
{
	int fd = open_unconfirmed();
	uint16_t snum = t_port(fd);

	cr_assert(eq(uint, snum, kernels_port(fd)));
	cr_assert(eq(uint, t_sk(fd)->sk_num, snum));
	cr_assert(eq(int, t_sk(fd)->sk_refcnt, 2));
	cr_assert(cop_port_taken(&cop_port_table, snum));
	t_close(fd);
	cr_assert(not(cop_port_taken(&cop_port_table, snum)));
}

Test(cop_ephemeral, the_kernels_choice_is_recorded_before_it_is_sent_from)
{
	int udp = t_udp();
	int fd = open_unconfirmed();
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(udp));
	struct t_wire wire;

	cr_assert(eq(int, t_sendto(fd, "x", 1, 0, &to), 1));
	t_wire_recv(udp, &wire);
	cr_assert(eq(uint, wire.hdr.source, htons(kernels_port(fd))));
	cr_assert(eq(uint, t_sk(fd)->sk_num, kernels_port(fd)));
}

Test(cop_ephemeral,
     the_kernels_choice_is_refused_to_others_before_it_is_recorded)
{
	int fd = open_unconfirmed();
	uint16_t snum = kernels_port(fd);

	cr_assert(eq(int, t_bind(t_open(), "127.0.0.2", snum), -EADDRINUSE));
	cr_assert(eq(int, t_bind(t_open(), "0.0.0.0", snum), -EADDRINUSE));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, t_free_port()), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, snum), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), -EINVAL));
	cr_assert(eq(uint, t_port(fd), snum));
}

/* The kernel alone would let two addresses share a port. */
Test(cop_ephemeral, the_kernels_choice_at_one_address_is_nobodys_at_another)
{
	int fd = t_open();

	cop_port_crowd_collision(1);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)));
	cr_assert(eq(uint, t_sk(fd)->sk_num, kernels_port(fd)));
	cr_assert(cop_port_taken(&cop_port_table, t_port(fd)));
	cr_assert(eq(int, t_bind(t_open(), "127.0.0.2", t_port(fd)),
		     -EADDRINUSE));
	t_close(fd);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_ephemeral, a_disconnect_undoes_the_kernels_choice_too)
{
	int peer = t_udp();
	int fd = open_unconfirmed();

	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(peer))));
	cr_assert(eq(uint, t_sk(fd)->sk_num, kernels_port(fd)));
	cr_assert(zero(int, t_disconnect(fd)));
	cr_assert(zero(uint, t_port(fd)));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
	cr_assert(eq(int, t_sk(fd)->sk_refcnt, 1));
}

Test(cop_ephemeral,
     a_close_before_the_kernels_choice_is_recorded_leaves_nothing)
{
	int fd = open_unconfirmed();
	struct sock *sk = t_sk(fd);

	t_close(fd);
	cr_assert(zero(int, sk->sk_refcnt));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

/* ---- a network of its own ------------------------------------------------- */

/* Ports 40000 to 40009, of which the kernel's UDP sockets hold all but one. */
static int nearly_full(void)
{
	if (!t_own_network() ||
	    set_sysctl("ip_local_port_range", "40000 40009"))
		return T_SKIP;
	for (uint16_t snum = 40000; snum < 40009; snum++)
		CHECK(!t_bind(udp_fd(), "0.0.0.0", snum));
	return 0;
}

static int last_port(void)
{
	int skip = nearly_full();
	int fd;

	if (skip)
		return skip;
	fd = t_open();
	CHECK(!t_bind(fd, LOOPBACK, 0));
	CHECK(t_port(fd) == 40009 && t_sk(fd)->sk_num == 40009);
	CHECK(t_bind(t_open(), LOOPBACK, 0) == -EADDRINUSE);
	CHECK(t_connect(t_open(), LOOPBACK, 5) == -EAGAIN);
	CHECK(t_bind(udp_fd(), LOOPBACK, 0) == -EADDRINUSE);
	CHECK(t_connect(udp_fd(), LOOPBACK, 5) == -EAGAIN);
	CHECK(t_send(t_open(), "x") == -EAGAIN);
	t_close(fd);
	CHECK(!t_connect(t_open(), LOOPBACK, 5));
	return 0;
}

Test(cop_ephemeral, beside_other_processes_the_last_free_port_is_found)
{
	T_CHILD(last_port);
}

static int full_of_our_own(void)
{
	if (!t_own_network() ||
	    set_sysctl("ip_local_port_range", "40000 40009") ||
	    set_sysctl("ip_local_reserved_ports", "40003,40005-40006"))
		return T_SKIP;
	for (int i = 0; i < 7; i++) {
		int fd = t_open();

		CHECK(!t_bind(fd, "0.0.0.0", 0));
		CHECK(t_port(fd) >= 40000 && t_port(fd) <= 40009);
		CHECK(t_port(fd) != 40003);
		CHECK(t_port(fd) != 40005 && t_port(fd) != 40006);
	}
	CHECK(t_bind(t_open(), "0.0.0.0", 0) == -EADDRINUSE);
	CHECK(!t_bind(t_open(), "0.0.0.0", 40003));
	return 0;
}

Test(cop_ephemeral, range_and_reserved_ports_are_honoured)
{
	T_CHILD(full_of_our_own);
}

/* The range is read at most once in a second, so the second bind uses the old
 * one, which the kernel silently ignores. */
static int range_moved(void)
{
	int fd[2];

	if (!t_own_network() ||
	    set_sysctl("ip_local_port_range", "20000 20099"))
		return T_SKIP;
	fd[0] = t_open();
	CHECK(!t_bind(fd[0], LOOPBACK, 0));
	CHECK(!set_sysctl("ip_local_port_range", "30000 30099"));
	fd[1] = t_open();
	CHECK(!t_bind(fd[1], LOOPBACK, 0));
	for (int i = 0; i < 2; i++) {
		CHECK(t_port(fd[i]) == kernels_port(fd[i]));
		CHECK(t_sk(fd[i])->sk_num == kernels_port(fd[i]));
		CHECK(cop_port_taken(&cop_port_table, t_port(fd[i])));
	}
	CHECK(t_port(fd[1]) >= 30000);
	CHECK(cop_port_held(&cop_port_table) == 2);
	return 0;
}

Test(cop_ephemeral, a_port_other_than_the_one_meant_is_the_one_recorded)
{
	T_CHILD(range_moved);
}
