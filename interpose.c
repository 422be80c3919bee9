// SPDX-License-Identifier: MIT
/*
 * interpose.c - the calls that make, name and set up sockets. As in every
 * interpose file, a call looks the descriptor up, calls its proto_ops, and sets
 * errno. A call on a foreign descriptor goes to the next definition of the
 * symbol.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * the sys_* calls of net/socket.c, and fs/read_write.c.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cop.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/encap.h"
#include "lib/env.h"
#include "inet/af_inet.h"
#include "socket/hold.h"
#include "socket/inherit.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "lib/scratch.h"
#include "lib/sockname.h"
#include "socket/pass.h"
#include "socket/security.h"
#include "socket/socket.h"
#include "cop_table.h"
#include "lib/uaccess.h"

/* ---- creation ---------------------------------------------------------- */

typedef int create_fn(int family, int type, int protocol, struct socket **res);

/*
 * A thread with its own descriptor table can't have COP sockets: they need the
 * table.
 */
static int sock_open(int domain, int type, int protocol, create_fn *create)
{
	int flags = type & ~SOCK_TYPE_MASK;
	struct socket *sock;
	int err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	if (unlikely(cop_process_has_parted()))
		return -ESOCKTNOSUPPORT;
	err = create(domain, type & SOCK_TYPE_MASK, protocol, &sock);
	return err ? err : sock_map_fd(sock, flags);
}

static noinline flatten int sys_socket(int domain, int type, int protocol)
{
	int saved = errno;

	return cop_return(sock_open(domain, type, protocol, sock_create),
			  saved);
}

/*
 * The kernel has refused it, so a module may have it: see inet_request(). As in the
 * kernel, the policies are asked before a module is. Returns 0 if a module has it now.
 */
static int sock_request(int domain, int kind, int protocol, int refusal)
{
	int err;

	if ((refusal != ESOCKTNOSUPPORT && refusal != EPROTONOSUPPORT &&
	     refusal != EAFNOSUPPORT) ||
	    !inet_may_request(domain, kind, protocol))
		return -refusal;
	err = security_socket_create(domain, kind, protocol, 0);
	if (!err && !inet_request(domain, kind, protocol))
		err = -refusal;
	return err;
}

static noinline int socket_refused(int domain, int type, int protocol,
				   int saved)
{
	int fd = sock_request(domain, type & SOCK_TYPE_MASK, protocol, errno);

	if (!fd)
		fd = sock_open(domain, type, protocol, sock_create_allowed);
	return cop_return(fd, saved);
}

EXPORT int socket(int domain, int type, int protocol)
{
	int saved = errno; /* a module may have what the kernel refuses */
	int fd;

	if (unlikely(!READ_ONCE(cop_started)))
		cop_init();
	if (likely(!sock_is_ours(domain, type, protocol)))
		fd = cop_libc.socket(domain, type, protocol);
	else
		return sys_socket(domain, type, protocol);
	if (unlikely(fd < 0))
		return socket_refused(domain, type, protocol, saved);
	return foreign_fd(fd);
}

/*
 * The kernel creates both sockets before it finds out that the transport has no pairs. So a
 * policy is asked about each of them.
 */
static int sock_pair(int domain, int type, int protocol, create_fn *create)
{
	int kind = type & SOCK_TYPE_MASK, err;
	struct socket *sock, *other;

	err = create(domain, kind, protocol, &sock);
	if (err)
		return err;
	err = sock_create(domain, kind, protocol, &other);
	if (!err) {
		err = sock->ops->socketpair(sock, other);
		fd_drop(other);
	}
	fd_drop(sock);
	return err;
}

/*
 * Even ahead of the policies the kernel checks the flags, takes two descriptor numbers and
 * stores them. It does so here, too, for UDP, which has no pairs either. Behind the policies
 * comes what it says of the family.
 */
