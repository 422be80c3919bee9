// SPDX-License-Identifier: MIT
/*
 * test_hash.c - port/hash.c: which port a sock has, and who has the port's claim.
 */
#include <pthread.h>

#include "cop_port.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "port/hash.h"
#include "unit/helpers.h"

TestSuite(cop_hash, .init = t_init, .timeout = 20);

static bool is_taken(uint16_t snum)
{
	return cop_port_taken(&cop_port_table, snum);
}

/* ---- a claim ---------------------------------------------------------------- */

Test(cop_hash, a_port_can_be_claimed_once)
{
	struct sock *sk = t_sk(t_open()), *other = t_sk(t_open());

	cr_assert(cop_claim(sk, 1000));
	cr_assert(not(cop_claim(sk, 1000)));
	cr_assert(not(cop_claim(other, 1000)));
	cr_assert(zero(int, sk->sk_num), "a claim alone is no port");
}

Test(cop_hash, a_sock_outside_the_home_namespace_claims_nothing)
{
	struct sock *sk = t_sk(t_open());

	sock_set_flag(sk, SOCK_ELSEWHERE);
	cr_assert(not(cop_claim(sk, 1000)));
	cr_assert(not(is_taken(1000)));
}

Test(cop_hash, after_a_bind_the_claim_is_the_socks)
{
	struct sock *sk = t_sk(t_open());
	bool claimed = cop_claim(sk, 1000);

	cr_assert(zero(int, cop_end_claim(sk, 1000, claimed, 0)));
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(zero(int, sk->sk_shared));
	cop_unhash(sk);
	cr_assert(not(is_taken(1000)));
}

Test(cop_hash, after_a_failed_bind_the_claim_is_given_back)
{
	struct sock *sk = t_sk(t_open());
	bool claimed = cop_claim(sk, 1000);

	cr_assert(eq(int, cop_end_claim(sk, 1000, claimed, -EACCES), -EACCES));
	cr_assert(not(is_taken(1000)));
	cr_assert(zero(int, sk->sk_num));
	cr_assert(eq(int, sk->sk_refcnt, 1));
}

/* The claim was another sock's, and its borrower gives it back. */
Test(cop_hash, a_failed_bind_with_a_borrowed_claim_keeps_the_claim)
{
	struct sock *sk = t_sk(t_open());

	cop_port_claim(&cop_port_table, 1000);
	sk->sk_contested = 1000;
	cr_assert(eq(int, cop_end_claim(sk, 1000, true, -EADDRINUSE),
		     -EADDRINUSE));
	cr_assert(is_taken(1000));
}

/* One thread contests port 1000, and another fails to bind the sock to port 2000. */
Test(cop_hash, a_contest_keeps_no_claim_of_another_port)
{
	struct sock *sk = t_sk(t_open());
	bool claimed = cop_claim(sk, 2000);

	sk->sk_contested = 1000;
	cr_assert(eq(int, cop_end_claim(sk, 2000, claimed, -EINVAL), -EINVAL));
	cr_assert(not(is_taken(2000)));
}

Test(cop_hash, a_failed_bind_without_a_claim_leaves_the_claim_of_the_other)
{
	struct sock *sk = t_sk(t_open());

	cop_port_claim(&cop_port_table, 1000);
	cop_end_claim(sk, 1000, false, -EADDRINUSE);
	cr_assert(is_taken(1000));
}

/* ---- a port and its reference ------------------------------------------------ */

Test(cop_hash, the_port_hash_has_one_reference_whatever_ports_follow)
{
	struct sock *sk = t_sk(t_open());

	for (uint16_t snum = 1000; snum < 1003; snum++) {
		cr_assert(cop_claim(sk, snum));
		cop_hash(sk, snum);
		cr_assert(eq(int, sk->sk_num, snum));
		cr_assert(eq(int, sk->sk_refcnt, 2));
		cr_assert(eq(uint, cop_port_held(&cop_port_table), 1));
	}
	cop_unhash(sk);
	cr_assert(zero(int, sk->sk_num));
	cr_assert(eq(int, sk->sk_refcnt, 1));
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_hash, a_sock_without_a_port_gives_nothing_back)
{
	struct sock *sk = t_sk(t_open());

	cop_unhash(sk);
	cop_unhash(sk);
	cr_assert(eq(int, sk->sk_refcnt, 1));
}

