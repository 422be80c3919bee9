// SPDX-License-Identifier: MIT
/*
 * test_naming.c - datagram/naming.c: calls that change a socket's port, address or
 * peer, one at a time and several at once.
 */
#include "cop_port.h"
#include "cop_table.h"
#include "datagram/naming.h"
#include "datagram/proto.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "port/bind.h"
#include "unit/helpers.h"
#include "wire/owner.h"

TestSuite(cop_naming, .init = t_init, .timeout = 20);

static int named;

/* The child does not have the thread that began the call. */
static int is_not_named_here(void)
{
	int pipes[2];

	CHECK(!pipe(pipes));
	CHECK(!cop_may_own(t_sk(named), pipes[0]));
	CHECK(cop_may_own(t_sk(named), named));
	cop_naming_begin(t_sk(named), -1);
	CHECK(cop_may_own(t_sk(named), pipes[0]));
	cop_naming_end(t_sk(named), -1);
	CHECK(!cop_may_own(t_sk(named), pipes[0]));
	cop_naming_end(t_sk(named), -1);
	CHECK(cop_process()->naming == 0);
	return 0;
}

Test(cop_naming, a_naming_in_progress_at_a_fork_has_ended_in_the_child)
{
	int pipes[2];

	named = t_open_bound();
	cr_assert(zero(int, pipe(pipes)));
	cr_assert(not(cop_may_own(t_sk(named), pipes[0])));
	cop_naming_begin(t_sk(named), named);
	cr_assert(cop_may_own(t_sk(named), pipes[0]));
	T_CHILD(is_not_named_here);
	cop_naming_end(t_sk(named), named);
	cr_assert(not(cop_may_own(t_sk(named), pipes[0])));
}

/* No descriptor leads to the sock here, so nobody finds out about its cookie. */
Test(cop_naming, however_many_threads_may_name_a_socket_at_once)
{
	int fd = t_open_bound();

	for (int i = 0; i < 1000; i++) {
		cop_naming_begin(t_sk(fd), -1);
		cr_assert(cop_may_own(t_sk(fd), -1), "%d threads", i + 1);
	}
	for (int i = 0; i < 1000; i++) {
		cr_assert(cop_may_own(t_sk(fd), -1), "%d threads", 1000 - i);
		cop_naming_end(t_sk(fd), -1);
	}
	cr_assert(not(cop_may_own(t_sk(fd), -1)));
}

/* ---- calls that cross ------------------------------------------------------ */

static uint64_t cookie_of(int fd)
{
	return t_sk(fd)->sk_socket->cookie;
}

Test(cop_naming, one_call_after_the_other_asks_for_no_cookie)
{
	int fd = t_open_bound();

	for (int i = 0; i < 2; i++) {
		cop_naming_begin(t_sk(fd), fd);
		cop_naming_end(t_sk(fd), fd);
	}
	cr_assert(zero(u64, cookie_of(fd)));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_CROSSED)));
}

Test(cop_naming, the_second_of_two_calls_at_once_records_the_cookie_first)
{
	int fd = t_open_bound();

	cop_naming_begin(t_sk(fd), fd);
	cr_assert(zero(u64, cookie_of(fd)));
	cop_naming_begin(t_sk(fd), fd);
	cr_assert(eq(u64, cookie_of(fd), sock_kernel_cookie(fd)));
	cr_assert(ne(u64, cookie_of(fd), 0));
	cop_naming_end(t_sk(fd), fd);
	cop_naming_end(t_sk(fd), fd);
	cr_assert(not(sock_flag(t_sk(fd), SOCK_CROSSED)));
}

Test(cop_naming, a_call_beside_a_send_that_binds_records_the_cookie)
{
	int fd = t_open();

	cr_assert(zero(int, cop_autobind(t_sk(fd), fd)));
	cr_assert(zero(u64, cookie_of(fd)));
	cop_naming_begin(t_sk(fd), fd);
	cr_assert(ne(u64, cookie_of(fd), 0));
	cop_naming_end(t_sk(fd), fd);
}

/* Two calls that cross; the kernel socket changes without the sock. */
static void cross(int fd, void (*change)(int fd))
{
	cop_naming_begin(t_sk(fd), fd);
	cop_naming_begin(t_sk(fd), fd);
	change(fd);
	cop_naming_end(t_sk(fd), fd);
	cop_naming_end(t_sk(fd), fd);
}

static void kernel_binds(int fd)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, 0);

	cr_assert(zero(int, bind(fd, (struct sockaddr *)&addr, sizeof(addr))));
}

static void kernel_connects(int fd)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, 9);

	cr_assert(
		zero(int, connect(fd, (struct sockaddr *)&addr, sizeof(addr))));
}

static void kernel_disconnects(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	cr_assert(zero(int, connect(fd, &none, sizeof(none))));
}

static uint16_t kernels_port(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	cr_assert(zero(int, getsockname(fd, (struct sockaddr *)&addr, &len)));
	return ntohs(addr.sin_port);
}

static void expect_port(int fd, uint16_t port)
{
	cr_expect(eq(u16, kernels_port(fd), port));
	cr_expect(eq(u16, t_sk(fd)->sk_num, port));
	cr_expect(eq(u16, inet_sk(t_sk(fd))->inet_sport, htons(port)));
	cr_expect(eq(u32, cop_port_held(&cop_port_table), !!port));
}

Test(cop_naming, calls_that_cross_leave_the_kernels_port)
{
	int fd = t_open();

	cross(fd, kernel_binds);
	cr_assert(ne(u16, kernels_port(fd), 0));
	expect_port(fd, kernels_port(fd));
	cross(fd, kernel_disconnects);
	expect_port(fd, 0);
	cross(fd, kernel_connects);
	expect_port(fd, kernels_port(fd));
}

Test(cop_naming, calls_that_cross_leave_the_kernels_peer)
{
	int fd = t_open_bound();
	struct sock *sk = t_sk(fd);

	cross(fd, kernel_connects);
	cr_expect(eq(int, sk->sk_state, COP_ESTABLISHED));
	cr_expect(eq(u16, cop_slot_endpoint(&sk->sk_daddr).port, htons(9)));
	cross(fd, kernel_disconnects);
	cr_expect(eq(int, sk->sk_state, COP_CLOSE));
	cr_expect(eq(u16, cop_slot_endpoint(&sk->sk_daddr).port, 0));
}

/* The descriptor is another socket's by now: what it is called is of no interest. */
Test(cop_naming, calls_that_cross_take_no_names_of_another_socket)
{
	int fd = t_open_bound(), udp = socket(AF_INET, SOCK_DGRAM, 0);
	uint16_t port = t_sk(fd)->sk_num;

	kernel_binds(udp);
	cop_naming_begin(t_sk(fd), fd);
	cop_naming_begin(t_sk(fd), fd);
	cr_assert(eq(int, dup2(udp, fd), fd));
	cop_naming_end(t_sk(fd), fd);
	cop_naming_end(t_sk(fd), fd);
	cr_expect(eq(u16, t_sk(fd)->sk_num, port));
}

static void nothing(int fd)
{
	(void)fd;
}

Test(cop_naming, in_a_confined_process_calls_that_cross_ask_nothing)
{
	int fd = t_open_bound();

	WRITE_ONCE(cop_is_confined, true);
	cross(fd, nothing);
	cr_assert(zero(u64, cookie_of(fd)));
}
