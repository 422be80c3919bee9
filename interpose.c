// SPDX-License-Identifier: MIT
/*
 * interpose.c - the calls on sockets, and reading and writing: look the
 * descriptor up, call its proto_ops, set errno; what is not ours goes to the
 * next definition of the symbol. interpose_fd.c and interpose_wait.c have the
 * calls on descriptors and those that wait.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: every room below.
 * Counterpart in the kernel: the sys_* calls of net/socket.c, and fs/read_write.c.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cop/compiler.h"
#include "cop/encap.h"
#include "cop/env.h"
#include "cop/inet.h"
#include "cop/interpose.h"
#include "cop/libc.h"
#include "cop/socket.h"
#include "cop/table.h"
#include "cop/uaccess.h"

static pthread_once_t cop_once = PTHREAD_ONCE_INIT;
static _Atomic(bool) cop_started;

static void cop_start(void)
{
	cop_libc_init();
	cop_env_init();
	inet_init();
	atomic_store_explicit(&cop_started, true, memory_order_release);
}

/* A socket may be asked for before the constructors have run. */
static __attribute__((constructor)) void cop_init(void)
{
	pthread_once(&cop_once, cop_start);
}

noinline void forget_number(int fd)
{
	int saved = errno;

	fd_forget(fd);
	errno = saved;
}

/*
 * Operations that change a socket keep it alive and are not left half-way:
 * cancellation acts before them. They don't block.
 */
static struct socket *op_begin(int fd, int *cancel)
{
	struct socket *sock;

	pthread_testcancel();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancel);
	sock = sockfd_get(fd);
	if (!sock)
		pthread_setcancelstate(*cancel, NULL);
	return sock;
}

static void op_end(struct socket *sock, int cancel)
{
	fd_drop(sock);
	pthread_setcancelstate(cancel, NULL);
}

/* ---- creation ---------------------------------------------------------- */

static int sock_map_fd(struct socket *sock, int flags)
{
	int fd = sock->ops->open(sock, flags);
	int err;

	if (fd < 0) {
		fd_drop(sock);
		return fd;
	}
	err = fd_install(fd, sock);
	if (!err)
		return fd;
	cop_libc.close(fd);
	return err;
}

static int sock_open(int domain, int type, int protocol)
{
	int flags = type & ~SOCK_TYPE_MASK;
	struct socket *sock;
	int err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = sock_create(domain, type & SOCK_TYPE_MASK, protocol, &sock);
	return err ? err : sock_map_fd(sock, flags);
}

static noinline int sys_socket(int domain, int type, int protocol)
{
	int saved = errno;

	return cop_return(sock_open(domain, type, protocol), saved);
}

EXPORT int socket(int domain, int type, int protocol)
{
	if (unlikely(!READ_ONCE(cop_started)))
		cop_init();
	if (likely(!sock_is_ours(domain, type)))
		return foreign_fd(cop_libc.socket(domain, type, protocol));
	return sys_socket(domain, type, protocol);
}

static int sock_pair(int domain, int type, int protocol)
{
	struct socket *one, *two;
	int err;

	if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	type &= SOCK_TYPE_MASK;
	err = sock_create(domain, type, protocol, &one);
	if (err)
		return err;
	err = sock_create(domain, type, protocol, &two);
	if (!err) {
		err = one->ops->socketpair(one, two);
		fd_drop(two);
	}
	fd_drop(one);
	return err;
}

static noinline int sys_socketpair(int domain, int type, int protocol)
{
	int saved = errno;

	return cop_return(sock_pair(domain, type, protocol), saved);
}

EXPORT int socketpair(int domain, int type, int protocol, int sv[2])
{
	int ret;

	if (unlikely(!READ_ONCE(cop_started)))
		cop_init();
	if (unlikely(sock_is_ours(domain, type)))
		return sys_socketpair(domain, type, protocol);
	ret = cop_libc.socketpair(domain, type, protocol, sv);
	if (!ret) {
		foreign_fd(sv[0]);
		foreign_fd(sv[1]);
	}
	return ret;
}

EXPORT int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return foreign_fd(cop_libc.accept(fd, addr, len));
}

EXPORT int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return foreign_fd(cop_libc.accept4(fd, addr, len, flags));
}

/* ---- naming ------------------------------------------------------------ */

/* Whether the port was held by a socket whose descriptor was closed unseen. */
static bool forget_holder(const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_in want;

	if (len < sizeof(want))
		return false;
	memcpy(&want, addr, sizeof(want));
	return want.sin_port && fd_forget_stale(ntohs(want.sin_port));
}

