// SPDX-License-Identifier: MIT
/*
 * adopt/pending.c - struct proto cop_pending_prot: a socket of UDP in a program whose
 * COP_ADOPT lists ports, as long as no call has told whether the socket has to do
 * with one of these ports. Each operation first lets adopt/decide.c decide. Then it
 * goes to COP, or to the kernel's UDP as long as nothing is decided, or it returns
 * COP_PLAIN_UDP.
 *
 * Owns: SOCK_WAITED. Protected by: sk_prot changes under the
 * calls at any time, see adopt/share.c; each change is for good.
 * Counterpart in the kernel: net/smc/af_smc.c, whose sockets become SMC or TCP.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>

#include "adopt/decide.h"
#include "adopt/pending.h"
#include "adopt/pending_filter.h"
#include "adopt/share.h"
#include "datagram/cut.h"
#include "datagram/gro_option.h"
#include "datagram/proto.h"
#include "datagram/tx.h"
#include "filter/filter.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "port/bind.h"
#include "port/kernel_bind.h"
#include "wire/owner.h"

static int open_pending(struct sock *sk, int flags)
{
	int fd = cop_udp_of(sk)->open(sk, flags);

	sock_reset_flag(sk, SOCK_CARRIED);
	return fd;
}

/*
 * A socket comes with a mark that says pending, so all its processes share the
 * decision, or with a mark of COP, so another process has decided.
 */
static int adopt_pending(struct sock *sk, int fd, const struct cop_mark *mark)
{
	if (cop_pending_is_marked(mark)) {
		sock_set_flag(sk, SOCK_PENDING_SHARED);
		cop_cut_note(sk, fd);
		cop_gro_note(sk, fd, 0);
		return sock_is_udp(fd, sk->sk_family) ? 0 : -ENOENT;
	}
	cop_decide(sk, cop_udp_of(sk));
	return sk->sk_prot->adopt(sk, fd, mark);
}

/*
 * Ahead of an exec, or of a message that carries the descriptor. Another thread may put
 * the socket on COP ahead of the mark that says pending, so the question comes behind it.
 */
static void mark_pending(struct sock *sk, int fd)
{
	if (cop_still_pending(sk, fd))
		cop_pending_share(sk, fd);
	if (!cop_is_pending(sk) && !cop_is_plain(sk))
		cop_udp_of(sk)->mark(sk, fd);
}

/* ---- naming -------------------------------------------------------------- */

/* A bind that fails decides nothing. Nor does one to port 0. */
static int bind_pending(struct sock *sk, int fd, const union cop_addr *addr)
{
	int err;

	if (!cop_still_pending(sk, fd))
		return cop_is_plain(sk) ? COP_PLAIN_UDP
					: cop_udp_of(sk)->bind(sk, fd, addr);
	err = kernel_bind(fd, addr);
	if (!err && cop_confined())
		WRITE_ONCE(inet_sk(sk)->inet_sport, cop_addr_port(addr));
	if (err || !cop_addr_port(addr) ||
	    !cop_env_adopts(ntohs(cop_addr_port(addr))))
		return err;
	cop_put_on_cop(sk, fd);
	return 0;
}

static int connect_pending(struct sock *sk, int fd,
			   const struct sockaddr *uaddr, socklen_t addr_len)
{
	struct cop_endpoint to;
	int err;

	cop_still_pending(sk, fd);
	if (cop_addr_dest(sk->sk_family, uaddr, addr_len, &to) !=
		    COP_DEST_NAME ||
	    !to.port)
		return cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));
	err = cop_decide_by_port(sk, fd, to.port);
	if (!err && cop_is_pending(sk)) /* the descriptor leads elsewhere */
		return cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));
	return err ? err : cop_udp_of(sk)->connect(sk, fd, uaddr, addr_len);
}

static int disconnect_pending(struct sock *sk, int fd,
			      const struct sockaddr *uaddr, socklen_t addr_len)
{
	int err = cop_decide_if_received(sk, fd);

	return err ? err : cop_udp_of(sk)->disconnect(sk, fd, uaddr, addr_len);
}

static int getname_pending(struct sock *sk, int fd, struct sockaddr *uaddr,
			   socklen_t *addr_len)
{
	int err = cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));

	if (!err && cop_confined() && *addr_len == cop_addr_size(sk->sk_family))
		WRITE_ONCE(inet_sk(sk)->inet_sport,
			   cop_addr_port((union cop_addr *)uaddr));
	return err;
}

/* ---- descriptor and options ---------------------------------------------- */

static bool owns_pending(struct sock *sk, int fd)
{
	return !cop_is_plain(sk) && cop_may_own(sk, fd);
}

/*
 * To a pending socket no datagram is a stray, so the kernel's wait is right. If the
 * socket is put on COP while a thread waits, SOCK_WAITED lets the decision set the
 * filter against strays.
 */
