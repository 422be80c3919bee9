// SPDX-License-Identifier: MIT
/*
 * test_flow.c - flow/flow.c: the flows of a socket begin and end with it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "unit/flow/flows.h"

TestSuite(cop_flow, .init = t_flow_init, .timeout = 60);

Test(cop_flow, after_destroy_all_flows_begin_again)
{
	for (uint32_t i = 0; i < 100; i++)
		t_next(i, 1);
	cop_flow_destroy(&t_flows);
	cr_assert(eq(ptr, t_flows.head, NULL));
	for (uint32_t i = 0; i < 100; i++)
		cr_assert(zero(u64, t_next(i, 1)));
}

Test(cop_flow, destroying_none_is_harmless)
{
	cop_flow_destroy(&t_flows);
	cop_flow_destroy(&t_flows);
	cr_assert(zero(u64, t_next(1, 1)));
}

Test(cop_flow, sockets_do_not_share_flows)
{
	struct cop_flows other = { 0 };
	struct cop_peer k = t_peer_of(1, 1);

	cop_flow_init(&other);
	t_next(1, 1);
	cr_assert(zero(u64, cop_flow_next(&other, &k, 1, 1)));
}

enum { THREADS = 8 };

static atomic_bool enough;

static void *send_on(void *arg)
{
	for (uint32_t i = 0; !enough; i++)
		t_next(i % 300, 1);
	return arg;
}

static void *receive_on(void *arg)
{
	for (uint32_t i = 0; !enough; i++)
		t_arrive(i % 300, i / 300);
	return arg;
}

/* As when a socket is closed while others use it, and its memory used again. */
static void begin_during(void *(*work)(void *))
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, work, NULL);
	for (int i = 0; i < 100000; i++) {
		if (i % 8 == 0)
			cop_flow_destroy(&t_flows);
		cop_flow_init(&t_flows);
	}
	enough = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cop_flow_init(&t_flows);
}

Test(cop_flow, a_new_owner_may_begin_during_sends_of_the_last_owner)
{
	begin_during(send_on);
	for (uint32_t i = 0; i < 300; i++)
		cr_assert(zero(u64, t_next(i, 1)));
}

/* ThreadSanitizer sees whether both change the same memory without a lock. */
Test(cop_flow, a_new_owner_may_begin_during_arrivals_of_the_last_owner)
{
	begin_during(receive_on);
	for (uint32_t i = 0; i < 300; i++) {
		t_arrive(i, 7);
		cr_assert(eq(u64, t_known(i, 1).rx.datagrams, 1));
	}
}

static volatile sig_atomic_t handled;

static void close_and_open(int sig)
{
	(void)sig;
	cop_flow_destroy(&t_flows);
	cop_flow_init(&t_flows);
	t_next(handled++ % 2, 1);
}

Test(cop_flow, a_signal_handler_may_close_and_open_during_a_send)
{
	struct itimerval every = { { 0, 20 }, { 0, 20 } };
	struct itimerval never = { 0 };

	signal(SIGALRM, close_and_open);
	setitimer(ITIMER_REAL, &every, NULL);
	for (uint32_t i = 0; handled < 10000; i++)
		t_next(i % 300, 1);
	setitimer(ITIMER_REAL, &never, NULL);
	cop_flow_init(&t_flows);
	for (uint32_t i = 0; i < 300; i++)
		cr_assert(zero(u64, t_next(i, 1)));
	cr_assert(zero(int, t_flows.lock));
}