static noinline int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct socket *sock = sockfd_get(fd);
	int saved = errno;
	int err;

	if (!sock)
		return cop_libc.bind(fd, addr, len);
	err = sock->ops->bind(sock, fd, addr, len);
	if (unlikely(err == -EADDRINUSE) && forget_holder(addr, len))
		err = sock->ops->bind(sock, fd, addr, len);
	fd_drop(sock);
	if (unlikely(gone(fd, err, saved)))
		return cop_libc.bind(fd, addr, len);
	return cop_return(err, saved);
}

EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.bind(fd, addr, len);
	return sys_bind(fd, addr, len);
}

static noinline int sys_connect(int fd, const struct sockaddr *addr,
				socklen_t len)
{
	int saved = errno;
	struct socket *sock;
	int cancel, err;

	sock = op_begin(fd, &cancel);
	if (!sock)
		return cop_libc.connect(fd, addr, len);
	err = sock->ops->connect(sock, fd, addr, len);
	op_end(sock, cancel);
	if (unlikely(gone(fd, err, saved)))
		return cop_libc.connect(fd, addr, len);
	return cop_return(err, saved);
}

EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.connect(fd, addr, len);
	return sys_connect(fd, addr, len);
}

static noinline int sys_getsockname(int fd, struct sockaddr *addr,
				    socklen_t *len)
{
	struct socket *sock = sockfd_get(fd);
	int saved = errno;
	int err;

	if (!sock)
		return cop_libc.getsockname(fd, addr, len);
	err = sock->ops->getname(sock, fd, addr, len);
	fd_drop(sock);
	return cop_return(err, saved);
}

EXPORT int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.getsockname(fd, addr, len);
	return sys_getsockname(fd, addr, len);
}

/* ---- options ----------------------------------------------------------- */

static noinline int sys_setsockopt(struct socket *sock, int fd, int level,
				   int name, const void *val, socklen_t len)
{
	int saved = errno;
	int err;

	err = sock->ops->setsockopt(sock, fd, level, name, val, len);
	if (unlikely(gone(fd, err, saved)))
		return cop_libc.setsockopt(fd, level, name, val, len);
	return cop_return(err, saved);
}

EXPORT int setsockopt(int fd, int level, int name, const void *val,
		      socklen_t len)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.setsockopt(fd, level, name, val, len);
	return sys_setsockopt(sock, fd, level, name, val, len);
}

static noinline int sys_getsockopt(struct socket *sock, int fd, int level,
				   int name, void *val, socklen_t *len)
{
	int saved = errno;
	int err;

	err = sock->ops->getsockopt(sock, fd, level, name, val, len);
	if (unlikely(gone(fd, err, saved)))
		return cop_libc.getsockopt(fd, level, name, val, len);
	return cop_return(err, saved);
}

EXPORT int getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.getsockopt(fd, level, name, val, len);
	return sys_getsockopt(sock, fd, level, name, val, len);
}

static noinline int sys_ioctl(struct socket *sock, int fd, unsigned long cmd,
			      void *arg)
{
	int saved = errno;
	int err = sock->ops->ioctl(sock, fd, cmd, arg);

	if (unlikely(gone(fd, err, saved)))
		return cop_libc.ioctl(fd, cmd, arg);
	return cop_return(err, saved);
}

EXPORT int ioctl(int fd, unsigned long cmd, ...)
{
	struct socket *sock = sockfd_lookup(fd);
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (likely(!sock))
		return cop_libc.ioctl(fd, cmd, arg);
	return sys_ioctl(sock, fd, cmd, arg);
}

/* ---- sending ----------------------------------------------------------- */

/* One datagram, or where @vec is not NULL @n of them. */
struct send_call {
	const struct msghdr *msg;
	struct mmsghdr *vec;
	unsigned int n;
	int flags;
};

static ssize_t send_now(struct socket *sock, int fd,
			const struct send_call *call)
{
	if (call->vec)
		return sock->ops->sendmmsg(sock, fd, call->vec, call->n,
					   call->flags);
	return sock->ops->sendmsg(sock, fd, call->msg, call->flags);
}

static void autobind_begin(int fd)
{
	struct socket *sock = sockfd_get(fd);

	if (!sock)
		return;
	sock->ops->autobind(sock, fd);
	fd_drop(sock);
}