static bool poll_pending(struct sock *sk, int fd)
{
	if (!sock_flag(sk, SOCK_WAITED))
		sock_set_flag(sk, SOCK_WAITED);
	return cop_still_pending(sk, fd) || cop_is_plain(sk) ||
	       cop_udp_of(sk)->poll(sk, fd);
}

static int ioctl_pending(struct sock *sk, int fd, unsigned long cmd, void *arg)
{
	int err = cmd == FIONREAD ? cop_decide_if_received(sk, fd) : 0;

	if (err || cop_is_plain(sk))
		return err ? err : COP_PLAIN_UDP;
	return cop_udp_of(sk)->ioctl(sk, fd, cmd, arg);
}

/* The socket may become COP, so options that COP refuses fail from the start. */
static int setsockopt_pending(struct sock *sk, int fd, int level, int optname,
			      const void *optval, socklen_t optlen)
{
	cop_still_pending(sk, fd);
	if (cop_is_plain(sk))
		return COP_PLAIN_UDP;
	if (cop_is_filter_option(level, optname))
		return cop_pending_set_filter(sk, fd, optname, optval, optlen);
	return cop_udp_of(sk)->setsockopt(sk, fd, level, optname, optval,
					  optlen);
}

static int getsockopt_pending(struct sock *sk, int fd, int level, int optname,
			      void *optval, socklen_t *optlen)
{
	bool pending = cop_still_pending(sk, fd);

	if (cop_is_plain(sk))
		return COP_PLAIN_UDP;
	if (pending && cop_is_filter_option(level, optname) &&
	    !sock_flag(sk, SOCK_PENDING_SHARED))
		return cop_libc_result(cop_libc.getsockopt(fd, level, optname,
							   optval, optlen));
	return cop_udp_of(sk)->getsockopt(sk, fd, level, optname, optval,
					  optlen);
}

/* ---- data ---------------------------------------------------------------- */

/*
 * The decision and the kernel get the same copy of the name: another thread may
 * change the program's memory in between.
 */
static void *copy_name(struct sockaddr_storage *copy, const void *name,
		       socklen_t len)
{
	if (!name)
		return NULL;
	memcpy(copy, name, min_t(socklen_t, len, sizeof(*copy)));
	return copy;
}

/*
 * A send decides nothing if it has no destination, or one with port 0. It goes to the
 * kernel unchanged, which refuses it.
 */
static ssize_t sendto_pending(struct sock *sk, int fd, const void *buf,
			      size_t len, int flags, const void *name,
			      socklen_t namelen)
{
	struct sockaddr_storage copy;
	const void *to = copy_name(&copy, name, namelen);
	int err = cop_decide_by_dest(sk, fd, to, namelen);

	if (err)
		return err;
	if (cop_is_pending(sk))
		return cop_libc_result(
			cop_libc.sendto(fd, buf, len, flags, to, namelen));
	if (cop_is_plain(sk)) /* another thread has decided meanwhile */
		return COP_PLAIN_UDP;
	return cop_udp_of(sk)->sendto(sk, fd, buf, len, flags, to, namelen);
}

static ssize_t sendmsg_pending(struct sock *sk, int fd,
			       const struct msghdr *umsg, int flags)
{
	struct sockaddr_storage copy;
	struct msghdr msg = *umsg;
	int err;

	msg.msg_name = copy_name(&copy, msg.msg_name, msg.msg_namelen);
	err = cop_decide_by_dest(sk, fd, msg.msg_name, msg.msg_namelen);
	if (err)
		return err;
	if (cop_is_pending(sk))
		return cop_libc_result(cop_libc.sendmsg(fd, &msg, flags));
	if (cop_is_plain(sk))
		return COP_PLAIN_UDP;
	return cop_udp_of(sk)->sendmsg(sk, fd, &msg, flags);
}

/* Returns 1 if the kernel has taken the message; 0 if COP has to send it. */
static int sendmmsg_first(struct sock *sk, int fd, struct mmsghdr *vec,
			  int flags)
{
	struct sockaddr_storage copy;
	struct msghdr first;
	unsigned int len;
	ssize_t n = cop_is_plain(sk) ? COP_PLAIN_UDP
				     : msg_import(fd, &first, &vec->msg_hdr);

	if (!n)
		n = msg_import_name(fd, &first);
	if (n)
		return n;
	first.msg_name = copy_name(&copy, first.msg_name, first.msg_namelen);
	n = cop_decide_by_dest(sk, fd, first.msg_name, first.msg_namelen);
	if (n || !cop_is_pending(sk))
		return !n && cop_is_plain(sk) ? COP_PLAIN_UDP : n;
	n = cop_libc_result(cop_libc.sendmsg(fd, &first, flags));
	if (n < 0)
		return n;
	len = n;
	return copy_to_user(&vec->msg_len, &len, sizeof(len)) ?: 1;
}

