// SPDX-License-Identifier: MIT
/*
 * interpose/send.c - the calls that send: sendmmsg, writev, and what does not take the
 * short way of send, sendto, sendmsg and write, which short.c has.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_sendto() and sock_write_iter() in net/socket.c.
 */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/sockname.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/encap.h"
#include "interpose/interpose.h"
#include "interpose/long.h"
#include "lib/libc.h"
#include "cop_table.h"
#include "socket/hold.h"
#include "lib/uaccess.h"

/* One datagram, @msg; or @n datagrams, @vec, if @msg is NULL. */
struct send_call {
	const struct msghdr *msg;
	struct mmsghdr *vec;
	unsigned int n;
	int flags;
};

static ssize_t send_now(struct socket *sock, int fd,
			const struct send_call *call)
{
	if (call->msg)
		return sock->sk->sk_prot->sendmsg(sock->sk, fd, call->msg,
						  call->flags);
	return sock->sk->sk_prot->sendmmsg(sock->sk, fd, call->vec, call->n,
					   call->flags);
}

static int autobind_begin(int fd)
{
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);
	int err = sock ? sock->sk->sk_prot->autobind(sock->sk, fd) : 0;

	fd_unhold(sock, at);
	return err;
}

static bool autobind_end(int fd, ssize_t ret)
{
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);
	bool bound = true;

	if (sock)
		bound = sock->sk->sk_prot->autobound(sock->sk, fd,
						     ret < 0 ? ret : 0);
	fd_unhold(sock, at);
	return bound;
}

/*
 * Counterpart: inet_send_prepare(). The kernel gives a socket without a port
 * one during the send. The send may block or be cancelled, so this call holds a
 * reference before it and after it, but not during it. It sends a second time
 * if the port turns out to be another process's.
 */
static noinline ssize_t send_unbound(struct socket *sock, int fd,
				     const struct send_call *call)
{
	ssize_t ret = -EAGAIN;
	bool bound = false;

	for (int i = 0; i < 2 && ret == -EAGAIN && !bound; i++) {
		ret = autobind_begin(fd) ?: send_now(sock, fd, call);
		bound = autobind_end(fd, ret);
	}
	return ret;
}

static ssize_t sock_send(struct socket *sock, int fd,
			 const struct send_call *call)
{
	if (likely(READ_ONCE(inet_sk(sock->sk)->inet_sport)))
		return send_now(sock, fd, call);
	return send_unbound(sock, fd, call);
}

static ssize_t sock_sendmsg(struct socket *sock, int fd,
			    const struct msghdr *msg, int flags)
{
	struct send_call call = { .msg = msg, .flags = flags };

	return sock_send(sock, fd, &call);
}

static noinline ssize_t sendto_unbound(struct socket *sock, int fd,
				       const void *buf, size_t len, int flags,
				       const struct sockaddr *addr,
				       socklen_t alen)
{
	struct iovec iov = { (void *)buf, min_t(size_t, len, INT_MAX) };
	struct msghdr msg = { .msg_name = (void *)addr,
			      .msg_namelen = alen,
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	return sock_sendmsg(sock, fd, &msg, flags);
}

static const struct sockaddr too_short;

static ssize_t sock_sendto(struct socket *sock, int fd, const void *buf,
			   size_t len, int flags, const struct sockaddr *addr,
			   socklen_t alen)
{
	int err = addr ? cop_addr_fits(fd, addr, alen) : 0;

	if (unlikely(!user_range(buf, min_t(size_t, len, INT_MAX))))
		return -EFAULT;
	if (unlikely(err))
		return err;
	if (unlikely(addr && !alen)) { /* sendmsg() would ignore the name */
		addr = &too_short;
		alen = sizeof(addr->sa_family) - 1;
	}
	flags &= ~MSG_CMSG_COMPAT;
	if (unlikely(!READ_ONCE(inet_sk(sock->sk)->inet_sport)) &&
	    !cop_confined())
		return sendto_unbound(sock, fd, buf, len, flags, addr, alen);
	return sock->sk->sk_prot->sendto(sock->sk, fd, buf, len, flags, addr,
					 alen);
}

/* A send has failed. Makes the call again where the descriptor is not COP's any more. */
ssize_t sendto_failed(int fd, ssize_t err, int saved, const void *buf,
		      size_t len, int flags, const struct sockaddr *addr,
		      socklen_t alen)
{
	if (unlikely(gone(fd, err, saved)))
		return AGAIN_LONG(sendto)(fd, buf, len, flags, addr, alen);
	return cop_return(err, saved);
}

/* Every send that can't take the short way, and has one buffer. */
flatten ssize_t sendto_long(int fd, const void *buf, size_t len, int flags,
			    const struct sockaddr *addr, socklen_t alen)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	ssize_t ret;

	if (unlikely(!sock))
		return cop_libc.sendto(fd, buf, len, flags, addr, alen);
	ret = sock_sendto(sock, fd, buf, len, flags, addr, alen);
	if (unlikely(ret < 0))
		return sendto_failed(fd, ret, saved, buf, len, flags, addr,
				     alen);
	return cop_return(ret, saved);
}

