// SPDX-License-Identifier: MIT
/*
 * test_bind.c - port/bind.c and inet_bind: ports, and the errors of bind(). Where
 * UDP has the same rule, each answer is compared with the kernel's own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "port/bind.h"
#include "port/port_crowd.h"
#include "cop_port.h"
#include "unit/helpers.h"

TestSuite(cop_bind, .init = t_init, .timeout = 20);

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

/* ---- compared with the kernel --------------------------------------------- */

enum state { FRESH, BOUND, BOUND_TO_0, CONNECTED, STATES };
static const char *const state_name[] = { "fresh", "bound", "bound to 0",
					  "connected" };

static void enter(int fd, enum state state, uint16_t peer)
{
	if (state == BOUND)
		t_bind(fd, LOOPBACK, t_free_port());
	else if (state == BOUND_TO_0)
		t_bind(fd, "0.0.0.0", 0);
	else if (state == CONNECTED)
		t_connect(fd, LOOPBACK, peer);
}

static const sa_family_t family[] = { AF_INET, AF_UNSPEC, AF_INET6, AF_UNIX,
				      9999 };
static const char *const address[] = { "0.0.0.0",	  LOOPBACK,
				       "127.9.9.9",	  NOT_LOCAL,
				       "255.255.255.255", "224.0.0.1",
				       "127.255.255.255", "0.1.2.3" };
static const socklen_t length[] = { 0, 2, 15, 16, 17, 128, 129, -1 };

static int (*open_ours)(void) = t_open;

/* One bind by the kernel's UDP and one by ours; returns whether both agree. */
static bool same_answer(const struct sockaddr_in *addr, socklen_t len,
			enum state state, uint16_t peer)
{
	struct sockaddr_storage room = { 0 };
	int udp, cop, want, got;

	memcpy(&room, addr, sizeof(*addr));
	udp = udp_fd();
	enter(udp, state, peer);
	want = t_bind_addr(udp, &room, len);
	close(udp);
	cop = open_ours();
	enter(cop, state, peer);
	got = t_bind_addr(cop, &room, len);
	t_close(cop);
	if (got != want)
		fprintf(stderr,
			"%s, family %d, %s port %d, length %d: kernel %d, "
			"cop %d\n",
			state_name[state], addr->sin_family,
			inet_ntoa(addr->sin_addr), ntohs(addr->sin_port),
			(int)len, want, got);
	return got == want;
}

/* Every pair of faults and more: all of the above with all ports. */
static int differences(const uint16_t *port, size_t ports, uint16_t peer)
{
	int n = 0;

	for (int state = 0; state < STATES; state++)
		for (size_t f = 0; f < ARRAY_SIZE(family); f++)
			for (size_t a = 0; a < ARRAY_SIZE(address); a++)
				for (size_t p = 0; p < ports; p++) {
					struct sockaddr_in addr =
						t_addr(address[a], port[p]);

					addr.sin_family = family[f];
					n += !same_answer(&addr, sizeof(addr),
							  state, peer);
				}
	return n;
}

static int compare_ports(void)
{
	int holder = udp_fd();
	int peer = t_udp();
	const uint16_t privileged = 100 + getpid() % 800; /* no other test's */
	uint16_t port[4] = { 0, t_free_port(), 0, privileged };

	CHECK(!t_bind(holder, "0.0.0.0", 0));
	port[2] = t_port(holder);
	CHECK(!differences(port, ARRAY_SIZE(port), t_port(peer)));
	return 0;
}

static int compare_ports_unprivileged(void)
{
	return t_unprivileged() ? compare_ports() : T_SKIP;
}

Test(cop_bind, every_pair_of_faults_gets_the_kernels_error)
{
	T_CHILD(compare_ports);
}

Test(cop_bind, every_pair_of_faults_gets_the_kernels_error_unprivileged)
{
	T_CHILD(compare_ports_unprivileged);
}

Test(cop_bind, every_pair_of_faults_gets_the_kernels_error_on_adopted_udp)
{
	open_ours = t_open_adopted;
	T_CHILD(compare_ports);
	T_CHILD(compare_ports_unprivileged);
}