static bool autobind_end(int fd)
{
	struct socket *sock = sockfd_get(fd);
	bool bound;

	if (!sock)
		return true;
	bound = sock->ops->autobound(sock, fd);
	fd_drop(sock);
	return bound;
}

/*
 * The counterpart of inet_send_prepare: a socket without a port gets one in the
 * send itself. The send may block or be cancelled, so the socket is kept alive
 * ahead of it and behind it, but not during it. A second time is for a port
 * that turned out to be another process's.
 */
static noinline ssize_t send_unbound(struct socket *sock, int fd,
				     const struct send_call *call)
{
	ssize_t ret = -EAGAIN;
	bool bound = false;

	for (int i = 0; i < 2 && ret == -EAGAIN && !bound; i++) {
		autobind_begin(fd);
		ret = send_now(sock, fd, call);
		bound = autobind_end(fd);
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

static ssize_t sock_sendto(struct socket *sock, int fd, const void *buf,
			   size_t len, int flags, const struct sockaddr *addr,
			   socklen_t alen)
{
	int err = addr ? inet_addr_fits(addr, alen) : 0;

	if (unlikely(err))
		return err;
	if (unlikely(!READ_ONCE(inet_sk(sock->sk)->inet_sport)))
		return sendto_unbound(sock, fd, buf, len, flags, addr, alen);
	return sock->ops->sendto(sock, fd, buf, len, flags, addr, alen);
}

static noinline flatten ssize_t sys_sendto(struct socket *sock, int fd,
					   const void *buf, size_t len,
					   int flags,
					   const struct sockaddr *addr,
					   socklen_t alen)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_sendto(sock, fd, buf, len, flags, addr, alen);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.sendto(fd, buf, len, flags, addr, alen);
	return cop_return(ret, saved);
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t len, int flags,
		      const struct sockaddr *addr, socklen_t alen)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.sendto(fd, buf, len, flags, addr, alen);
	return sys_sendto(sock, fd, buf, len, flags, addr, alen);
}

static noinline flatten ssize_t sys_send(struct socket *sock, int fd,
					 const void *buf, size_t len, int flags)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_sendto(sock, fd, buf, len, flags, NULL, 0);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.send(fd, buf, len, flags);
	return cop_return(ret, saved);
}

EXPORT ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.send(fd, buf, len, flags);
	return sys_send(sock, fd, buf, len, flags);
}

/* What copy_msghdr_from_user makes of a name before anyone looks at it. */
static ssize_t msg_import(struct msghdr *msg, const struct msghdr *umsg)
{
	if (!access_ok(umsg, sizeof(*umsg)))
		return -EFAULT;
	*msg = *umsg;
	msg->msg_flags = 0;
	if ((int)msg->msg_namelen < 0)
		return -EINVAL;
	if (msg->msg_namelen > sizeof(struct sockaddr_storage))
		msg->msg_namelen = sizeof(struct sockaddr_storage);
	if (!msg->msg_name)
		msg->msg_namelen = 0;
	return 0;
}

static ssize_t sock_sendmsg_user(struct socket *sock, int fd,
				 const struct msghdr *umsg, int flags)
{
	struct msghdr msg;
	ssize_t ret = msg_import(&msg, umsg);

	if (ret)
		return ret;
	if (!msg.msg_namelen)
		msg.msg_name = NULL;
	if (msg.msg_name && !access_ok(msg.msg_name, msg.msg_namelen))
		return -EFAULT;
	return sock_sendmsg(sock, fd, &msg, flags);
}

static noinline flatten ssize_t sys_sendmsg(struct socket *sock, int fd,
					    const struct msghdr *msg, int flags)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_sendmsg_user(sock, fd, msg, flags);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.sendmsg(fd, msg, flags);
	return cop_return(ret, saved);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.sendmsg(fd, msg, flags);
	return sys_sendmsg(sock, fd, msg, flags);
}

static noinline int sys_sendmmsg(struct socket *sock, int fd,
				 struct mmsghdr *vec, unsigned int n, int flags)
{
	int saved = errno;
	struct send_call call = { .vec = vec, .n = n, .flags = flags };
	int ret;

	if (!n || !vec)
		return cop_libc.sendmmsg(fd, vec, n, flags);
	ret = sock_send(sock, fd, &call);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.sendmmsg(fd, vec, n, flags);
	return cop_return(ret, saved);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.sendmmsg(fd, vec, n, flags);
	return sys_sendmmsg(sock, fd, vec, n, flags);
}

