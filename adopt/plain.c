// SPDX-License-Identifier: MIT
/*
 * adopt/plain.c - struct proto cop_plain_prot: a socket that was pending and stays
 * UDP. Each call answers COP_PLAIN_UDP: the interpose room then forgets the
 * descriptor and gives the call to libc.
 *
 * Owns: nothing. Protected by: nothing to protect.
 * Counterpart in the kernel: a socket of net/smc/af_smc.c that has fallen back to
 * TCP, where use_fallback sends each call on.
 */
#include "adopt/plain.h"
#include "lib/libc.h"
#include "port/bind.h"

/* To be UDP, a function here needs nothing that it is called with. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static void plain_mark(struct sock *sk, int fd)
{
}

static int plain_bind(struct sock *sk, int fd, const union cop_addr *addr)
{
	return COP_PLAIN_UDP;
}

int cop_plain_autobind(struct sock *sk, int fd)
{
	return 0;
}

bool cop_plain_autobound(struct sock *sk, int fd, int err)
{
	return true;
}

/* getsockname() does not begin again, so the kernel answers here. */
static int plain_getname(struct sock *sk, int fd, struct sockaddr *uaddr,
			 socklen_t *addr_len)
{
	return cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));
}

static int plain_connect(struct sock *sk, int fd, const struct sockaddr *uaddr,
			 socklen_t addr_len)
{
	return COP_PLAIN_UDP;
}

static bool plain_owns(struct sock *sk, int fd)
{
	return false;
}

static bool plain_poll(struct sock *sk, int fd)
{
	return true;
}

static int plain_ioctl(struct sock *sk, int fd, unsigned long cmd, void *arg)
{
	return COP_PLAIN_UDP;
}

static int plain_setsockopt(struct sock *sk, int fd, int level, int optname,
			    const void *optval, socklen_t optlen)
{
	return COP_PLAIN_UDP;
}

static int plain_getsockopt(struct sock *sk, int fd, int level, int optname,
			    void *optval, socklen_t *optlen)
{
	return COP_PLAIN_UDP;
}

static ssize_t plain_sendto(struct sock *sk, int fd, const void *buf,
			    size_t len, int flags, const void *name,
			    socklen_t namelen)
{
	return COP_PLAIN_UDP;
}

static ssize_t plain_recvfrom(struct sock *sk, int fd, void *buf, size_t len,
			      int flags, void *name, socklen_t *namelen)
{
	return COP_PLAIN_UDP;
}

static ssize_t plain_sendmsg(struct sock *sk, int fd, const struct msghdr *msg,
			     int flags)
{
	return COP_PLAIN_UDP;
}

static ssize_t plain_recvmsg(struct sock *sk, int fd, struct msghdr *msg,
			     int flags)
{
	return COP_PLAIN_UDP;
}

static int plain_sendmmsg(struct sock *sk, int fd, struct mmsghdr *vec,
			  unsigned int n, int flags)
{
	return COP_PLAIN_UDP;
}

static int plain_recvmmsg(struct sock *sk, int fd, struct mmsghdr *vec,
			  unsigned int n, int flags, struct timespec *timeout)
{
	return COP_PLAIN_UDP;
}

const struct proto cop_plain_ops = {
	.name = "UDP",
	.mark = plain_mark,
	.shares_ports = true,
	.bind = plain_bind,
	.get_port = cop_get_port,
	.unhash = cop_unhash,
	.holds = cop_holds,
	.reclaim = cop_reclaim,
	.autobind = cop_plain_autobind,
	.autobound = cop_plain_autobound,
	.getname = plain_getname,
	.connect = plain_connect,
	.disconnect = plain_connect,
	.owns = plain_owns,
	.poll = plain_poll,
	.ioctl = plain_ioctl,
	.setsockopt = plain_setsockopt,
	.getsockopt = plain_getsockopt,
	.sendto = plain_sendto,
	.recvfrom = plain_recvfrom,
	.sendmsg = plain_sendmsg,
	.recvmsg = plain_recvmsg,
	.sendmmsg = plain_sendmmsg,
	.recvmmsg = plain_recvmmsg,
};
