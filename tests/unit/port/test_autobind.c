// SPDX-License-Identifier: MIT
/*
 * test_autobind.c - port/autobind.c: a port for a socket that sends or connects
 * without one.
 */
#include <pthread.h>

#include "cop_port.h"
#include "lib/addr.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "port/autobind.h"
#include "port/port_crowd.h"
#include "port/range.h"
#include "unit/helpers.h"

/* The library shall choose the ports, however many sockets other tests have now. */
static void init(void)
{
	t_init();
	cop_port_refresh();
	cop_port_crowd_measure(0, 0, UINT16_MAX);
}

TestSuite(cop_autobind, .init = init, .timeout = 20);

static uint16_t armed_port(int fd)
{
	return cop_sk(t_sk(fd))->armed;
}

static uint16_t kernels_port(int fd)
{
	struct sockaddr_in addr = { 0 };
	socklen_t len = sizeof(addr);

	cop_libc.getsockname(fd, (struct sockaddr *)&addr, &len);
	return ntohs(addr.sin_port);
}

/* A connect of the kernel alone, which binds the kernel socket. */
static void kernel_connect(int fd)
{
	struct sockaddr_in peer = t_addr(LOOPBACK, 9);

	cr_assert(zero(int, cop_libc.connect(fd, (struct sockaddr *)&peer,
					     sizeof(peer))));
}

/* The call has ended with @err, and the kernel socket has the port @snum. */
static bool settle(int fd, uint16_t snum, int err)
{
	union cop_addr now = { .in = t_addr(LOOPBACK, snum) };

	return cop_autobind_settle(t_sk(fd), fd, &now, err);
}

static unsigned int held(void)
{
	return cop_port_held(&cop_port_table);
}

/* ---- before the call ----------------------------------------------------------- */

Test(cop_autobind, the_port_is_claimed_before_the_kernel_binds)
{
	int fd = t_open();

	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(ne(int, armed_port(fd), 0));
	cr_assert(cop_port_taken(&cop_port_table, armed_port(fd)));
	cr_assert(zero(int, kernels_port(fd)));
	cr_assert(zero(int, t_sk(fd)->sk_num));
}

/* As when a signal handler jumped out of the call in between. */
Test(cop_autobind, the_next_call_finds_the_claim_of_one_that_never_ended)
{
	int fd = t_open();
	uint16_t snum;

	cop_autobind_arm(t_sk(fd), fd);
	snum = armed_port(fd);
	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(eq(int, armed_port(fd), snum));
	cr_assert(eq(uint, held(), 1));
}

Test(cop_autobind, a_confined_process_arms_nothing)
{
	int fd = t_open();

	WRITE_ONCE(cop_is_confined, true);
	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(zero(int, armed_port(fd)));
	cr_assert(zero(uint, held()));
}

Test(cop_autobind, if_the_kernel_shall_choose_it_binds_at_once)
{
	int fd = t_open();

	cop_port_crowd_collision(1);
	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(zero(int, armed_port(fd)));
	cr_assert(ne(int, kernels_port(fd), 0));
	cr_assert(eq(int, t_sk(fd)->sk_num, kernels_port(fd)));
	cr_assert(eq(int, inet_sk(t_sk(fd))->inet_sport,
		     htons(kernels_port(fd))));
}

Test(cop_autobind, a_range_of_the_programs_own_is_left_to_the_kernel)
{
	uint16_t snum = t_free_port();
	int fd = t_open();

	if (t_set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, snum << 16 | snum))
		cr_skip_test("no IP_LOCAL_PORT_RANGE: %s", strerror(errno));
	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(eq(int, t_sk(fd)->sk_num, kernels_port(fd)));
}

static int bind_to_what_is_pinned(void)
{
	uint16_t had;
	int fd;

	t_old_kernel();
	fd = t_open();
	cop_autobind_arm(t_sk(fd), fd);
	had = kernels_port(fd);
	CHECK(had && cop_sk(t_sk(fd))->pinned == had);
	CHECK(t_sk(fd)->sk_num == had);
	CHECK(settle(fd, had, 0));
	CHECK(!t_disconnect(fd) && !t_sk(fd)->sk_num);
	cop_autobind_arm(t_sk(fd), fd);
	CHECK(t_sk(fd)->sk_num == had);
	CHECK(held() == 1);
	return 0;
}