Test(cop_hash, a_port_whose_claim_another_sock_has_stays_taken)
{
	struct sock *sk = t_sk(t_open()), *other = t_sk(t_open());

	cr_assert(cop_claim(other, 1000));
	cop_hash(other, 1000);
	cop_hash_port(sk, 1000, false);
	cr_assert(eq(int, sk->sk_shared, 1));
	cr_assert(eq(int, sk->sk_refcnt, 2));
	cop_unhash(sk);
	cr_assert(is_taken(1000));
	cr_assert(eq(int, sk->sk_refcnt, 1));
	cop_unhash(other);
	cr_assert(not(is_taken(1000)));
}

Test(cop_hash, a_port_of_its_own_ends_the_sharing)
{
	struct sock *sk = t_sk(t_open());

	cop_port_claim(&cop_port_table, 1000);
	cop_hash_port(sk, 1000, false);
	cr_assert(cop_claim(sk, 2000));
	cop_hash(sk, 2000);
	cr_assert(is_taken(1000), "it was never the sock's");
	cr_assert(zero(int, sk->sk_shared));
	cop_unhash(sk);
	cr_assert(not(is_taken(2000)));
}

/* ---- a pinned port ----------------------------------------------------------- */

Test(cop_hash, a_pinned_port_outlives_the_unhash_and_comes_back)
{
	struct sock *sk = t_sk(t_open());

	cr_assert(not(cop_hash_pinned(sk)), "none is pinned");
	cr_assert(cop_claim(sk, 1000));
	cop_sk(sk)->pinned = 1000;
	cop_hash(sk, 1000);
	cop_unhash(sk);
	cr_assert(is_taken(1000));
	cr_assert(cop_hash_pinned(sk));
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(eq(int, sk->sk_refcnt, 2));
	cr_assert(cop_hash_pinned(sk));
	cr_assert(eq(int, sk->sk_refcnt, 2), "the sock has it already");
}

/* ---- what the kernel says ---------------------------------------------------- */

Test(cop_hash, no_port_confirms_nothing)
{
	struct sock *sk = t_sk(t_open());

	cr_assert(cop_claim(sk, 1000));
	cop_hash(sk, 1000);
	sock_set_flag(sk, SOCK_UNCONFIRMED);
	cop_bind_confirm(sk, 0);
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(sock_flag(sk, SOCK_UNCONFIRMED));
	cr_assert(zero(int, inet_sk(sk)->inet_sport));
}

Test(cop_hash, the_port_that_the_sock_has_is_confirmed)
{
	struct sock *sk = t_sk(t_open());

	cr_assert(cop_claim(sk, 1000));
	cop_hash(sk, 1000);
	sock_set_flag(sk, SOCK_UNCONFIRMED);
	cop_bind_confirm(sk, htons(1000));
	cr_assert(eq(int, inet_sk(sk)->inet_sport, htons(1000)));
	cr_assert(not(sock_flag(sk, SOCK_UNCONFIRMED)));
	cr_assert(eq(int, sk->sk_refcnt, 2));
}

Test(cop_hash, another_port_of_the_kernels_choice_replaces_the_socks)
{
	struct sock *sk = t_sk(t_open());

	cr_assert(cop_claim(sk, 1000));
	cop_hash(sk, 1000);
	cop_bind_confirm(sk, htons(2000));
	cr_assert(eq(int, sk->sk_num, 2000));
	cr_assert(eq(int, inet_sk(sk)->inet_sport, htons(2000)));
	cr_assert(is_taken(2000) && !is_taken(1000));
	cop_unhash(sk);
	cr_assert(not(is_taken(2000)));
}

Test(cop_hash, a_port_that_another_sock_has_claimed_is_shared)
{
	struct sock *sk = t_sk(t_open()), *other = t_sk(t_open());

	cr_assert(cop_claim(other, 1000));
	cop_hash(other, 1000);
	cop_bind_confirm(sk, htons(1000));
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(eq(int, sk->sk_shared, 1));
	cop_unhash(sk);
	cr_assert(is_taken(1000));
}

Test(cop_hash, a_transport_with_udps_rule_claims_no_port)
{
	struct sock *sk = t_sk(t_open_adopted());

	cop_bind_confirm(sk, htons(1000));
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(not(is_taken(1000)));
}

static int bound_past_us(void)
{
	struct sockaddr_in addr = t_addr(LOOPBACK, 0);
	int fd = t_open();

	cr_assert(zero(int, cop_libc.bind(fd, (struct sockaddr *)&addr,
					  sizeof(addr))));
	return fd;
}

Test(cop_hash, the_kernel_is_asked_for_a_port_until_it_is_known)
{
	int fd = bound_past_us();
	struct sock *sk = t_sk(fd);
	__be16 sport;

	cop_bind_confirmed(sk, fd);
	sport = inet_sk(sk)->inet_sport;
	cr_assert(ne(int, sport, 0));
	cr_assert(eq(int, sk->sk_num, ntohs(sport)));
	cop_bind_confirmed(sk, bound_past_us());
	cr_assert(eq(int, inet_sk(sk)->inet_sport, sport));
}

