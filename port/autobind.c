// SPDX-License-Identifier: MIT
/*
 * port/autobind.c - a port for a socket that sends or connects without one.
 *
 * The kernel binds such a socket itself, inside the send or connect. Ahead of that
 * the library claims a port, records it in the sock (armed), and tells the kernel to
 * choose it; afterwards it records which port the kernel socket has.
 *
 * Owns: a sock's armed. Protected by: atomic operations; two threads may be here for
 * one sock. Counterpart in the kernel: inet_autobind().
 */
#include <errno.h>
#include <stdatomic.h>

#include "cop_port.h"
#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "port/autobind.h"
#include "port/ephemeral.h"
#include "port/hash.h"
#include "port/narrow.h"
#include "port/port_crowd.h"
#include "socket/hold.h"

/* After a disconnect the sock still has the address of the program's bind. */
static union cop_addr address_left(struct sock *sk)
{
	union cop_addr addr =
		cop_slot_get(&inet_sk(sk)->inet_rcv_saddr, sk->sk_family);

	cop_addr_set_port(&addr, 0);
	return addr;
}

/*
 * The kernel shall choose the port, and the header of the next datagram must have it,
 * so the kernel binds now. A disconnect undoes a bind to port 0 as it undoes an
 * autobind. It has taken the socket off the interface of a link-local address, and a
 * bind to that address would put it there again.
 */
static int autobind_now(struct sock *sk, int fd)
{
	union cop_addr addr = address_left(sk);
	int err = 0;

	cop_range_lift(sk, fd);
	if (unlikely(cop_addr_has_scope(&addr)))
		sock_probe(fd, sk->sk_family);
	else
		err = cop_bind_choice(sk, fd, &addr);
	cop_bind_confirmed(sk, fd);
	return err == -EADDRINUSE ? -EAGAIN : 0;
}

/*
 * The sock has the claim before the kernel is asked. So if the thread is cancelled in
 * the send, or a signal handler jumps out of it, the next send finds the claim.
 */
static int claim_armed(struct sock *sk)
{
	uint16_t armed = READ_ONCE(cop_sk(sk)->armed);
	int snum;

	if (armed)
		return armed;
	snum = cop_claim_candidate(sk);
	if (snum <= 0)
		return snum;
	fd_hold_claim(sk, snum);
	if (u16_cas(&cop_sk(sk)->armed, &armed, snum)) {
		fd_hold_claim(sk, 0);
		return snum;
	}
	fd_hold_claim(sk, 0);
	cop_port_release(&cop_port_table, snum); /* another thread was first */
	return armed;
}

/* An address without its interface is refused; then the kernel's own autobind comes. */
static int bind_old(struct sock *sk, int fd, uint16_t snum)
{
	union cop_addr addr = address_left(sk);

	cop_addr_drop_scope(&addr);
	return cop_bind_pinned(sk, fd, &addr, snum);
}

/* If a confined process can't narrow the choice, the claim is given back. */
static void arm(struct sock *sk, int fd, uint16_t snum)
{
	int err = cop_range_narrow(sk, fd, snum);

	if (err == -ENOPROTOOPT && !bind_old(sk, fd, snum))
		cop_hash(sk, snum);
	else if (err && cop_confined() &&
		 u16_exchange(&cop_sk(sk)->armed, 0) == snum)
		cop_port_release(&cop_port_table, snum);
}

int cop_autobind_arm(struct sock *sk, int fd)
{
	int snum;

	if (cop_hash_pinned(sk) || cop_confined())
		return 0;
	snum = claim_armed(sk);
	if (snum < 0)
		return -EAGAIN;
	if (!snum)
		return autobind_now(sk, fd);
	arm(sk, fd, snum);
	return 0;
}

/* Another thread may have seen the port first, without the claim. */
static bool may_have(struct sock *sk, uint16_t armed)
{
	const union sk_port_word has = sk_port_word(sk);

	return !has.num || (has.num == armed && has.shared);
}

bool cop_autobind_settle(struct sock *sk, int fd, const union cop_addr *now,
			 int err)
{
	uint16_t armed = u16_exchange(&cop_sk(sk)->armed, 0);
	uint16_t got = ntohs(cop_addr_port(now));

	fd_hold_claim(sk, armed);
	if (armed && armed == got && may_have(sk, armed)) {
		cop_hash(sk, armed);
	} else if (armed && armed != READ_ONCE(cop_sk(sk)->pinned)) {
		cop_port_release(&cop_port_table, armed);
		cop_range_lift(sk, fd);
	}
	fd_hold_claim(sk, 0);
	cop_bind_confirm(sk, cop_addr_port(now));
	if (armed && !got && err == -EAGAIN)
		cop_port_crowd_collision(armed);
	return got;
}