Test(cop_autobind, an_old_kernel_binds_at_once_and_to_the_same_port_again)
{
	T_CHILD(bind_to_what_is_pinned);
}

/* ---- after the call ------------------------------------------------------------ */

Test(cop_autobind, the_kernel_takes_the_armed_port_and_the_sock_has_it)
{
	int fd = t_open();
	uint16_t snum;

	cop_autobind_arm(t_sk(fd), fd);
	snum = armed_port(fd);
	kernel_connect(fd);
	cr_assert(eq(int, kernels_port(fd), snum));
	cr_assert(settle(fd, snum, 0));
	cr_assert(eq(int, t_sk(fd)->sk_num, snum));
	cr_assert(eq(int, inet_sk(t_sk(fd))->inet_sport, htons(snum)));
	cr_assert(zero(int, armed_port(fd)));
	cr_assert(zero(int, t_sk(fd)->sk_userlocks), "a disconnect undoes it");
	cr_assert(eq(uint, held(), 1));
}

Test(cop_autobind, a_call_that_bound_nothing_gives_the_claim_back)
{
	int fd = t_open();

	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(not(settle(fd, 0, -ENETUNREACH)));
	cr_assert(zero(int, armed_port(fd)));
	cr_assert(zero(int, t_sk(fd)->sk_num));
	cr_assert(zero(uint, held()));
	cr_assert(not(sock_flag(t_sk(fd), SOCK_NARROWED)));
	cr_assert(not(cop_port_is_crowded()), "it was no collision");
}

Test(cop_autobind, a_port_of_another_process_is_a_collision)
{
	int fd = t_open();

	cop_autobind_arm(t_sk(fd), fd);
	cr_assert(not(settle(fd, 0, -EAGAIN)));
	cr_assert(zero(uint, held()));
	cr_assert(cop_port_is_crowded());
}

/* The kernel's buffer was full: the send failed, the bind did not. */
Test(cop_autobind, a_send_that_failed_after_the_bind_is_no_collision)
{
	int fd = t_open();

	cop_autobind_arm(t_sk(fd), fd);
	kernel_connect(fd);
	cr_assert(settle(fd, kernels_port(fd), -EAGAIN));
	cr_assert(eq(int, t_sk(fd)->sk_num, kernels_port(fd)));
	cr_assert(not(cop_port_is_crowded()));
}

Test(cop_autobind, another_port_of_the_kernels_choice_is_recorded)
{
	int fd = t_open();
	uint16_t armed, other;

	cop_autobind_arm(t_sk(fd), fd);
	armed = armed_port(fd);
	other = armed ^ 1;
	cr_assert(settle(fd, other, 0));
	cr_assert(eq(int, t_sk(fd)->sk_num, other));
	cr_assert(cop_port_taken(&cop_port_table, other));
	cr_assert(not(cop_port_taken(&cop_port_table, armed)));
}

Test(cop_autobind, nothing_was_armed_and_the_kernels_port_is_recorded)
{
	int fd = t_open();

	kernel_connect(fd);
	cr_assert(settle(fd, kernels_port(fd), 0));
	cr_assert(eq(int, t_sk(fd)->sk_num, kernels_port(fd)));
	cr_assert(eq(uint, held(), 1));
}

/* ---- threads -------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 300 };

static pthread_barrier_t together;
static int armed_fd;

static void *arm_each_round(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		cop_autobind_arm(t_sk(armed_fd), armed_fd);
		pthread_barrier_wait(&together);
	}
	return arg;
}

Test(cop_autobind, threads_that_send_first_at_once_claim_one_port)
{
	pthread_t thread[THREADS];

	armed_fd = t_open();
	pthread_barrier_init(&together, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, arm_each_round, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		pthread_barrier_wait(&together);
		cr_assert(eq(uint, held(), 1), "round %d", i);
		settle(armed_fd, 0, -EINTR);
		cr_assert(zero(uint, held()), "round %d", i);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}
