// SPDX-License-Identifier: MIT
/*
 * test_number.c - port/number.c: a bind to a port by its number. No other COP socket
 * has the port, at any address.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cop_port.h"
#include "lib/confine.h"
#include "port/bind.h"
#include "unit/helpers.h"

TestSuite(cop_number, .init = t_init, .timeout = 20);

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

Test(cop_number, a_port_of_this_process_is_refused_at_any_address)
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

Test(cop_number, a_port_of_another_process_is_refused_at_any_address)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		uint16_t snum = t_free_port();
		pid_t pid = hold_elsewhere(holders[i], &snum);

		assert_refused(holders[i], snum);
		let_go(pid);
	}
}

Test(cop_number, a_killed_process_leaves_its_port_free)
{
	uint16_t snum = t_free_port();

	let_go(hold_elsewhere(LOOPBACK, &snum));
	cr_assert(zero(int, t_bind(t_open(), LOOPBACK, snum)));
}

Test(cop_number, a_refused_port_is_free_again_after_its_holders_close)
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

Test(cop_number, an_explicit_bind_leaves_no_helper_and_no_SO_REUSEADDR)
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

Test(cop_number, without_a_descriptor_for_the_helper_it_is_enobufs)
{
	T_CHILD(no_descriptor_left);
}

/* ---- errors ------------------------------------------------------------------ */

static int udp_fd(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static unsigned int held(void)
{
	return cop_port_held(&cop_port_table);
}

static int refuse_privileged(void)
{
	int fd = t_open();

	if (!t_unprivileged())
		return T_SKIP;
	CHECK(t_bind(fd, LOOPBACK, 100) == -EACCES);
	CHECK(t_bind(fd, "0.0.0.0", 100) == -EACCES);
	CHECK(!t_sk(fd)->sk_num && !held());
	return 0;
}

Test(cop_number, a_privileged_port_is_eacces_and_nobodys)
{
	T_CHILD(refuse_privileged);
}

Test(cop_number, an_address_of_another_host_is_eaddrnotavail_and_claims_nothing)
{
	int fd = t_open();

	cr_assert(
		eq(int, t_bind(fd, NOT_LOCAL, t_free_port()), -EADDRNOTAVAIL));
	cr_assert(zero(int, t_sk(fd)->sk_num));
	cr_assert(zero(uint, held()));
}

Test(cop_number, a_second_bind_is_einval_and_keeps_the_port)
{
	int fd = t_open();
	uint16_t snum = t_free_port();

	cr_assert(zero(int, t_bind(fd, LOOPBACK, snum)));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, t_free_port()), -EINVAL));
	cr_assert(eq(int, t_bind(fd, LOOPBACK, snum), -EINVAL));
	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
	cr_assert(eq(uint, held(), 1));
}

/* A socket of the kernel's UDP has the port, so only the kernel knows of it. */
Test(cop_number, a_port_of_plain_udp_is_refused_and_claims_nothing)
{
	static const char *const ip[] = { "0.0.0.0", LOOPBACK, "127.0.0.2" };
	uint16_t snum = t_port(t_udp());

	for (size_t i = 0; i < ARRAY_SIZE(ip); i++) {
		cr_assert(eq(int, t_bind(t_open(), ip[i], snum), -EADDRINUSE),
			  "%s", ip[i]);
		cr_assert(zero(uint, held()), "%s", ip[i]);
	}
}

/* The address of an earlier bind outlives a disconnect, but not this. */
Test(cop_number, a_bind_to_a_taken_port_takes_the_address_as_in_udp)
{
	uint16_t snum = t_port(t_udp()), peer = t_port(t_udp());
	int fd[2] = { udp_fd(), t_open() };

	for (int i = 0; i < 2; i++) {
		cr_assert(zero(int, t_bind(fd[i], LOOPBACK, 0)));
		cr_assert(zero(int, t_connect(fd[i], LOOPBACK, peer)));
		cr_assert(zero(int, t_disconnect(fd[i])));
		cr_assert(eq(u32, t_name(fd[i]).sin_addr.s_addr,
			     htonl(INADDR_LOOPBACK)));
		cr_assert(eq(int, t_bind(fd[i], "0.0.0.0", snum), -EADDRINUSE));
		cr_assert(zero(u32, t_name(fd[i]).sin_addr.s_addr), "fd %d", i);
	}
}

static int confined_needs_no_helper(void)
{
	uint16_t snum = t_free_port();
	struct rlimit limit;
	int fd = t_open();

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = fd + 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	WRITE_ONCE(cop_is_confined, true);
	CHECK(!t_bind(fd, LOOPBACK, snum));
	CHECK(t_sk(fd)->sk_num == snum);
	return 0;
}

Test(cop_number, a_confined_process_binds_without_a_helper)
{
	T_CHILD(confined_needs_no_helper);
}