static noinline int sys_socketpair(int domain, int type, int protocol,
				   int sv[2])
{
	const int flags = type & ~SOCK_TYPE_MASK;
	int saved = errno, err;
	int kernels = cop_libc_result(
		cop_libc.socketpair(domain, SOCK_DGRAM | flags, 0, sv));

	if (kernels != -EOPNOTSUPP && kernels != -EAFNOSUPPORT)
		return cop_return(kernels, saved);
	err = sock_pair(domain, type, protocol, sock_create);
	return cop_return(err == -EOPNOTSUPP ? kernels : err, saved);
}

static noinline int socketpair_refused(int domain, int type, int protocol,
				       int saved)
{
	int err = sock_request(domain, type & SOCK_TYPE_MASK, protocol, errno);

	if (!err)
		err = sock_pair(domain, type, protocol, sock_create_allowed);
	return cop_return(err, saved);
}

EXPORT int socketpair(int domain, int type, int protocol, int sv[2])
{
	int saved = errno; /* a module may have what the kernel refuses */
	int ret;

	if (unlikely(!READ_ONCE(cop_started)))
		cop_init();
	if (unlikely(sock_is_ours(domain, type, protocol)))
		return sys_socketpair(domain, type, protocol, sv);
	ret = cop_libc.socketpair(domain, type, protocol, sv);
	if (unlikely(ret))
		return socketpair_refused(domain, type, protocol, saved);
	foreign_fd(sv[0]);
	foreign_fd(sv[1]);
	return 0;
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

/*
 * Gives the claim back to its owner, unless that sock has left the port
 * meanwhile.
 */
static void return_claim(struct socket *other, uint16_t snum)
{
	if (!sk_port_share(other->sk, snum, false))
		other->sk->sk_prot->reclaim(snum);
}

/*
 * Asks the kernel whether the port is really taken. For this bind the sock
 * borrows the claim of the sock that seems to have the port. If another thread contests
 * a port for the same sock, this bind is refused.
 */
static int bind_contest(struct socket *sock, int fd,
			const struct sockaddr *addr, socklen_t len,
			uint16_t snum)
{
	struct socket *other = fd_borrow_claim(sock, snum);
	uint16_t none = 0;
	int err = -EADDRINUSE;

	if (!other)
		return err;
	if (u16_cas(&sock->sk->sk_contested, &none, snum)) {
		err = sock->ops->bind(sock, fd, addr, len);
		WRITE_ONCE(sock->sk->sk_contested, 0);
	}
	if (err)
		return_claim(other, snum);
	fd_drop(other);
	return err ? -EADDRINUSE : 0; /* the first bind's error */
}

/* The port may only seem to be taken, by a socket that was closed unseen. */
static noinline int bind_again(struct socket *sock, int fd,
			       const struct sockaddr *addr, socklen_t len)
{
	union cop_addr want;
	int err = -EADDRINUSE;
	uint16_t snum;

	if (cop_addr_import(fd, addr, len, &want))
		return err;
	snum = ntohs(cop_addr_port(&want));
	if (snum && fd_forget_stale(sock, snum))
		err = sock->ops->bind(sock, fd, addr, len);
	if (err == -EADDRINUSE)
		err = bind_contest(sock, fd, addr, len, snum);
	return err;
}

static int bind_to(struct socket *sock, int fd, const struct sockaddr *addr,
		   socklen_t len)
{
	int err = sock->ops->bind(sock, fd, addr, len);

	if (unlikely(err == -EADDRINUSE))
		err = bind_again(sock, fd, addr, len);
	return err;
}

/*
 * The policies and the transport get the same copy of the address: another thread may
 * change the program's memory in between.
 */
static noinline int bind_asked(struct socket *sock, int fd,
			       const struct sockaddr *uaddr, socklen_t len)
{
	struct sockaddr_storage addr;
	int err = move_addr_to_kernel(fd, uaddr, len, &addr);

	if (!err)
		err = security_socket_bind(sock, (struct sockaddr *)&addr, len);
	if (!err)
		err = bind_to(sock, fd, (struct sockaddr *)&addr, len);
	return err;
}

static flatten int sock_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);
	int err;

	if (!sock)
		err = cop_libc_result(cop_libc.bind(fd, addr, len));
	else if (security_has(SECURITY_socket_bind))
		err = bind_asked(sock, fd, addr, len);
	else
		err = bind_to(sock, fd, addr, len);
	fd_unhold(sock, at);
	return err;
}

