// SPDX-License-Identifier: MIT
/*
 * port/bind.c - bind(): a COP port for a socket, in the port space and on the kernel
 * socket at once.
 *
 * The port space says who holds a port in this process, and the kernel's own bind who
 * holds it on this host. The kernel also decides if the claim of another sock may be
 * out of date (sk_contested): that sock may be in another namespace without our
 * knowledge, or another process may have disconnected its kernel socket.
 *
 * Owns: nothing. Protected by: the caller's reference. Counterpart in the kernel:
 * udp_v4_get_port().
 */
#include <errno.h>

#include "cop_port.h"
#include "datagram/proto.h"
#include "lib/compiler.h"
#include "port/bind.h"
#include "port/ephemeral.h"
#include "port/kernel_bind.h"
#include "port/narrow.h"
#include "port/number.h"
#include "port/port_crowd.h"

int cop_bind(struct sock *sk, int fd, const union cop_addr *addr)
{
	if (unlikely(cop_addr_has_scope(addr)))
		sock_set_flag(sk, SOCK_ON_DEVICE);
	if (cop_addr_port(addr))
		return cop_bind_number(sk, fd, addr);
	if (!READ_ONCE(sk->sk_num) && cop_hash_pinned(sk))
		return 0;
	return cop_bind_any(sk, fd, addr);
}

int cop_get_kernels_port(struct sock *sk, int fd, const union cop_addr *addr)
{
	int err;

	cop_range_lift(sk, fd);
	err = kernel_bind(fd, addr);
	if (!err && cop_addr_port(addr))
		cop_bind_confirm(sk, cop_addr_port(addr));
	else if (!err)
		cop_bind_confirmed(sk, fd);
	return err;
}

int cop_get_port(struct sock *sk, uint16_t snum)
{
	if (snum)
		return cop_claim(sk, snum) ? snum : -EADDRINUSE;
	return cop_port_is_crowded() ? 0 : cop_port_claim_any(&cop_port_table);
}
