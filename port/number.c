// SPDX-License-Identifier: MIT
/*
 * port/number.c - a bind to a port by its number.
 *
 * COP's rule: a port that any COP socket of this host has is refused at every
 * address. The port space sees to it in this process. Between processes the kernel
 * does: for the wildcard address by itself, for another one with the help of a
 * helper at the wildcard address (port/helper.c).
 *
 * Owns: nothing. Protected by: the caller's reference; the claim of a port comes
 * before the kernel's bind and is given back if that fails. Counterpart in the
 * kernel: udp_lib_get_port() with a port.
 */
#include <errno.h>

#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/scratch_socket.h"
#include "port/fault.h"
#include "port/hash.h"
#include "port/helper.h"
#include "port/kernel_bind.h"
#include "port/number.h"
#include "port/port_crowd.h"
#include "socket/hold.h"

/*
 * The helper gets the port at the wildcard address only if no socket has the port
 * at any address.
 */
static int bind_beside_helper(struct sock *sk, int fd,
			      const struct cop_scratch *helper,
			      const union cop_addr *addr)
{
	int err;

	if (cop_helper_bind(helper, cop_addr_port(addr)))
		return cop_ask_fault(sk, fd, addr);
	cop_helper_share(helper, fd);
	err = kernel_bind(fd, addr);
	cop_helper_unshare(fd);
	return err;
}

/* A port that is taken: the kernel has cleared the address, so we do as well. */
static int bind_alone(struct sock *sk, int fd, const union cop_addr *addr)
{
	int err = kernel_bind(fd, addr);

	if (err == -EADDRINUSE)
		cop_forget_address(sk);
	return err;
}

static bool contests(const struct sock *sk, const union cop_addr *addr)
{
	return sk_contests(sk, ntohs(cop_addr_port(addr)));
}

/*
 * Without a helper UDP's rule holds between processes, and within this process our table
 * decides.
 */
static int bind_address(struct sock *sk, int fd, const union cop_addr *addr)
{
	struct cop_scratch helper;
	int err;

	if (cop_scratch_dual(&helper) < 0)
		return cop_sk_is_bound(sk, fd) ? -EINVAL : -ENOBUFS;
	if (cop_helps(sk, fd, &helper))
		err = bind_beside_helper(sk, fd, &helper, addr);
	else if (contests(sk, addr) && !sock_flag(sk, SOCK_ELSEWHERE))
		err = -EADDRINUSE;
	else
		err = bind_alone(sk, fd, addr);
	cop_scratch_close(&helper);
	return err;
}

/*
 * The table has the ports of this process at IPv6 addresses, which the kernel does
 * not see in a bind of the IPv4 wildcard. A bind that ignores the table needs the
 * helper.
 */
static bool needs_helper(struct sock *sk, int fd, const union cop_addr *addr)
{
	return contests(sk, addr) || !cop_bind_sees_all(sk, fd, addr);
}

/*
 * Asks the transport's rule. Returns -errno; 0 for a sock outside the home namespace,
 * whose ports the port space does not have.
 */
static int claim_number(struct sock *sk, uint16_t snum)
{
	if (sk_contests(sk, snum))
		return snum;
	if (sock_flag(sk, SOCK_ELSEWHERE))
		return 0;
	cop_port_pardon(snum);
	return sk->sk_prot->get_port(sk, snum);
}

/* A confined process can't make the calls for a helper. */
int cop_bind_number(struct sock *sk, int fd, const union cop_addr *addr)
{
	uint16_t snum = ntohs(cop_addr_port(addr));
	int got = claim_number(sk, snum);
	int err;

	if (got < 0) {
		err = cop_bind_fault(sk, fd, addr);
		return err == -EADDRINUSE ? got : err;
	}
	if (got && !sk_contests(sk, snum))
		fd_hold_claim(sk, snum);
	if (!cop_confined() && needs_helper(sk, fd, addr))
		err = bind_address(sk, fd, addr);
	else
		err = bind_alone(sk, fd, addr);
	return cop_end_claim(sk, snum, got, err);
}
