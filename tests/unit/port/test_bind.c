// SPDX-License-Identifier: MIT
/*
 * test_bind.c - port/bind.c: what bind() records in a sock, and what a disconnect
 * undoes. Where UDP has the same rule, each answer is compared with the kernel's own.
 */
#include "port/bind.h"
#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_bind, .init = t_init, .timeout = 20);

static int udp_fd(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

Test(cop_bind, an_ephemeral_bind_claims_the_port_that_the_kernel_has)
{
	static const char *const ip[] = { "0.0.0.0", LOOPBACK, "127.0.0.2" };

	for (size_t i = 0; i < ARRAY_SIZE(ip); i++) {
		int fd = t_open();
		uint16_t snum;

		cr_assert(zero(int, t_bind(fd, ip[i], 0)));
		snum = t_port(fd);
		cr_assert(ne(uint, snum, 0));
		cr_assert(eq(uint, t_sk(fd)->sk_num, snum));
		cr_assert(eq(uint, inet_sk(t_sk(fd))->inet_sport, htons(snum)));
		cr_assert(cop_port_taken(&cop_port_table, snum));
	}
}

/* ---- locks and addresses -------------------------------------------------- */

static const struct {
	const char *ip;
	bool port;
	uint8_t locks;
	const char *saddr;
} bound[] = {
	{ "0.0.0.0", false, 0, "0.0.0.0" },
	{ "0.0.0.0", true, SOCK_BINDPORT_LOCK, "0.0.0.0" },
	{ LOOPBACK, false, SOCK_BINDADDR_LOCK, LOOPBACK },
	{ LOOPBACK, true, SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK, LOOPBACK },
	{ "127.0.0.2", false, SOCK_BINDADDR_LOCK, "127.0.0.2" },
	{ "224.0.0.1", false, SOCK_BINDADDR_LOCK, "0.0.0.0" },
	{ "224.0.0.1", true, SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK,
	  "0.0.0.0" },
	{ "127.255.255.255", true, SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK,
	  "0.0.0.0" },
	{ "255.255.255.255", true, SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK,
	  "0.0.0.0" },
};

Test(cop_bind, userlocks_and_addresses_are_set_as_inet_bind_sets_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(bound); i++) {
		int fd = t_open();
		struct inet_sock *inet = inet_sk(t_sk(fd));
		uint16_t snum = bound[i].port ? t_free_port() : 0;

		cr_assert(zero(int, t_bind(fd, bound[i].ip, snum)), "%s",
			  bound[i].ip);
		cr_assert(eq(int, t_sk(fd)->sk_userlocks, bound[i].locks), "%s",
			  bound[i].ip);
		cr_assert(eq(u32, t_in(&inet->inet_rcv_saddr),
			     inet_addr(bound[i].ip)));
		cr_assert(eq(u32, t_in(&inet->inet_saddr),
			     inet_addr(bound[i].saddr)),
			  "%s", bound[i].ip);
		cr_assert(eq(u32, t_name(fd).sin_addr.s_addr,
			     inet_addr(bound[i].ip)));
	}
}

Test(cop_bind, a_bind_that_failed_changes_nothing)
{
	int holder = t_open_bound();
	int fd = t_open();
	struct sock *sk = t_sk(fd);

	t_bind(fd, "127.0.0.2", t_port(holder));
	t_bind(fd, NOT_LOCAL, t_free_port());
	cr_assert(zero(int, sk->sk_userlocks));
	cr_assert(zero(int, sk->sk_num));
	cr_assert(zero(u32, t_in(&inet_sk(sk)->inet_rcv_saddr)));
	cr_assert(zero(u32, t_in(&inet_sk(sk)->inet_saddr)));
	cr_assert(eq(int, sk->sk_refcnt, 1));
	cr_assert(zero(int, t_bind(fd, LOOPBACK, 0)), "and can be done again");
}

/* ---- what a disconnect undoes --------------------------------------------- */

static const struct {
	const char *name;
	const char *ip; /* NULL: no bind, connect autobinds */
	bool port;
	bool keeps_addr;
} undo[] = {
	{ "autobind", NULL, false, false },
	{ "bind to 0.0.0.0:0", "0.0.0.0", false, false },
	{ "bind to an address and port 0", LOOPBACK, false, true },
	{ "bind to a port", "0.0.0.0", true, false },
	{ "bind to an address and a port", LOOPBACK, true, true },
};

/* Bind and connect as undo[@i] says, then disconnect. */
static int connect_and_undo(size_t i, uint16_t snum, uint16_t *had)
{
	int peer = t_udp();
	int fd = t_open();

	if (undo[i].ip && t_bind(fd, undo[i].ip, undo[i].port ? snum : 0))
		return -1;
	if (t_connect(fd, LOOPBACK, t_port(peer)))
		return -1;
	*had = t_port(fd);
	close(peer);
	return t_disconnect(fd) ? -1 : fd;
}

Test(cop_bind, a_disconnect_keeps_only_what_a_bind_has_fixed)
{
	for (size_t i = 0; i < ARRAY_SIZE(undo); i++) {
		uint16_t snum = t_free_port(), had;
		int fd = connect_and_undo(i, snum, &had);
		struct sock *sk = t_sk(fd);
		uint16_t want = undo[i].port ? snum : 0;

		cr_assert(eq(uint, t_port(fd), want), "%s", undo[i].name);
		cr_assert(eq(uint, sk->sk_num, want), "%s", undo[i].name);
		cr_assert(eq(int, sk->sk_refcnt, want ? 2 : 1));
		cr_assert(eq(int, cop_port_taken(&cop_port_table, had),
			     want != 0),
			  "%s", undo[i].name);
		cr_assert(eq(u32, t_in(&inet_sk(sk)->inet_rcv_saddr),
			     undo[i].keeps_addr ? inet_addr(LOOPBACK) : 0),
			  "%s", undo[i].name);
	}
}

/* What getsockname says then is what the kernel's UDP says. */
Test(cop_bind, a_disconnect_leaves_the_name_that_udp_would_have)
{
	for (size_t i = 0; i < ARRAY_SIZE(undo); i++) {
		int peer = t_udp();
		int fd[2] = { udp_fd(), t_open() };
		struct sockaddr_in name[2];

		for (int k = 0; k < 2; k++) {
			uint16_t snum = undo[i].port ? t_free_port() : 0;

			if (undo[i].ip)
				t_bind(fd[k], undo[i].ip, snum);
			t_connect(fd[k], LOOPBACK, t_port(peer));
			t_disconnect(fd[k]);
			name[k] = t_name(fd[k]);
		}
		cr_assert(eq(u32, name[1].sin_addr.s_addr,
			     name[0].sin_addr.s_addr),
			  "%s", undo[i].name);
		cr_assert(eq(int, !name[1].sin_port, !name[0].sin_port), "%s",
			  undo[i].name);
	}
}

Test(cop_bind, after_a_disconnect_the_port_can_be_bound_by_another)
{
	uint16_t had;
	int fd = connect_and_undo(0, 0, &had);

	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, had)));
	cr_assert(zero(int, t_connect(fd, LOOPBACK, t_port(t_udp()))));
	cr_assert(ne(uint, t_port(fd), had));
}

Test(cop_bind, after_a_disconnect_a_socket_can_be_bound_again)
{
	uint16_t snum = t_free_port(), had;
	int fd = connect_and_undo(0, 0, &had);

	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	cr_assert(eq(uint, t_port(fd), snum));
}