static ssize_t sock_sendmsg_user(struct socket *sock, int fd,
				 const struct msghdr *umsg, int flags)
{
	struct msghdr msg;
	ssize_t ret =
		flags & MSG_CMSG_COMPAT ? -EINVAL : msg_import(fd, &msg, umsg);

	if (!ret)
		ret = msg_import_name(fd, &msg);
	if (ret)
		return ret;
	return sock_sendmsg(sock, fd, &msg, flags);
}

ssize_t sendmsg_foreign(int fd, const struct msghdr *msg, int flags)
{
	if (any_ours())
		rights_send(msg);
	return cop_libc.sendmsg(fd, msg, flags);
}

ssize_t sendmsg_failed(int fd, ssize_t err, int saved, const struct msghdr *msg,
		       int flags)
{
	if (unlikely(gone(fd, err, saved)))
		return AGAIN_LONG(sendmsg)(fd, msg, flags);
	return cop_return(err, saved);
}

flatten ssize_t sendmsg_long(int fd, const struct msghdr *msg, int flags)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	ssize_t ret;

	if (unlikely(!sock))
		return sendmsg_foreign(fd, msg, flags);
	ret = sock_sendmsg_user(sock, fd, msg, flags);
	if (unlikely(ret < 0))
		return sendmsg_failed(fd, ret, saved, msg, flags);
	return cop_return(ret, saved);
}

static noinline int sys_sendmmsg(struct socket *sock, int fd,
				 struct mmsghdr *vec, unsigned int n, int flags)
{
	int saved = errno;
	struct send_call call = { .vec = vec, .n = n, .flags = flags };
	int ret;

	if (flags & MSG_CMSG_COMPAT)
		ret = -EINVAL;
	else if (!n)
		ret = msg_refuse(fd, 0);
	else
		ret = sock_send(sock, fd, &call);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN(sendmmsg)(fd, vec, n, flags);
	return cop_return(ret, saved);
}

/*
 * The kernel sends IOV_MAX messages at most, and stops at one that it can't
 * read.
 */
static noinline void rights_send_many(const struct mmsghdr *vec, unsigned int n)
{
	int ours = fd_any();

	n = min_t(unsigned int, n, IOV_MAX);
	for (unsigned int i = 0; i < n && ours >= 0; i++) {
		if (!user_readable(ours, &vec[i], sizeof(vec[i])))
			return;
		rights_send(&vec[i].msg_hdr);
	}
}

static int sendmmsg_foreign(int fd, struct mmsghdr *vec, unsigned int n,
			    int flags)
{
	if (any_ours())
		rights_send_many(vec, n);
	return cop_libc.sendmmsg(fd, vec, n, flags);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return sendmmsg_foreign(fd, vec, n, flags);
	return sys_sendmmsg(sock, fd, vec, n, flags);
}

ssize_t write_failed(int fd, ssize_t err, int saved, const void *buf,
		     size_t len)
{
	if (unlikely(gone(fd, err, saved)))
		return AGAIN_LONG(write)(fd, buf, len);
	return cop_return(err, saved);
}

flatten ssize_t write_long(int fd, const void *buf, size_t len)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	ssize_t ret;

	if (unlikely(!sock || !user_range(buf, len)))
		return cop_libc.write(fd, buf, len);
	ret = sock_sendto(sock, fd, buf, len, cop_file_flags(), NULL, 0);
	if (unlikely(ret < 0))
		return write_failed(fd, ret, saved, buf, len);
	return cop_return(ret, saved);
}

static ssize_t sock_writev(struct socket *sock, int fd, const struct iovec *iov,
			   int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	ssize_t len = iov_judge(fd, iov, n);

	return len > 0 ? sock_sendmsg(sock, fd, &msg, cop_file_flags()) : len;
}

static noinline flatten ssize_t sys_writev(struct socket *sock, int fd,
					   const struct iovec *iov, int n)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_writev(sock, fd, iov, n);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN(writev)(fd, iov, n);
	return cop_return(ret, saved);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.writev(fd, iov, n);
	return sys_writev(sock, fd, iov, n);
}

static ssize_t sock_pwritev2(struct socket *sock, int fd,
			     const struct iovec *iov, int n, off64_t off,
			     int flags)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	int msg_flags = rwf_to_msg(flags);
	ssize_t len;

	if (off != -1) /* a socket has no position: the kernel refuses */
		return cop_libc_result(
			cop_libc.pwritev64v2(fd, iov, n, off, flags));
	len = iov_judge(fd, iov, n);
	if (len <= 0)
		return len;
	if (msg_flags < 0)
		return msg_flags;
	return sock_sendmsg(sock, fd, &msg, msg_flags);
}

static noinline ssize_t sys_pwritev64v2(struct socket *sock, int fd,
					const struct iovec *iov, int n,
					off64_t off, int flags)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_pwritev2(sock, fd, iov, n, off, flags);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN(pwritev64v2)(fd, iov, n, off, flags);
	return cop_return(ret, saved);
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off64_t off,
			   int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.pwritev64v2(fd, iov, n, off, flags);
	return sys_pwritev64v2(sock, fd, iov, n, off, flags);
}

#ifdef __OFF_T_MATCHES_OFF64_T /* else wide.c has it */
ALIAS(pwritev64v2)
ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off, int flags);
#endif