static noinline flatten ssize_t sys_write(struct socket *sock, int fd,
					  const void *buf, size_t len)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_sendto(sock, fd, buf, len, 0, NULL, 0);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.write(fd, buf, len);
	return cop_return(ret, saved);
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.write(fd, buf, len);
	return sys_write(sock, fd, buf, len);
}

/* As vfs_writev and vfs_readv: nothing to move is nothing to do. */
static bool iov_is_empty(const struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

	return n >= 0 && !cop_iov_length(&msg);
}

static ssize_t sock_writev(struct socket *sock, int fd, const struct iovec *iov,
			   int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	if (iov_is_empty(iov, n))
		return cop_libc_result(cop_libc.writev(fd, iov, n));
	return sock_sendmsg(sock, fd, &msg, 0);
}

static noinline flatten ssize_t sys_writev(struct socket *sock, int fd,
					   const struct iovec *iov, int n)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_writev(sock, fd, iov, n);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.writev(fd, iov, n);
	return cop_return(ret, saved);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.writev(fd, iov, n);
	return sys_writev(sock, fd, iov, n);
}

#define RWF_NOSIGNAL_FLAG 0x100 /* newer than libc's headers, as are the */
#define RWF_NOAPPEND_FLAG 0x20	/* kernels that know of it */
#define RWF_MEANINGLESS	  (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND)

/*
 * The flags of preadv2() and pwritev2() as those of a message. Most mean
 * nothing to a socket. Returns -EOPNOTSUPP for what sockets do not know.
 */
static int rwf_to_msg(int flags)
{
	int known = RWF_MEANINGLESS | RWF_NOWAIT | RWF_NOAPPEND_FLAG |
		    RWF_NOSIGNAL_FLAG;

	if (flags & ~known)
		return -EOPNOTSUPP;
	if (flags & RWF_APPEND && flags & RWF_NOAPPEND_FLAG)
		return -EINVAL;
	return (flags & RWF_NOWAIT ? MSG_DONTWAIT : 0) |
	       (flags & RWF_NOSIGNAL_FLAG ? MSG_NOSIGNAL : 0);
}

static ssize_t sock_pwritev2(struct socket *sock, int fd,
			     const struct iovec *iov, int n, off64_t off,
			     int flags)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	int msg_flags = rwf_to_msg(flags);

	if (off != -1 || n < 0 || n > IOV_MAX || iov_is_empty(iov, n))
		return cop_libc_result(
			cop_libc.pwritev64v2(fd, iov, n, off, flags));
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
		return cop_libc.pwritev64v2(fd, iov, n, off, flags);
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

/* ---- receiving --------------------------------------------------------- */

/* The descriptor turned out to be another's: what it got is handed over. */
static ssize_t stale_result(int fd, ssize_t ret)
{
	if (likely(ret < 0 || !(ret & COP_RX_STALE)))
		return ret;
	fd_forget(fd);
	return ret & ~COP_RX_STALE;
}

static ssize_t sock_recvmsg(struct socket *sock, int fd, struct msghdr *msg,
			    int flags)
{
	return stale_result(fd, sock->ops->recvmsg(sock, fd, msg, flags));
}

static ssize_t sock_recvfrom(struct socket *sock, int fd, void *buf, size_t len,
			     int flags, struct sockaddr *addr, socklen_t *alen)
{
	if (addr && !access_ok(alen, sizeof(*alen)))
		return -EFAULT;
	return stale_result(fd, sock->ops->recvfrom(sock, fd, buf, len, flags,
						    addr, addr ? alen : NULL));
}

static noinline flatten ssize_t sys_recvfrom(struct socket *sock, int fd,
					     void *buf, size_t len, int flags,
					     struct sockaddr *addr,
					     socklen_t *alen)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_recvfrom(sock, fd, buf, len, flags, addr, alen);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.recvfrom(fd, buf, len, flags, addr, alen);
	return cop_return(ret, saved);
}

EXPORT ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *alen)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.recvfrom(fd, buf, len, flags, addr, alen);
	return sys_recvfrom(sock, fd, buf, len, flags, addr, alen);
}

static noinline flatten ssize_t sys_recv(struct socket *sock, int fd, void *buf,
					 size_t len, int flags)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_recvfrom(sock, fd, buf, len, flags, NULL, NULL);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.recv(fd, buf, len, flags);
	return cop_return(ret, saved);
}

EXPORT ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.recv(fd, buf, len, flags);
	return sys_recv(sock, fd, buf, len, flags);
}

