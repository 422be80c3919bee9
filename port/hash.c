// SPDX-License-Identifier: MIT
/*
 * port/hash.c - which port a sock has, and whether it has the port's claim.
 *
 * The port space (cop_port.c) is that of the home network namespace (lib/netns.c).
 * For a socket in another namespace the kernel decides alone, and the sock has no
 * claim (sk_shared).
 *
 * Owns: sk_num and sk_shared. Protected by: atomic operations, and the
 * caller's reference. Counterpart in the kernel: the insertion in
 * udp_lib_get_port(), and udp_lib_unhash().
 */
#include <stdatomic.h>

#include "cop_port.h"
#include "datagram/proto.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/sockname.h"
#include "port/hash.h"
#include "socket/hold.h"

static bool is_pinned(struct sock *sk, uint16_t snum)
{
	return snum == READ_ONCE(cop_sk(sk)->pinned);
}

/* The sock has left the port, and nobody else can give its claim back. */
static void give_back(struct sock *sk, union sk_port_word had)
{
	if (had.num && !had.shared && !is_pinned(sk, had.num))
		cop_port_release(&cop_port_table, had.num);
}

/*
 * Replace the port @had by @next, if the sock still has @had; else set @had to what it
 * has. The port hash takes a reference with a sock's first port.
 */
static bool hash_replace(struct sock *sk, union sk_port_word *had,
			 union sk_port_word next)
{
	const bool is_first = !had->num;

	if (is_first)
		sock_hold(sk);
	if (sk_port_cas(sk, had, next)) {
		give_back(sk, *had);
		sk->sk_prot->hash(sk);
		return true;
	}
	if (is_first)
		sock_put(sk);
	return false;
}

void cop_hashed(struct sock *sk)
{
	(void)sk;
}

void cop_hash_port(struct sock *sk, uint16_t snum, bool claimed)
{
	const union sk_port_word next = { { snum, !claimed } };
	union sk_port_word had = sk_port_word(sk);

	while (!hash_replace(sk, &had, next))
		;
}

void cop_hash(struct sock *sk, uint16_t snum)
{
	cop_hash_port(sk, snum, true);
}

/* A pinned port stays the kernel socket's, so the sock notes who has its claim. */
void cop_unhash(struct sock *sk)
{
	union sk_port_word had = sk_port_word(sk), none;

	do {
		if (!had.num)
			return;
		none.num = 0;
		none.shared = had.shared && is_pinned(sk, had.num);
	} while (!sk_port_cas(sk, &had, none));
	give_back(sk, had);
	sock_put(sk);
}

bool cop_claim(struct sock *sk, uint16_t snum)
{
	return likely(!sock_flag(sk, SOCK_ELSEWHERE)) &&
	       cop_port_claim(&cop_port_table, snum);
}

int cop_end_claim(struct sock *sk, uint16_t snum, bool claimed, int err)
{
	if (!err)
		cop_hash_port(sk, snum, claimed);
	fd_hold_claim(sk, 0);
	if (err && claimed && !sk_contests(sk, snum))
		cop_port_release(&cop_port_table, snum);
	return err;
}

bool cop_hash_pinned(struct sock *sk)
{
	uint16_t snum = READ_ONCE(cop_sk(sk)->pinned);
	union sk_port_word had = sk_port_word(sk);

	while (snum && !had.num &&
	       !hash_replace(sk, &had,
			     (union sk_port_word){ { snum, had.shared } }))
		;
	return snum;
}

/* The port space does not have the ports of a transport that uses UDP's rule. */
static bool claim_for(struct sock *sk, uint16_t snum)
{
	return !sk->sk_prot->shares_ports && cop_claim(sk, snum);
}

/*
 * The kernel may have chosen another port than the sock has: it ignores a range
 * outside that of the sysctl, which may have changed since it was read. It may also
 * choose a port that another sock of this process has, in another network
 * namespace. The other sock then keeps the claim.
 */
void cop_bind_confirm(struct sock *sk, __be16 sport)
{
	uint16_t got = ntohs(sport);
	union sk_port_word had = sk_port_word(sk);
	bool claimed;

	if (!got)
		return;
	while (unlikely(got != had.num)) {
		claimed = claim_for(sk, got);
		if (hash_replace(sk, &had,
				 (union sk_port_word){ { got, !claimed } }))
			break;
		if (claimed)
			cop_port_release(&cop_port_table, got);
	}
	if (unlikely(sock_flag(sk, SOCK_UNCONFIRMED)))
		sock_reset_flag(sk, SOCK_UNCONFIRMED);
	WRITE_ONCE(inet_sk(sk)->inet_sport, sport);
}

void cop_bind_confirmed(struct sock *sk, int fd)
{
	union cop_addr local;

	if (likely(READ_ONCE(inet_sk(sk)->inet_sport)) || cop_confined())
		return;
	cop_local_addr(fd, &local);
	cop_bind_confirm(sk, cop_addr_port(&local));
}

void cop_bind_adopted(struct sock *sk, __be16 sport, uint16_t pinned,
		      uint16_t had)
{
	if (pinned && sport == htons(pinned)) {
		if (cop_claim(sk, pinned)) {
			WRITE_ONCE(cop_sk(sk)->pinned, pinned);
			if (had)
				cop_hash(sk, pinned);
		}
		if (!had)
			return;
	}
	cop_bind_confirm(sk, sport);
}

bool cop_holds(struct sock *sk, uint16_t snum)
{
	return READ_ONCE(sk->sk_num) == snum ||
	       READ_ONCE(cop_sk(sk)->armed) == snum ||
	       READ_ONCE(cop_sk(sk)->pinned) == snum;
}

bool cop_reclaim(uint16_t snum)
{
	return cop_port_reclaim(&cop_port_table, snum);
}
