// SPDX-License-Identifier: MIT
/*
 * inet/missing.c - struct proto cop_missing_prot: a socket of a transport that this
 * process does not have. Another process has made it, and the module can't be loaded
 * here. Also what a program gets whose sockets shall be adopted on such a transport.
 *
 * Owns: cop_missing_prot. Protected by: proto_register() completes it while the library
 * starts, and nothing writes it later. Counterpart in the kernel: the sock_no_*()
 * functions in net/core/sock.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "inet/missing.h"
#include "lib/compiler.h"
#include "lib/kernel_socket.h"
#include "lib/libc.h"
#include "socket/sock.h"

/* To fail, a function here needs nothing that it is called with. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static void missing_close(struct sock *sk)
{
	sk_common_release(sk);
}

static void missing_report(struct sock *sk, int fd)
{
}

static int missing_open(struct sock *sk, int flags)
{
	return -EPROTONOSUPPORT;
}

static int missing_adopt(struct sock *sk, int fd, const struct cop_mark *mark)
{
	return sock_is_udp(fd, sk->sk_family) ? 0 : -ENOENT;
}

/* The mark that the socket came with stays right. */
static void missing_mark(struct sock *sk, int fd)
{
}

static int missing_bind(struct sock *sk, int fd, const union cop_addr *addr)
{
	return -EPROTONOSUPPORT;
}

/* The send that follows fails. */
static int missing_autobind(struct sock *sk, int fd)
{
	return 0;
}

static bool missing_autobound(struct sock *sk, int fd, int err)
{
	return true;
}

static int missing_getname(struct sock *sk, int fd, struct sockaddr *uaddr,
			   socklen_t *addr_len)
{
	return cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));
}

static int missing_connect(struct sock *sk, int fd,
			   const struct sockaddr *uaddr, socklen_t addr_len)
{
	return -EPROTONOSUPPORT;
}

static bool missing_poll(struct sock *sk, int fd)
{
	return true;
}

/* What the kernel would say of the queue counts headers. */
static int missing_ioctl(struct sock *sk, int fd, unsigned long cmd, void *arg)
{
	if (cmd == FIONREAD || cmd == TIOCOUTQ)
		return -EPROTONOSUPPORT;
	return cop_libc_result(cop_libc.ioctl(fd, cmd, arg));
}

static int missing_setsockopt(struct sock *sk, int fd, int level, int optname,
			      const void *optval, socklen_t optlen)
{
	return -EPROTONOSUPPORT;
}

/* What kind of socket it is, and whether there is an error: programs ask for these. */
static int missing_getsockopt(struct sock *sk, int fd, int level, int optname,
			      void *optval, socklen_t *optlen)
{
	int value, err;

	if (level != SOL_SOCKET ||
	    (optname != SO_TYPE && optname != SO_PROTOCOL &&
	     optname != SO_DOMAIN && optname != SO_ERROR))
		return -EPROTONOSUPPORT;
	err = cop_libc_result(
		cop_libc.getsockopt(fd, level, optname, optval, optlen));
	if (err || optname == SO_DOMAIN || optname == SO_ERROR)
		return err;
	value = optname == SO_TYPE ? sk->sk_type : sk->sk_protocol;
	memcpy(optval, &value, min_t(socklen_t, *optlen, sizeof(value)));
	return 0;
}

static ssize_t missing_sendto(struct sock *sk, int fd, const void *buf,
			      size_t len, int flags, const void *name,
			      socklen_t namelen)
{
	return -EPROTONOSUPPORT;
}

static ssize_t missing_recvfrom(struct sock *sk, int fd, void *buf, size_t len,
				int flags, void *name, socklen_t *namelen)
{
	return -EPROTONOSUPPORT;
}

static ssize_t missing_sendmsg(struct sock *sk, int fd,
			       const struct msghdr *msg, int flags)
{
	return -EPROTONOSUPPORT;
}

static ssize_t missing_recvmsg(struct sock *sk, int fd, struct msghdr *msg,
			       int flags)
{
	return -EPROTONOSUPPORT;
}

static int missing_sendmmsg(struct sock *sk, int fd, struct mmsghdr *vec,
			    unsigned int n, int flags)
{
	return -EPROTONOSUPPORT;
}

static int missing_recvmmsg(struct sock *sk, int fd, struct mmsghdr *vec,
			    unsigned int n, int flags, struct timespec *timeout)
{
	return -EPROTONOSUPPORT;
}

struct proto cop_missing_prot = {
	.name = "missing",
	.close = missing_close,
	.report = missing_report,
	.open = missing_open,
	.adopt = missing_adopt,
	.mark = missing_mark,
	.bind = missing_bind,
	.autobind = missing_autobind,
	.autobound = missing_autobound,
	.getname = missing_getname,
	.connect = missing_connect,
	.disconnect = missing_connect,
	.poll = missing_poll,
	.ioctl = missing_ioctl,
	.setsockopt = missing_setsockopt,
	.getsockopt = missing_getsockopt,
	.sendto = missing_sendto,
	.recvfrom = missing_recvfrom,
	.sendmsg = missing_sendmsg,
	.recvmsg = missing_recvmsg,
	.sendmmsg = missing_sendmmsg,
	.recvmmsg = missing_recvmmsg,
};