static ssize_t sock_recvmsg_user(struct socket *sock, int fd,
				 struct msghdr *umsg, int flags)
{
	struct msghdr msg;
	ssize_t ret = msg_import(&msg, umsg);

	if (ret)
		return ret;
	ret = sock_recvmsg(sock, fd, &msg, flags);
	if (ret < 0)
		return ret;
	umsg->msg_namelen = msg.msg_namelen;
	umsg->msg_controllen = msg.msg_controllen;
	umsg->msg_flags = msg.msg_flags;
	return ret;
}

static noinline flatten ssize_t sys_recvmsg(struct socket *sock, int fd,
					    struct msghdr *msg, int flags)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_recvmsg_user(sock, fd, msg, flags);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.recvmsg(fd, msg, flags);
	return cop_return(ret, saved);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.recvmsg(fd, msg, flags);
	return sys_recvmsg(sock, fd, msg, flags);
}

static noinline int sys_recvmmsg(struct socket *sock, int fd,
				 struct mmsghdr *vec, unsigned int n, int flags,
				 struct timespec *timeout)
{
	int saved = errno;
	int ret;

	ret = sock->ops->recvmmsg(sock, fd, vec, n, flags, timeout);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.recvmmsg(fd, vec, n, flags, timeout);
	return cop_return(ret, saved);
}

EXPORT int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
		    struct timespec *timeout)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock))
		return cop_libc.recvmmsg(fd, vec, n, flags, timeout);
	return sys_recvmmsg(sock, fd, vec, n, flags, timeout);
}

/* As sock_read_iter: a read of nothing leaves the datagram there. */
static noinline flatten ssize_t sys_read(struct socket *sock, int fd, void *buf,
					 size_t len)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_recvfrom(sock, fd, buf, len, 0, NULL, NULL);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.read(fd, buf, len);
	return cop_return(ret, saved);
}

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock) || unlikely(!len))
		return cop_libc.read(fd, buf, len);
	return sys_read(sock, fd, buf, len);
}

static ssize_t sock_readv(struct socket *sock, int fd, const struct iovec *iov,
			  int n, int flags)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

	return sock_recvmsg(sock, fd, &msg, flags);
}

static noinline flatten ssize_t sys_readv(struct socket *sock, int fd,
					  const struct iovec *iov, int n)
{
	int saved = errno;
	ssize_t ret;

	ret = sock_readv(sock, fd, iov, n, 0);
	if (unlikely(gone(fd, ret, saved)))
		return cop_libc.readv(fd, iov, n);
	return cop_return(ret, saved);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock) || n < 0 || n > IOV_MAX || iov_is_empty(iov, n))
		return cop_libc.readv(fd, iov, n);
	return sys_readv(sock, fd, iov, n);
}

static ssize_t sock_preadv2(struct socket *sock, int fd,
			    const struct iovec *iov, int n, off64_t off,
			    int flags)
{
	int msg_flags = rwf_to_msg(flags);

	if (off != -1 || n < 0 || n > IOV_MAX || iov_is_empty(iov, n))
		return cop_libc_result(
			cop_libc.preadv64v2(fd, iov, n, off, flags));
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
		return cop_libc.preadv64v2(fd, iov, n, off, flags);
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

/* The fortified names: a length beyond the buffer ends the program in libc. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t buflen)
{
	if (likely(!sockfd_lookup(fd)) || len > buflen)
		return cop_libc.__read_chk(fd, buf, len, buflen);
	return read(fd, buf, len);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t len, size_t buflen,
			  int flags)
{
	if (likely(!sockfd_lookup(fd)) || len > buflen)
		return cop_libc.__recv_chk(fd, buf, len, buflen, flags);
	return recv(fd, buf, len, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t buflen,
			      int flags, struct sockaddr *addr, socklen_t *alen)
{
	if (likely(!sockfd_lookup(fd)) || len > buflen)
		return cop_libc.__recvfrom_chk(fd, buf, len, buflen, flags,
					       addr, alen);
	return recvfrom(fd, buf, len, flags, addr, alen);
}

/* ---- other names for the same ------------------------------------------ */

ALIAS(preadv64v2)
ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t off, int flags);
ALIAS(pwritev64v2)
ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off, int flags);
ALIAS(connect) int __connect(int fd, const struct sockaddr *a, socklen_t len);
ALIAS(read) ssize_t __read(int fd, void *buf, size_t len);
ALIAS(send) ssize_t __send(int fd, const void *buf, size_t len, int flags);
ALIAS(write) ssize_t __write(int fd, const void *buf, size_t len);