Test(cop_hash, a_confined_process_does_not_ask_for_a_port)
{
	int fd = bound_past_us();

	WRITE_ONCE(cop_is_confined, true);
	cop_bind_confirmed(t_sk(fd), fd);
	cr_assert(zero(int, t_sk(fd)->sk_num));
}

/* ---- a kernel socket from elsewhere ------------------------------------------ */

Test(cop_hash, the_port_of_a_kernel_socket_from_elsewhere_is_the_socks)
{
	struct sock *sk = t_sk(t_open());

	cop_bind_adopted(sk, 0, 0, 0);
	cr_assert(zero(int, sk->sk_num));
	cop_bind_adopted(sk, htons(1000), 0, 1000);
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(is_taken(1000));
	cr_assert(zero(int, cop_sk(sk)->pinned));
}

Test(cop_hash, a_pinned_port_from_elsewhere_is_hidden_if_it_was_hidden_there)
{
	int hidden = t_open(), open = t_open();

	cop_bind_adopted(t_sk(hidden), htons(1000), 1000, 0);
	cr_assert(zero(int, t_sk(hidden)->sk_num));
	cr_assert(eq(int, cop_sk(t_sk(hidden))->pinned, 1000));
	cop_bind_adopted(t_sk(open), htons(2000), 2000, 2000);
	cr_assert(eq(int, t_sk(open)->sk_num, 2000));
	cr_assert(eq(uint, cop_port_held(&cop_port_table), 2));
	t_close(hidden);
	t_close(open);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
}

Test(cop_hash, a_pinned_port_that_the_kernel_socket_does_not_have_is_ignored)
{
	struct sock *sk = t_sk(t_open());

	cop_bind_adopted(sk, htons(1000), 2000, 2000);
	cr_assert(eq(int, sk->sk_num, 1000));
	cr_assert(zero(int, cop_sk(sk)->pinned));
	cr_assert(not(is_taken(2000)));
}

/* ---- who holds a port --------------------------------------------------------- */

Test(cop_hash, a_sock_holds_its_port_an_armed_one_and_a_pinned_one)
{
	struct sock *sk = t_sk(t_open());

	sk->sk_num = 1000;
	cop_sk(sk)->armed = 2000;
	cop_sk(sk)->pinned = 3000;
	cr_assert(cop_holds(sk, 1000));
	cr_assert(cop_holds(sk, 2000));
	cr_assert(cop_holds(sk, 3000));
	cr_assert(not(cop_holds(sk, 4000)));
}

Test(cop_hash, a_claim_without_a_sock_is_given_back_once)
{
	cop_port_claim(&cop_port_table, 1000);
	cr_assert(cop_reclaim(1000));
	cr_assert(not(is_taken(1000)));
	cr_assert(not(cop_reclaim(1000)));
}

/* ---- threads ------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 2000 };

static struct sock *shared;
static pthread_barrier_t together;

static void *unhash_each_round(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		cop_unhash(shared);
		pthread_barrier_wait(&together);
	}
	return arg;
}

Test(cop_hash, threads_that_unhash_a_sock_at_once_give_its_port_back_once)
{
	pthread_t thread[THREADS];

	shared = t_sk(t_open());
	pthread_barrier_init(&together, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, unhash_each_round, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert(cop_claim(shared, 1000), "round %d", i);
		cop_hash(shared, 1000);
		pthread_barrier_wait(&together);
		pthread_barrier_wait(&together);
		cr_assert(eq(int, shared->sk_refcnt, 1), "round %d", i);
		cr_assert(zero(uint, cop_port_held(&cop_port_table)));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static _Atomic(int) binding; /* threads that bind still */

static void *bind_often(void *arg)
{
	const uint16_t first = *(uint16_t *)arg;

	for (int i = 0; i < 100 * ROUNDS; i++) {
		uint16_t snum = first + i % 100;

		if (cop_claim(shared, snum))
			cop_hash(shared, snum);
	}
	binding--;
	return arg;
}

Test(cop_hash, a_bind_beside_a_disconnect_leaks_no_claim)
{
	uint16_t first[2] = { 1000, 2000 };
	pthread_t thread[2];

	shared = t_sk(t_open());
	binding = 2;
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, bind_often, &first[i]);
	while (binding)
		cop_unhash(shared);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	cop_unhash(shared);
	cr_assert(zero(uint, cop_port_held(&cop_port_table)));
	cr_assert(eq(int, shared->sk_refcnt, 1));
}