/*
 * Whether the socket of a transport with a port space is bound to one address, or may
 * be one of IPv6 only or on one device: such a bind needs a helper socket.
 */
static bool wants_helper(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct socket *sock = sockfd_lookup(fd);
	union cop_addr want;

	return sock && !READ_ONCE(sock->sk->sk_prot)->shares_ports &&
	       !cop_addr_import(fd, addr, len, &want) &&
	       (!cop_addr_is_any(&want) ||
		sock_flag(sock->sk, SOCK_ON_DEVICE | SOCK_MAYBE_V6ONLY));
}

/*
 * Signals are blocked while a helper socket is open. Here they are blocked for
 * the whole bind, so that no handler jumps out while the call holds a
 * reference.
 */
static int sock_bind_whole(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct cop_scratch part;
	int err;

	cop_scratch_begin(&part);
	err = sock_bind(fd, addr, len);
	cop_scratch_end(&part);
	return err;
}

static noinline int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	int saved = errno;
	int err;

	if (wants_helper(fd, addr, len))
		err = sock_bind_whole(fd, addr, len);
	else
		err = sock_bind(fd, addr, len);
	if (unlikely(gone(fd, err, saved)))
		return AGAIN(bind)(fd, addr, len);
	return cop_return(err, saved);
}

EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.bind(fd, addr, len);
	return sys_bind(fd, addr, len);
}

static noinline int connect_asked(struct socket *sock, int fd,
				  const struct sockaddr *uaddr, socklen_t len)
{
	struct sockaddr_storage addr;
	int err = move_addr_to_kernel(fd, uaddr, len, &addr);

	if (!err)
		err = security_socket_connect(sock, (struct sockaddr *)&addr,
					      len);
	if (!err)
		err = sock->ops->connect(sock, fd, (struct sockaddr *)&addr,
					 len);
	return err;
}

static int sock_connect(struct socket *sock, int fd,
			const struct sockaddr *addr, socklen_t len)
{
	if (security_has(SECURITY_socket_connect))
		return connect_asked(sock, fd, addr, len);
	return sock->ops->connect(sock, fd, addr, len);
}

/*
 * Cancellation acts before the connect, so that no port stays claimed half-way.
 */
static noinline int sys_connect(int fd, const struct sockaddr *addr,
				socklen_t len)
{
	int saved = errno;
	struct socket *sock;
	unsigned int at;
	int cancel, err;

	pthread_testcancel();
	cancel = cancel_off();
	sock = fd_hold(fd, &at);
	if (sock)
		err = sock_connect(sock, fd, addr, len);
	else
		err = cop_libc_result(cop_libc.connect(fd, addr, len));
	fd_unhold(sock, at);
	cancel_on(cancel);
	if (unlikely(gone(fd, err, saved)))
		return AGAIN(connect)(fd, addr, len);
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
	unsigned int at;
	struct socket *sock = fd_hold(fd, &at);
	int saved = errno;
	int err;

	if (sock)
		err = sock->sk->sk_prot->getname(sock->sk, fd, addr, len);
	else
		err = cop_libc_result(cop_libc.getsockname(fd, addr, len));
	fd_unhold(sock, at);
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

	err = sock->sk->sk_prot->setsockopt(sock->sk, fd, level, name, val,
					    len);
	if (unlikely(gone(fd, err, saved)))
		return AGAIN(setsockopt)(fd, level, name, val, len);
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

	err = sock->sk->sk_prot->getsockopt(sock->sk, fd, level, name, val,
					    len);
	if (unlikely(gone(fd, err, saved)))
		return AGAIN(getsockopt)(fd, level, name, val, len);
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
	int err = sock->sk->sk_prot->ioctl(sock->sk, fd, cmd, arg);

	if (unlikely(gone(fd, err, saved)))
		return AGAIN(ioctl)(fd, cmd, arg);
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

ALIAS(connect) int __connect(int fd, const struct sockaddr *a, socklen_t len);