/* The same where what holds the port is a COP socket of this process. */
Test(cop_bind, a_port_of_our_own_gets_the_kernels_error)
{
	int holder = t_open();
	int peer = t_udp();
	uint16_t port;

	cr_assert(eq(int, t_bind(holder, "0.0.0.0", 0), 0));
	port = t_port(holder);
	cr_assert(eq(int, differences(&port, 1, t_port(peer)), 0));
}

Test(cop_bind, every_length_gets_the_kernels_error)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, t_free_port());
	int peer = t_udp();

	for (int state = 0; state < STATES; state++)
		for (size_t i = 0; i < ARRAY_SIZE(length); i++)
			cr_assert(same_answer(&addr, length[i], state,
					      t_port(peer)),
				  "length %d", (int)length[i]);
}

static const struct {
	const char *name;
	const char *ip;
	sa_family_t family;
	socklen_t len;
	int err;
} fault[] = {
	{ "short", LOOPBACK, AF_INET, 15, -EINVAL },
	{ "no length", LOOPBACK, AF_INET, 0, -EINVAL },
	{ "short, and of another family", LOOPBACK, AF_INET6, 15, -EINVAL },
	{ "another family", LOOPBACK, AF_INET6, 16, -EAFNOSUPPORT },
	{ "AF_UNSPEC to an address", LOOPBACK, AF_UNSPEC, 16, -EAFNOSUPPORT },
	{ "AF_UNSPEC to any", "0.0.0.0", AF_UNSPEC, 16, 0 },
	{ "not local", NOT_LOCAL, AF_INET, 16, -EADDRNOTAVAIL },
	{ "another family, not local", NOT_LOCAL, AF_INET6, 16, -EAFNOSUPPORT },
};

Test(cop_bind, each_fault_has_the_errno_of_inet_bind)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault); i++) {
		struct sockaddr_in addr = t_addr(fault[i].ip, t_free_port());
		int fd = t_open();

		addr.sin_family = fault[i].family;
		cr_assert(eq(int, t_bind_addr(fd, &addr, fault[i].len),
			     fault[i].err),
			  "%s", fault[i].name);
		t_close(fd);
	}
}

Test(cop_bind, a_pointer_that_can_not_be_one_is_efault)
{
	int fd = t_open();

	cr_assert(eq(int, t_bind_addr(fd, NULL, 16), -EFAULT));
	cr_assert(eq(int, t_bind_addr(fd, (void *)8, 16), -EFAULT));
}

Test(cop_bind, a_second_bind_is_einval_whatever_the_port)
{
	int fd = t_open_bound();
	uint16_t snum = t_port(fd);
	int holder = t_open_bound();

	cr_assert(eq(int, t_bind(fd, LOOPBACK, 0), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, t_free_port()), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, snum), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, t_port(holder)), -EINVAL));
	cr_assert(eq(int, t_bind(fd, "0.0.0.0", t_port(holder)), -EINVAL));
	cr_assert(eq(uint, t_port(fd), snum));
	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
}

static int privileged(void)
{
	if (!t_unprivileged())
		return T_SKIP;
	CHECK(t_bind(t_open(), LOOPBACK, 7) == -EACCES);
	CHECK(t_bind(t_open(), "0.0.0.0", 1023) == -EACCES);
	CHECK(t_bind(t_open(), "0.0.0.0", 1024) != -EACCES);
	CHECK(t_bind(t_open(), NOT_LOCAL, 7) == -EADDRNOTAVAIL);
	CHECK(t_bind(t_open_bound(), LOOPBACK, 7) == -EACCES);
	CHECK(!cop_port_taken(&cop_port_table, 7));
	return 0;
}

Test(cop_bind, a_privileged_port_is_eacces)
{
	T_CHILD(privileged);
}

static int freebind(void)
{
	int fd = t_open();

	CHECK(!t_set(fd, IPPROTO_IP, IP_FREEBIND, 1));
	CHECK(!t_bind(fd, NOT_LOCAL, t_free_port()));
	CHECK(inet_sk(t_sk(fd))->inet_saddr == inet_addr(NOT_LOCAL));
	return 0;
}

Test(cop_bind, a_non_local_address_may_be_bound_with_IP_FREEBIND)
{
	T_CHILD(freebind);
}

