// SPDX-License-Identifier: MIT
/*
 * test_stale.c - socket/stale.c: claims without a sock, which only seem to hold a port.
 */
#include <pthread.h>
#include <sys/single_threaded.h>

#include "cop_port.h"
#include "lib/process.h"
#include "unit/helpers.h"

TestSuite(cop_stale, .init = t_init, .timeout = 20);

static uint16_t claimed;

static void *sleep_long(void *arg)
{
	pause();
	return arg;
}

/* For a test that forks: another thread of the parent has a claim and no sock. */
static void claim_beside_a_thread(void)
{
	pthread_t thread;

	cop_process();
	pthread_create(&thread, NULL, sleep_long, NULL);
	claimed = t_free_port();
	cop_port_claim(&cop_port_table, claimed);
}

/* The child has the claim of a thread that was about to bind, but not the thread. */
static int bind_what_nobody_holds(void)
{
	int fd = t_open();

#ifdef COP_TSAN
	return T_SKIP; /* TSan has a thread of its own */
#endif
	CHECK(t_bind(fd, LOOPBACK, claimed) == -EADDRINUSE);
	CHECK(fd_forget_stale(t_sock(fd), claimed));
	CHECK(!fd_forget_stale(t_sock(fd), claimed));
	CHECK(!t_bind(fd, LOOPBACK, claimed));
	CHECK(!fd_forget_stale(t_sock(fd), claimed));
	CHECK(cop_port_taken(&cop_port_table, claimed));
	return 0;
}

Test(cop_stale, a_forked_child_gets_a_port_that_only_seems_to_be_held)
{
	claim_beside_a_thread();
	T_CHILD(bind_what_nobody_holds);
}

static int a_call_may_have_claimed(void)
{
#if defined(COP_TSAN) || !defined(__x86_64__)
	return T_SKIP; /* nothing tells that there never was another thread */
#endif
	__libc_single_threaded = 1;
	CHECK(!fd_forget_stale(t_sock(t_open()), claimed));
	CHECK(cop_port_taken(&cop_port_table, claimed));
	return 0;
}

/* A signal handler may have interrupted a call between the claim and the bind. */
Test(cop_stale, a_claim_without_a_socket_is_kept_if_there_was_no_thread)
{
	cop_process();
	claimed = t_free_port();
	cop_port_claim(&cop_port_table, claimed);
	T_CHILD(a_call_may_have_claimed);
}

static int armed_is_held(void)
{
	int fd = t_open();

	cop_sk(t_sk(fd))->armed = claimed;
	CHECK(!fd_forget_stale(t_sock(t_open()), claimed));
	CHECK(cop_port_taken(&cop_port_table, claimed));
	return 0;
}

Test(cop_stale, a_port_that_an_autobind_is_about_to_take_is_held)
{
	claim_beside_a_thread();
	T_CHILD(armed_is_held);
}

static int another_thread_may_have_claimed(void)
{
	pthread_t thread;

#ifdef COP_TSAN
	return T_SKIP; /* under TSan a forked child can't start threads */
#endif
	pthread_create(&thread, NULL, sleep_long, NULL);
	CHECK(!fd_forget_stale(t_sock(t_open()), claimed));
	CHECK(cop_port_taken(&cop_port_table, claimed));
	return 0;
}

Test(cop_stale, a_claim_without_a_socket_is_kept_while_there_are_threads)
{
	claim_beside_a_thread();
	T_CHILD(another_thread_may_have_claimed);
}