/* The first message that decides, decides for all behind it. */
static int sendmmsg_pending(struct sock *sk, int fd, struct mmsghdr *vec,
			    unsigned int n, int flags)
{
	unsigned int done = 0;
	int err = 0;

	n = min_t(unsigned int, n, IOV_MAX);
	while (done < n) {
		err = sendmmsg_first(sk, fd, vec + done, flags);
		if (err <= 0)
			break;
		done++;
	}
	if (!err)
		err = cop_udp_of(sk)->sendmmsg(sk, fd, vec + done, n - done,
					       flags);
	if (done)
		return err > 0 && done < n ? (int)done + err : (int)done;
	return err;
}

/*
 * While the queue is empty, a peek that does not wait lets the kernel check the
 * program's arguments. A confined process may not peek.
 */
#define LOOK (MSG_PEEK | MSG_DONTWAIT)

static int receive_first(struct sock *sk, int fd, const struct msghdr *msg,
			 int flags)
{
	struct msghdr look = *msg;
	int err;

	if (cop_confined())
		return cop_decide_by_local(sk, fd);
	err = cop_libc_result(cop_libc.recvmsg(fd, &look, flags | LOOK));
	if (err < 0 && err != -EAGAIN)
		return err;
	return cop_decide_by_receive(sk, fd, flags);
}

/* recvmmsg() also checks its timeout, and for a pending error ahead of the message. */
static int receive_many_first(struct sock *sk, int fd,
			      const struct mmsghdr *vec, int flags,
			      struct timespec *timeout)
{
	struct mmsghdr look = *vec;
	int err;

	if (cop_confined())
		return cop_decide_by_local(sk, fd);
	err = cop_libc_result(
		cop_libc.recvmmsg(fd, &look, 1, flags | LOOK, timeout));
	if (err < 0 && err != -EAGAIN)
		return err;
	return cop_decide_by_receive(sk, fd, flags);
}

/* As long as a socket is pending, its error queue holds datagrams of UDP. */
static bool asks_for_errors(struct sock *sk, int flags)
{
	return flags & MSG_ERRQUEUE && cop_is_pending(sk);
}

static ssize_t recvfrom_pending(struct sock *sk, int fd, void *buf, size_t len,
				int flags, void *name, socklen_t *namelen)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int err = cop_decide_if_received(sk, fd);

	if (!err && asks_for_errors(sk, flags))
		return cop_libc_result(
			cop_libc.recvfrom(fd, buf, len, flags, name, namelen));
	if (!err && cop_is_pending(sk))
		err = receive_first(sk, fd, &msg, flags);
	return err ? err
		   : cop_udp_of(sk)->recvfrom(sk, fd, buf, len, flags, name,
					      namelen);
}

static ssize_t recvmsg_pending(struct sock *sk, int fd, struct msghdr *msg,
			       int flags)
{
	int err = cop_decide_if_received(sk, fd);

	if (!err && asks_for_errors(sk, flags))
		return cop_libc_result(cop_libc.recvmsg(fd, msg, flags));
	if (!err && cop_is_pending(sk))
		err = receive_first(sk, fd, msg, flags);
	return err ? err : cop_udp_of(sk)->recvmsg(sk, fd, msg, flags);
}

/* A recvmmsg() of 0 messages does not wait. */
static int recvmmsg_pending(struct sock *sk, int fd, struct mmsghdr *vec,
			    unsigned int n, int flags, struct timespec *timeout)
{
	int err = cop_decide_if_received(sk, fd);

	if (!err && asks_for_errors(sk, flags))
		return cop_libc_result(
			cop_libc.recvmmsg(fd, vec, n, flags, timeout));
	if (!err && cop_is_pending(sk) && n &&
	    user_readable(fd, vec, sizeof(*vec)))
		err = receive_many_first(sk, fd, vec, flags, timeout);
	return err ? err
		   : cop_udp_of(sk)->recvmmsg(sk, fd, vec, n, flags, timeout);
}

const struct proto cop_pending_ops = {
	.name = "UDP",
	.open = open_pending,
	.adopt = adopt_pending,
	.mark = mark_pending,
	.shares_ports = true,
	.bind = bind_pending,
	.get_port = cop_get_port,
	.unhash = cop_unhash,
	.holds = cop_holds,
	.reclaim = cop_reclaim,
	.autobind = cop_plain_autobind,
	.autobound = cop_plain_autobound,
	.getname = getname_pending,
	.connect = connect_pending,
	.disconnect = disconnect_pending,
	.owns = owns_pending,
	.poll = poll_pending,
	.ioctl = ioctl_pending,
	.setsockopt = setsockopt_pending,
	.getsockopt = getsockopt_pending,
	.sendto = sendto_pending,
	.recvfrom = recvfrom_pending,
	.sendmsg = sendmsg_pending,
	.recvmsg = recvmsg_pending,
	.sendmmsg = sendmmsg_pending,
	.recvmmsg = recvmmsg_pending,
};