/* ---- COP's rule ----------------------------------------------------------- */

static const char *const holders[] = { "0.0.0.0", LOOPBACK, "127.0.0.2",
				       "224.0.0.1" };

/* Two addresses that UDP would let share a port; COP does not. */
static void assert_refused(const char *who, uint16_t snum)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		int fd = t_open();

		t_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		t_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
		cr_assert(eq(int, t_bind(fd, holders[i], snum), -EADDRINUSE),
			  "%s against %s", holders[i], who);
		cr_assert(zero(int, t_sk(fd)->sk_num));
		cr_assert(zero(int, t_port(fd)));
		t_close(fd);
	}
}

Test(cop_bind, a_port_of_this_process_is_refused_at_any_address)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		uint16_t snum = t_free_port();
		int fd = t_open();

		t_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		cr_assert(eq(int, t_bind(fd, holders[i], snum), 0), "%s",
			  holders[i]);
		assert_refused(holders[i], snum);
		t_close(fd);
	}
}

/* Another process that holds a port of the kernel's choice, or @snum. */
static pid_t hold_elsewhere(const char *ip, uint16_t *snum)
{
	int pipefd[2];
	pid_t pid;

	cr_assert(zero(int, pipe(pipefd)));
	pid = fork();
	if (!pid) {
		int fd = t_open();

		t_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		*snum = t_bind(fd, ip, *snum) ? 0 : t_port(fd);
		if (write(pipefd[1], snum, sizeof(*snum)) > 0)
			pause();
		_exit(1);
	}
	cr_assert(eq(int, read(pipefd[0], snum, sizeof(*snum)), sizeof(*snum)));
	close(pipefd[0]);
	close(pipefd[1]);
	cr_assert(ne(uint, *snum, 0));
	return pid;
}

static void let_go(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(cop_bind, a_port_of_another_process_is_refused_at_any_address)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		uint16_t snum = t_free_port();
		pid_t pid = hold_elsewhere(holders[i], &snum);

		assert_refused(holders[i], snum);
		let_go(pid);
	}
}

Test(cop_bind, a_killed_process_leaves_its_port_free)
{
	uint16_t snum = t_free_port();

	let_go(hold_elsewhere(LOOPBACK, &snum));
	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, snum)));
}

Test(cop_bind, a_refused_port_is_free_again_after_its_holders_close)
{
	int holder = t_open_bound();
	uint16_t snum = t_port(holder);

	assert_refused("holder", snum);
	t_close(holder);
	cr_assert(zero(int, t_bind(t_open(), "127.0.0.2", snum)));
}

/* ---- what a bind leaves behind -------------------------------------------- */

static int kernel_option(int fd, int optname)
{
	socklen_t len = sizeof(int);
	int value = -1;

	getsockopt(fd, SOL_SOCKET, optname, &value, &len);
	return value;
}

Test(cop_bind, an_explicit_bind_leaves_no_helper_and_no_SO_REUSEADDR)
{
	int fd = t_open();
	int before = dup(0), after;

	close(before);
	cr_assert(zero(int, t_bind(fd, LOOPBACK, t_free_port())));
	after = dup(0);
	cr_assert(eq(int, after, before));
	cr_assert(zero(int, kernel_option(fd, SO_REUSEADDR)));
}

static int no_descriptor_left(void)
{
	uint16_t snum = t_free_port();
	struct rlimit limit;
	int fd = t_open();

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = fd + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK(t_bind(fd, LOOPBACK, snum) == -ENOBUFS);
	CHECK(!cop_port_taken(&cop_port_table, snum));
	CHECK(!t_bind(fd, "0.0.0.0", snum));
	return 0;
}

