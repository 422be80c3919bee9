// SPDX-License-Identifier: MIT
/*
 * port/fault.c - the error of a bind whose port is taken.
 *
 * The port space knows that the port is taken, but the kernel checks other things
 * first: whether the address is local, the port is privileged, the socket is bound
 * already. A scratch socket asks the kernel for its error.
 *
 * Owns: nothing. Protected by: the caller's reference. Counterpart in the kernel:
 * the order of checks in __inet_bind().
 */
#include <errno.h>
#include <sys/socket.h>

#include "datagram/proto.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "lib/scratch_socket.h"
#include "lib/sockname.h"
#include "lib/sysctl.h"
#include "port/fault.h"
#include "port/helper.h"
#include "port/kernel_bind.h"

/*
 * The kernel is asked, for another process that has the kernel socket may have bound
 * or disconnected it. But the kernel does not know that a pinned port is hidden.
 */
bool cop_sk_is_bound(struct sock *sk, int fd)
{
	union cop_addr local;

	if (unlikely(READ_ONCE(cop_sk(sk)->pinned)) || cop_confined())
		return READ_ONCE(sk->sk_num) ||
		       READ_ONCE(sk->sk_state) != COP_CLOSE;
	cop_local_addr(fd, &local);
	return cop_addr_port(&local);
}

void cop_forget_address(struct sock *sk)
{
	cop_slot_clear(&inet_sk(sk)->inet_rcv_saddr);
	cop_slot_clear(&inet_sk(sk)->inet_saddr);
}

static void copy_option(int from, int to, int level, int optname)
{
	char value[64];
	socklen_t len = sizeof(value);

	if (!cop_libc.getsockopt(from, level, optname, value, &len))
		cop_libc.setsockopt(to, level, optname, value, len);
}

/*
 * A bind to a port that is taken clears the address that a disconnect has left, and
 * one to a link-local address puts the socket on its interface. The kernel socket has
 * not been asked for the port, so it is asked for one that is surely taken: that of
 * the scratch socket at the same address.
 */
static void refuse_by_kernel(struct sock *sk, int fd,
			     const struct cop_scratch *scratch,
			     const union cop_addr *addr)
{
	union cop_addr taken, again = *addr;

	if (!cop_slot_is_set(&inet_sk(sk)->inet_rcv_saddr) &&
	    !cop_addr_has_scope(addr))
		return;
	cop_local_addr(scratch->fd, &taken);
	cop_addr_set_port(&again, cop_addr_port(&taken));
	if (cop_addr_port(&again) && kernel_bind(fd, &again))
		cop_forget_address(sk);
}

/*
 * A link-local address that is not this host's puts the socket on its interface, too.
 * If it has become this host's meanwhile, the port that the kernel chooses goes back.
 */
static void refuse_address(int fd, const union cop_addr *addr)
{
	union cop_addr any_port = *addr;

	cop_addr_set_port(&any_port, 0);
	if (cop_addr_has_scope(addr) && !kernel_bind(fd, &any_port))
		kernel_unbind(fd);
}

/*
 * The kernel looks at the address, the right to the port, and whether the socket is
 * bound, in an order of the family's own. A scratch socket that is bound stops it
 * ahead of the port: by EINVAL.
 */
static int ask_scratch(struct sock *sk, int fd, int scratch,
		       const union cop_addr *addr, bool is_bound)
{
	union cop_addr first = is_bound ? cop_addr_any(sk->sk_family) : *addr;
	int refused, err;

	copy_option(fd, scratch, IPPROTO_IPV6, IPV6_V6ONLY);
	copy_option(fd, scratch, IPPROTO_IP, IP_FREEBIND);
	copy_option(fd, scratch, IPPROTO_IP, IP_TRANSPARENT);
	copy_option(fd, scratch, SOL_SOCKET, SO_BINDTODEVICE);
	cop_addr_set_port(&first, 0);
	refused = kernel_bind(scratch, &first);
	err = kernel_bind(scratch, addr);
	if (err == -EADDRINUSE || (err == -EINVAL && !refused))
		return 0;
	return err;
}

static int ask_fault(struct sock *sk, int fd, const struct cop_scratch *scratch,
		     const union cop_addr *addr)
{
	bool is_bound = cop_sk_is_bound(sk, fd);
	int err = ask_scratch(sk, fd, scratch->fd, addr, is_bound);

	if (err && !is_bound && err != -EACCES)
		refuse_address(fd, addr);
	if (err)
		return err;
	if (is_bound)
		return -EINVAL;
	refuse_by_kernel(sk, fd, scratch, addr);
	return -EADDRINUSE;
}

int cop_ask_fault(struct sock *sk, int fd, const union cop_addr *addr)
{
	struct cop_scratch scratch;
	int err = cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;

	if (cop_scratch_socket(&scratch, sk->sk_family) < 0)
		return err;
	if (cop_helps(sk, fd, &scratch))
		err = ask_fault(sk, fd, &scratch, addr);
	cop_scratch_close(&scratch);
	return err;
}

int cop_bind_fault(struct sock *sk, int fd, const union cop_addr *addr)
{
	if (cop_confined())
		return cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	cop_sysctl_refresh();
	if (cop_addr_is_any(addr) &&
	    ntohs(cop_addr_port(addr)) >= READ_ONCE(cop_sysctl.prot_sock) &&
	    !cop_slot_is_set(&inet_sk(sk)->inet_rcv_saddr))
		return cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	return cop_ask_fault(sk, fd, addr);
}
