// SPDX-License-Identifier: MIT
/*
 * port/hash.c - which port a sock has, and whether it has the port's claim.
 *
 * The port space (cop_port.c) is that of the home network namespace (lib/netns.c).
 * For a socket in another namespace the kernel decides alone, and the sock has no
 * claim (SOCK_SHARED_PORT).
 *
 * Owns: sk_num and SOCK_SHARED_PORT. Protected by: atomic operations, and the
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

/*
 * Whether a sock that leaves a port has the claim and gives it back. A bind that
 * contests the port may take the claim at the same time. SOCK_SHARED_PORT says that
 * the claim is taken, and only one of the two can set it.
 */
static bool take_claim(struct sock *sk, uint16_t snum)
{
	return snum != READ_ONCE(cop_sk(sk)->pinned) &&
	       !(u32_or(&sk->sk_flags, SOCK_SHARED_PORT) & SOCK_SHARED_PORT);
}

static void give_back(struct sock *sk, uint16_t snum)
{
	cop_port_release(&cop_port_table, snum);
	sock_reset_flag(sk, SOCK_SHARED_PORT);
}

/*
 * Replace the port @had by @snum, if the sock still has @had. The port hash takes a
 * reference with a sock's first port.
 */
static bool hash_replace(struct sock *sk, uint16_t had, uint16_t snum)
{
	uint16_t is = had;

	if (!had)
		sock_hold(sk);
	if (u16_cas(&sk->sk_num, &is, snum)) {
		if (had && take_claim(sk, had))
			give_back(sk, had);
		return true;
	}
	if (!had)
		sock_put(sk);
	return false;
}

static void set_shared(struct sock *sk, bool shared)
{
	if (unlikely(shared))
		sock_set_flag(sk, SOCK_SHARED_PORT);
	else if (unlikely(sock_flag(sk, SOCK_SHARED_PORT)))
		sock_reset_flag(sk, SOCK_SHARED_PORT);
}

void cop_hash_port(struct sock *sk, uint16_t snum, bool claimed)
{
	while (!hash_replace(sk, READ_ONCE(sk->sk_num), snum))
		;
	set_shared(sk, !claimed);
}

void cop_hash(struct sock *sk, uint16_t snum)
{
	cop_hash_port(sk, snum, true);
}

void cop_unhash(struct sock *sk)
{
	uint16_t snum = READ_ONCE(sk->sk_num);
	bool owned = snum && take_claim(sk, snum);
	uint16_t old = atomic_exchange(&sk->sk_num, 0);

	if (owned)
		give_back(sk, snum);
	if (old)
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
	else if (claimed && !sock_flag(sk, SOCK_CONTEST))
		cop_port_release(&cop_port_table, snum);
	return err;
}

bool cop_hash_pinned(struct sock *sk)
{
	uint16_t snum = READ_ONCE(cop_sk(sk)->pinned);

	if (snum && !READ_ONCE(sk->sk_num))
		cop_hash_port(sk, snum, !sock_flag(sk, SOCK_SHARED_PORT));
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
	uint16_t had = READ_ONCE(sk->sk_num);
	bool claimed;

	if (!got)
		return;
	while (unlikely(got != had)) {
		claimed = claim_for(sk, got);
		if (hash_replace(sk, had, got)) {
			set_shared(sk, !claimed);
			break;
		}
		if (claimed)
			cop_port_release(&cop_port_table, got);
		had = READ_ONCE(sk->sk_num);
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
