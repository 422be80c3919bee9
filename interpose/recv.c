// SPDX-License-Identifier: MIT
/*
 * interpose/recv.c - the calls that receive: recvmmsg, readv, and what does not take
 * the short way of recv, recvfrom, recvmsg and read, which short.c has.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_recvfrom() and sock_read_iter() in net/socket.c.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/encap.h"
#include "inet/af_inet.h"
#include "interpose/interpose.h"
#include "interpose/long.h"
#include "lib/libc.h"
#include "cop_table.h"
#include "lib/uaccess.h"

/*
 * The descriptor is another socket by now. If the table still has the entry,
 * the program closed the socket unseen: what came is the new socket's data, and
 * the program gets it. If the entry has gone, another thread closed the socket
 * while this call waited: what came is not for this call, which was
 * interrupted. So it is if the entry is right: the memory of the closed socket is then
 * that of a new one, to which the descriptor leads.
 */
static noinline ssize_t stale_result(struct socket *sock, int fd, ssize_t ret)
{
	if (sockfd_lookup(fd) != sock || !fd_forget_gone(fd))
		return -EINTR;
	return ret & ~COP_RX_STALE;
}

static ssize_t recv_result(struct socket *sock, int fd, ssize_t ret)
{
	if (likely(ret < 0 || !(ret & COP_RX_STALE)))
		return ret;
	return stale_result(sock, fd, ret);
}

static ssize_t sock_recvmsg(struct socket *sock, int fd, struct msghdr *msg,
			    int flags)
{
	return recv_result(
		sock, fd, sock->sk->sk_prot->recvmsg(sock->sk, fd, msg, flags));
}

/*
 * Whether the program's memory for an address is writable, and its length valid. Where
 * there is room for the longest address, all of it has to be writable: if it is not,
 * recvfrom_fault() looks at what the kernel would write.
 */
static bool name_fits(const struct sockaddr *addr, const socklen_t *alen)
{
	return user_writable(alen, sizeof(*alen)) && (int)*alen >= 0 &&
	       user_writable(addr,
			     min_t(socklen_t, sizeof(union cop_addr), *alen));
}

/*
 * The kernel reports this fault after the receive: the datagram has left the
 * queue.
 */
static noinline ssize_t recvfrom_fault(struct socket *sock, int fd, void *buf,
				       size_t len, int flags,
				       struct sockaddr *addr, socklen_t *alen)
{
	struct sockaddr_storage from;
	socklen_t fromlen = sizeof(from);
	ssize_t ret;
	int err;

	ret = recv_result(sock, fd,
			  sock->sk->sk_prot->recvfrom(sock->sk, fd, buf, len,
						      flags, &from, &fromlen));
	if (ret < 0)
		return ret;
	err = name_export(fd, addr, alen, &from, fromlen);
	return err ? err : ret;
}

static ssize_t sock_recvfrom(struct socket *sock, int fd, void *buf, size_t len,
			     int flags, struct sockaddr *addr, socklen_t *alen)
{
	flags &= ~MSG_CMSG_COMPAT;
	if (unlikely(!user_range(buf, min_t(size_t, len, INT_MAX))))
		return -EFAULT;
	if (addr && unlikely(!name_fits(addr, alen)))
		return recvfrom_fault(sock, fd, buf, len, flags, addr, alen);
	return recv_result(sock, fd,
			   sock->sk->sk_prot->recvfrom(sock->sk, fd, buf, len,
						       flags, addr,
						       addr ? alen : NULL));
}

/*
 * A receive has failed, or has met a descriptor that is another socket now. Makes the
 * call again where the descriptor is not COP's any more.
 */
ssize_t recvfrom_end(int fd, ssize_t ret, int saved, void *buf, size_t len,
		     int flags, struct sockaddr *addr, socklen_t *alen,
		     struct socket *sock)
{
	ret = recv_result(sock, fd, ret);
	if (likely(!gone(fd, ret, saved)))
		return cop_return(ret, saved);
	return (cop_process_is_owner() ? recvfrom_any : cop_libc.recvfrom)(
		fd, buf, len, flags, addr, alen);
}

flatten ssize_t recvfrom_any(int fd, void *buf, size_t len, int flags,
			     struct sockaddr *addr, socklen_t *alen)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	ssize_t ret;

	if (unlikely(!sock))
		return cop_libc.recvfrom(fd, buf, len, flags, addr, alen);
	ret = sock_recvfrom(sock, fd, buf, len, flags, addr, alen);
	if (unlikely(ret < 0))
		return recvfrom_end(fd, ret, saved, buf, len, flags, addr, alen,
				    sock);
	return cop_return(ret, saved);
}

static ssize_t sock_recvmsg_user(struct socket *sock, int fd,
				 struct msghdr *umsg, int flags)
{
	struct msghdr msg;
	socklen_t room;
	ssize_t ret =
		flags & MSG_CMSG_COMPAT ? -EINVAL : msg_import(fd, &msg, umsg);

	if (ret)
		return ret;
	room = msg.msg_namelen;
	ret = sock_recvmsg(sock, fd, &msg, flags);
	if (ret < 0)
		return msg_export_fault(umsg, &msg, room, ret);
	return unlikely(msg_export(umsg, &msg)) ? -EFAULT : ret;
}

