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
#include "lib/scratch.h"
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
	struct sockaddr_in local;

	if (unlikely(READ_ONCE(cop_sk(sk)->pinned)) || cop_confined())
		return READ_ONCE(sk->sk_num) ||
		       READ_ONCE(sk->sk_state) != COP_CLOSE;
	ip_local_name(fd, &local);
	return local.sin_port;
}

void cop_forget_address(struct sock *sk)
{
	WRITE_ONCE(inet_sk(sk)->inet_rcv_saddr, 0);
	WRITE_ONCE(inet_sk(sk)->inet_saddr, 0);
}

static void copy_option(int from, int to, int level, int optname)
{
	char value[64];
	socklen_t len = sizeof(value);

	if (!cop_libc.getsockopt(from, level, optname, value, &len))
		cop_libc.setsockopt(to, level, optname, value, len);
}

/*
 * A bind to a port that is taken clears the address that a disconnect has left. The
 * kernel socket has not been asked for the port, so it is asked for a port that is
 * surely taken: that of the scratch socket.
 */
static void lose_address(struct sock *sk, int fd, int scratch)
{
	struct sockaddr_in any;

	if (!READ_ONCE(inet_sk(sk)->inet_rcv_saddr))
		return;
	ip_local_name(scratch, &any);
	any.sin_addr.s_addr = htonl(INADDR_ANY);
	if (any.sin_port && kernel_bind(fd, &any))
		cop_forget_address(sk);
}

int cop_ask_fault(struct sock *sk, int fd, int scratch,
		  const struct sockaddr_in *addr)
{
	struct sockaddr_in any_port = *addr;
	int err;

	any_port.sin_port = 0;
	copy_option(fd, scratch, IPPROTO_IP, IP_FREEBIND);
	copy_option(fd, scratch, IPPROTO_IP, IP_TRANSPARENT);
	copy_option(fd, scratch, SOL_SOCKET, SO_BINDTODEVICE);
	kernel_bind(scratch, &any_port);
	err = kernel_bind(scratch, addr);
	if (err && err != -EADDRINUSE && err != -EINVAL)
		return err;
	if (cop_sk_is_bound(sk, fd))
		return -EINVAL;
	lose_address(sk, fd, scratch);
	return -EADDRINUSE;
}

int cop_bind_fault(struct sock *sk, int fd, const struct sockaddr_in *addr)
{
	struct cop_scratch part;
	int scratch, err;

	if (cop_confined())
		return cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	cop_sysctl_refresh();
	if (addr->sin_addr.s_addr == htonl(INADDR_ANY) &&
	    ntohs(addr->sin_port) >= READ_ONCE(cop_sysctl.prot_sock) &&
	    !READ_ONCE(inet_sk(sk)->inet_rcv_saddr))
		return cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	scratch = cop_scratch_socket(&part);
	if (scratch < 0)
		return cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	if (cop_helps(sk, fd, scratch))
		err = cop_ask_fault(sk, fd, scratch, addr);
	else
		err = cop_sk_is_bound(sk, fd) ? -EINVAL : -EADDRINUSE;
	cop_scratch_close(&part, scratch);
	return err;
}