Test(cop_bind, without_a_descriptor_for_the_helper_it_is_enobufs)
{
	T_CHILD(no_descriptor_left);
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

/* ---- a port that the kernel chose ----------------------------------------- */

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

Test(cop_bind, the_kernels_choice_is_recorded_when_its_name_is_asked_for)
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

Test(cop_bind, the_kernels_choice_is_recorded_before_it_is_sent_from)
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

Test(cop_bind, the_kernels_choice_is_refused_to_others_before_it_is_recorded)
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
Test(cop_bind, the_kernels_choice_at_one_address_is_nobodys_at_another)
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

Test(cop_bind, a_disconnect_undoes_the_kernels_choice_too)
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

Test(cop_bind, a_close_before_the_kernels_choice_is_recorded_leaves_nothing)
{
	int fd = open_unconfirmed();
	struct sock *sk = t_sk(fd);

	t_close(fd);
	cr_assert(zero(int, sk->sk_refcnt));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
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
		cr_assert(
			eq(u32, inet->inet_rcv_saddr, inet_addr(bound[i].ip)));
		cr_assert(eq(u32, inet->inet_saddr, inet_addr(bound[i].saddr)),
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
	cr_assert(zero(u32, inet_sk(sk)->inet_rcv_saddr));
	cr_assert(zero(u32, inet_sk(sk)->inet_saddr));
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

Test(cop_bind, a_disconnect_undoes_what_was_not_bound_explicitly)
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
		cr_assert(eq(u32, inet_sk(sk)->inet_rcv_saddr,
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

Test(cop_bind, after_a_disconnect_a_socket_can_be_bound_anew)
{
	uint16_t snum = t_free_port(), had;
	int fd = connect_and_undo(0, 0, &had);

	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	cr_assert(eq(uint, t_port(fd), snum));
}

/* ---- kernels before 6.3 --------------------------------------------------- */

static int old_bind(void)
{
	int fd;

	CHECK(t_old_kernel());
	fd = t_open();
	CHECK(!t_bind(fd, LOOPBACK, 0));
	CHECK(t_port(fd) && t_port(fd) == t_sk(fd)->sk_num);
	CHECK(cop_port_taken(&cop_port_table, t_port(fd)));
	CHECK(t_bind(t_open(), "0.0.0.0", t_port(fd)) == -EADDRINUSE);
	return 0;
}

static int old_autobind(void)
{
	int peer = t_udp(), fd;
	uint16_t had;

	CHECK(t_old_kernel());
	fd = t_open();
	CHECK(!t_connect(fd, LOOPBACK, t_port(peer)));
	had = t_port(fd);
	CHECK(had && had == t_sk(fd)->sk_num);
	CHECK(!t_disconnect(fd));
	CHECK(!t_port(fd) && !t_sk(fd)->sk_num);
	CHECK(cop_port_taken(&cop_port_table, had)); /* kept for it */
	CHECK(!t_connect(fd, LOOPBACK, t_port(peer)));
	CHECK(t_port(fd) == had);
	t_close(fd);
	CHECK(!cop_port_taken(&cop_port_table, had));
	return 0;
}

static int old_send(void)
{
	int peer = t_udp(), fd;
	struct sockaddr_in to = t_addr(LOOPBACK, t_port(peer));
	struct t_wire wire;

	CHECK(t_old_kernel());
	fd = t_open();
	CHECK(t_sendto(fd, "x", 1, 0, &to) == 1);
	t_wire_recv(peer, &wire);
	CHECK(wire.hdr.source == htons(t_port(fd)));
	return 0;
}

static int old_close(void)
{
	uint16_t had;
	int fd;

	CHECK(t_old_kernel());
	fd = t_open();
	CHECK(!t_bind(fd, LOOPBACK, 0));
	had = t_port(fd);
	t_close(fd);
	CHECK(!cop_port_taken(&cop_port_table, had));
	CHECK(!t_bind(t_open(), LOOPBACK, had));
	return 0;
}

Test(cop_bind, an_old_kernel_binds_to_port_0)
{
	T_CHILD(old_bind);
}

Test(cop_bind, an_old_kernel_keeps_an_autobound_port_for_its_socket)
{
	T_CHILD(old_autobind);
}

Test(cop_bind, an_old_kernel_autobinds_before_it_sends)
{
	T_CHILD(old_send);
}

Test(cop_bind, an_old_kernel_gives_the_port_back_at_close)
{
	T_CHILD(old_close);
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

Test(cop_bind, beside_other_processes_the_last_free_port_is_found)
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

Test(cop_bind, range_and_reserved_ports_are_honoured)
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

Test(cop_bind, a_port_other_than_the_one_meant_is_the_one_recorded)
{
	T_CHILD(range_moved);
}
