// SPDX-License-Identifier: MIT
/*
 * port/narrow.c - having the kernel choose one certain port.
 *
 * A port that the kernel itself has chosen is free again after a disconnect; a port
 * that a bind asks for by number is not. So for an ephemeral port the kernel binds
 * to port 0, with IP_LOCAL_PORT_RANGE narrowed to the port that we have claimed.
 *
 * Owns: SOCK_NARROWED and a sock's pinned. Protected by: atomic accesses, and the
 * caller's reference. Counterpart in the kernel: none; its ports are its own.
 */
#include <errno.h>

#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "port/kernel_bind.h"
#include "port/narrow.h"

int cop_set_port_range(int fd, uint16_t low, uint16_t high)
{
	uint32_t range = (uint32_t)high << 16 | low;

	return cop_libc_result(cop_libc.setsockopt(
		fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)));
}

int cop_range_narrow(struct sock *sk, int fd, uint16_t snum)
{
	int err = cop_set_port_range(fd, snum, snum);

	if (err && cop_confine_notice(err))
		return -EACCES;
	if (!err && !sock_flag(sk, SOCK_NARROWED))
		sock_set_flag(sk, SOCK_NARROWED);
	return err;
}

void cop_range_lift(struct sock *sk, int fd)
{
	uint32_t range = READ_ONCE(cop_sk(sk)->user_range);

	if (!sock_flag(sk, SOCK_NARROWED) || cop_confined())
		return;
	sock_reset_flag(sk, SOCK_NARROWED);
	cop_set_port_range(fd, range, range >> 16);
}

/*
 * Before Linux 6.3 a bind by number is the only way to this port. The kernel does not
 * free such a port at a disconnect, so the sock keeps it, and a disconnect hides it.
 */
int cop_bind_pinned(struct sock *sk, int fd, const union cop_addr *addr,
		    uint16_t snum)
{
	union cop_addr pin = *addr;
	int err;

	cop_addr_set_port(&pin, htons(snum));
	err = kernel_bind(fd, &pin);
	if (!err)
		WRITE_ONCE(cop_sk(sk)->pinned, snum);
	return err;
}

int cop_bind_narrowed(struct sock *sk, int fd, const union cop_addr *addr,
		      uint16_t snum)
{
	int err = cop_range_narrow(sk, fd, snum);

	if (err == -ENOPROTOOPT)
		return cop_bind_pinned(sk, fd, addr, snum);
	return err ? err : kernel_bind(fd, addr);
}