ssize_t recvmsg_end(int fd, ssize_t ret, int saved, struct msghdr *umsg,
		    const struct msghdr *msg, socklen_t room, int flags,
		    struct socket *sock)
{
	ret = recv_result(sock, fd, ret);
	if (ret < 0)
		ret = msg_export_fault(umsg, msg, room, ret);
	else if (msg_export(umsg, msg))
		ret = -EFAULT;
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN_LONG(recvmsg)(fd, umsg, flags);
	return cop_return(ret, saved);
}

ssize_t recvmsg_foreign(int fd, struct msghdr *msg, int flags)
{
	ssize_t ret = cop_libc.recvmsg(fd, msg, flags);

	if (ret >= 0 && unlikely(msg->msg_controllen))
		return refuse_rights(rights_receive(msg)) ?: ret;
	return ret;
}

flatten ssize_t recvmsg_long(int fd, struct msghdr *msg, int flags)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	ssize_t ret;

	if (unlikely(!sock))
		return recvmsg_foreign(fd, msg, flags);
	ret = sock_recvmsg_user(sock, fd, msg, flags);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN_LONG(recvmsg)(fd, msg, flags);
	return cop_return(ret, saved);
}

static noinline int sys_recvmmsg(struct socket *sock, int fd,
				 struct mmsghdr *vec, unsigned int n, int flags,
				 struct timespec *timeout)
{
	int saved = errno;
	int ret;

	if (flags & MSG_CMSG_COMPAT)
		ret = -EINVAL;
	else
		ret = sock->sk->sk_prot->recvmmsg(sock->sk, fd, vec, n, flags,
						  timeout);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN(recvmmsg)(fd, vec, n, flags, timeout);
	return cop_return(ret, saved);
}

static noinline int recvmmsg_foreign(int fd, struct mmsghdr *vec,
				     unsigned int n, int flags,
				     struct timespec *timeout)
{
	int ret = cop_libc.recvmmsg(fd, vec, n, flags, timeout);
	int err = 0;

	for (int i = 0; i < ret; i++)
		if (unlikely(vec[i].msg_hdr.msg_controllen))
			err = rights_receive(&vec[i].msg_hdr) ?: err;
	return refuse_rights(err) ?: ret;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
		    struct timespec *timeout)
{
	struct socket *sock = sockfd_lookup(fd);

	if (unlikely(sock))
		return sys_recvmmsg(sock, fd, vec, n, flags, timeout);
	return recvmmsg_foreign(fd, vec, n, flags, timeout);
}

ssize_t read_end(int fd, ssize_t ret, int saved, void *buf, size_t len,
		 struct socket *sock)
{
	ret = recv_result(sock, fd, ret);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN_LONG(read)(fd, buf, len);
	return cop_return(ret, saved);
}

/* Counterpart: sock_read_iter(). A read of 0 bytes leaves the datagram there. */
flatten ssize_t read_long(int fd, void *buf, size_t len)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	ssize_t ret;

	if (unlikely(!sock || !len || !user_range(buf, len)))
		return cop_libc.read(fd, buf, len);
	ret = sock_recvfrom(sock, fd, buf, len, cop_file_flags(), NULL, NULL);
	if (unlikely(ret < 0))
		return read_end(fd, ret, saved, buf, len, sock);
	return cop_return(ret, saved);
}

static ssize_t sock_readv(struct socket *sock, int fd, const struct iovec *iov,
			  int n, int flags)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	ssize_t len = iov_judge(fd, iov, n);

	return len > 0 ? sock_recvmsg(sock, fd, &msg, flags) : len;
}

static noinline flatten ssize_t sys_readv(struct socket *sock, int fd,
					  const struct iovec *iov, int n)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_readv(sock, fd, iov, n, cop_file_flags());
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN(readv)(fd, iov, n);
	return cop_return(ret, saved);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.readv(fd, iov, n);
	return sys_readv(sock, fd, iov, n);
}

static ssize_t sock_preadv2(struct socket *sock, int fd,
			    const struct iovec *iov, int n, off64_t off,
			    int flags)
{
	int msg_flags = rwf_to_msg(flags);
	ssize_t len;

	if (off != -1) /* a socket has no position: the kernel refuses */
		return cop_libc_result(
			cop_libc.preadv64v2(fd, iov, n, off, flags));
	len = iov_judge(fd, iov, n);
	if (len <= 0)
		return len;
	if (msg_flags < 0)
		return msg_flags;
	return sock_readv(sock, fd, iov, n, msg_flags);
}

static noinline ssize_t sys_preadv64v2(struct socket *sock, int fd,
				       const struct iovec *iov, int n,
				       off64_t off, int flags)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_preadv2(sock, fd, iov, n, off, flags);
	if (unlikely(gone(fd, ret, saved)))
		return AGAIN(preadv64v2)(fd, iov, n, off, flags);
	return cop_return(ret, saved);
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off64_t off,
			  int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.preadv64v2(fd, iov, n, off, flags);
	return sys_preadv64v2(sock, fd, iov, n, off, flags);
}

#ifdef __OFF_T_MATCHES_OFF64_T /* else wide.c has it */
ALIAS(preadv64v2)
ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t off, int flags);
#endif
