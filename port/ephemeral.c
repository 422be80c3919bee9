// SPDX-License-Identifier: MIT
/*
 * port/ephemeral.c - a bind to port 0.
 *
 * The port space chooses and claims a port, and the kernel is told to take it
 * (port/narrow.c). Where other processes hold many ports (port/port_crowd.c), or the
 * program has a range of its own, the kernel chooses.
 *
 * Owns: has_ipv6. Protected by: an atomic store, and the caller's reference; a claim
 * that comes to nothing is given back. Counterpart in the kernel: udp_lib_get_port() with port 0.
 */
#include <errno.h>

#include "cop_port.h"
#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/scratch_socket.h"
#include "lib/sockname.h"
#include "port/bind.h"
#include "port/ephemeral.h"
#include "port/fault.h"
#include "port/hash.h"
#include "port/helper.h"
#include "port/kernel_bind.h"
#include "port/narrow.h"
#include "port/port_crowd.h"
#include "port/range.h"
#include "socket/hold.h"

/*
 * How often the kernel may choose a port that another thread is about to bind, or
 * that one of our sockets has at another address.
 */
#define ANY_AT_TRIES 64

static _Atomic(bool) has_ipv6; /* (a) see cop_port_note_ipv6() */

void cop_port_note_ipv6(void)
{
	WRITE_ONCE(has_ipv6, true);
}

int cop_claim_candidate(struct sock *sk)
{
	if (sock_flag(sk, SOCK_USER_RANGE | SOCK_ELSEWHERE) || cop_confined())
		return 0;
	cop_port_refresh();
	return sk->sk_prot->get_port(sk, 0);
}

/*
 * Bind to a candidate. Returns 0, or the kernel's error, with the candidate given
 * back: -EADDRINUSE if another process has the port, -EACCES if only a bind to
 * port 0 may get it.
 */
static int bind_candidate(struct sock *sk, int fd, const union cop_addr *addr,
			  uint16_t snum)
{
	int err = cop_end_claim(sk, snum, true,
				cop_bind_narrowed(sk, fd, addr, snum));

	if (err)
		cop_range_lift(sk, fd);
	return err;
}

/*
 * The kernel's choice for one address could be a port that a COP socket has at
 * another address. A port that it chooses for the helper, at the wildcard address,
 * is free at every address. The program's socket then joins the helper there.
 */
static int join_helper(struct sock *sk, int fd,
		       const struct cop_scratch *helper,
		       const union cop_addr *addr, uint16_t snum)
{
	bool claimed = cop_claim(sk, snum);
	int err;

	if (!claimed && !sock_flag(sk, SOCK_ELSEWHERE))
		return -EAGAIN; /* another thread is about to bind it */
	cop_helper_share(helper, fd);
	err = cop_bind_narrowed(sk, fd, addr, snum);
	cop_helper_unshare(fd);
	return cop_end_claim(sk, snum, claimed, err);
}

static int bind_any_helped(struct sock *sk, int fd,
			   const struct cop_scratch *helper,
			   const union cop_addr *addr)
{
	union cop_addr any;
	uint32_t range = READ_ONCE(cop_sk(sk)->user_range);
	int err;

	if (range)
		cop_set_port_range(helper->fd, range, range >> 16);
	if (cop_helper_bind(helper, 0))
		return cop_ask_fault(sk, fd, addr);
	cop_local_addr(helper->fd, &any);
	err = join_helper(sk, fd, helper, addr, ntohs(cop_addr_port(&any)));
	cop_range_lift(sk, fd);
	return err;
}

/*
 * The kernel's choice for one address, without a helper. It is undone if we hold the
 * port at another address: a disconnect frees a port that the kernel has chosen. But
 * it also takes a device away, so a sock with SOCK_ON_DEVICE does not come here.
 */
static int bind_any_plain(struct sock *sk, int fd, const union cop_addr *addr)
{
	union cop_addr local;
	int err = kernel_bind(fd, addr);
	bool claimed;

	if (err)
		return err;
	cop_local_addr(fd, &local);
	if (!cop_addr_port(&local))
		return 0; /* another thread has disconnected the socket */
	claimed = cop_claim(sk, ntohs(cop_addr_port(&local)));
	if (!claimed && !sock_flag(sk, SOCK_ELSEWHERE))
		return kernel_unbind(fd) ?: -EAGAIN;
	cop_hash_port(sk, ntohs(cop_addr_port(&local)), claimed);
	return 0;
}

static int bind_any_once(struct sock *sk, int fd, const union cop_addr *addr)
{
	struct cop_scratch helper;
	int err;

	if (cop_scratch_dual(&helper) < 0)
		return -ENOBUFS;
	if (cop_helps(sk, fd, &helper))
		err = bind_any_helped(sk, fd, &helper, addr);
	else
		err = bind_any_plain(sk, fd, addr);
	cop_scratch_close(&helper);
	return err;
}

/*
 * Whether the kernel's choice may be a port that a COP socket of this process has at
 * another address. The wildcard of IPv4 does not see ports of IPv6.
 */
static bool may_choose_ours(struct sock *sk, int fd, const union cop_addr *addr)
{
	return !sk->sk_prot->shares_ports &&
	       (!cop_bind_sees_all(sk, fd, addr) ||
		(unlikely(READ_ONCE(has_ipv6)) && !cop_addr_is_both(addr)));
}

static int bind_any_at(struct sock *sk, int fd, const union cop_addr *addr)
{
	int err = -EAGAIN;

	cop_range_lift(sk, fd);
	if (!sock_flag(sk, SOCK_ON_DEVICE | SOCK_ELSEWHERE))
		err = bind_any_plain(sk, fd, addr);
	for (int i = 0; i < ANY_AT_TRIES && err == -EAGAIN; i++)
		err = bind_any_once(sk, fd, addr);
	return err == -EAGAIN ? -EADDRINUSE : err;
}

int cop_bind_choice(struct sock *sk, int fd, const union cop_addr *addr)
{
	int err;

	if (!cop_confined() && may_choose_ours(sk, fd, addr)) {
		err = bind_any_at(sk, fd, addr);
		if (!err || !cop_confined())
			return err;
	}
	cop_range_lift(sk, fd);
	err = kernel_bind(fd, addr);
	if (!err)
		sock_set_flag(sk, SOCK_UNCONFIRMED);
	return err;
}

/* A transport with a rule of its own gets more tries: the kernel does not know it. */
static int tries_of(const struct sock *sk)
{
	return sk->sk_prot->owner ? COP_RULE_TRIES : COP_BIND_TRIES;
}

/*
 * A rule that has met one port of another process may be about to meet more: another
 * process has all the ports from some number on, for example.
 */
static int try_candidate(struct sock *sk, int fd, const union cop_addr *addr,
			 uint16_t snum, bool is_first)
{
	fd_hold_claim(sk, snum);
	if (!is_first && sk->sk_prot->owner && cop_port_ask_foreign(snum))
		return cop_end_claim(sk, snum, true, -EADDRINUSE);
	return bind_candidate(sk, fd, addr, snum);
}

int cop_bind_any(struct sock *sk, int fd, const union cop_addr *addr)
{
	const int tries = tries_of(sk);
	int snum, err;

	for (int i = 0; i < tries; i++) {
		snum = cop_claim_candidate(sk);
		if (snum < 0)
			return snum;
		if (!snum)
			break;
		err = try_candidate(sk, fd, addr, snum, !i);
		if (err == -EADDRINUSE)
			cop_port_crowd_collision(snum);
		else if (err != -EACCES)
			return err;
	}
	return cop_bind_choice(sk, fd, addr);
}
