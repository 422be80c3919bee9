// SPDX-License-Identifier: MIT
/*
 * adopt/pending.c - struct proto cop_undecided_prot: a UDP socket of a program
 * whose COP_ADOPT lists ports, until it is known whether it has to do with one.
 * Binding to a listed port puts it on COP. Else the first destination decides, or
 * where a datagram comes ahead of that, the port that the socket was bound to.
 *
 * Owns: the decision, which is a sock's sk_prot; SOCK_UNDECIDED, SOCK_WAITED.
 * Protected by: it is made once, by compare and swap, and by one thread at a
 * time; of processes that share the socket by one of them, see cop_mark_lock().
 * May call: adopt/udp.c's operations and what is below them.
 * Counterpart in the kernel: smc_switch_to_fallback() in net/smc/af_smc.c.
 */
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "adopt/pending.h"
#include "adopt/udp.h"
#include "lib/atomic.h"
#include "port/bind.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "filter/filter.h"
#include "lib/libc.h"
#include "lib/lock.h"
#include "filter/mark.h"
#include "lib/msghdr.h"
#include "datagram/proto.h"
#include "cop_route.h"
#include "datagram/stats.h"
#include "datagram/tx.h"
#include "lib/uaccess.h"

/*
 * A socket that stays UDP's is forgotten by the next call that comes upon it,
 * which is told that it is not ours, and begins again with libc.
 */
#define NOT_OURS (-ENOTSOCK)

static bool is_plain(struct sock *sk)
{
	return sk->sk_prot == &cop_plain_prot;
}

static bool is_undecided(struct sock *sk)
{
	return sk->sk_prot == &cop_undecided_prot;
}

static bool decide(struct sock *sk, const struct proto *prot)
{
	const struct proto *is = &cop_undecided_prot;

	return atomic_compare_exchange_strong(&sk->sk_prot, &is, prot);
}

static int open_undecided(struct sock *sk, int flags)
{
	int fd = cop_udp_prot.open(sk, flags);

	sock_reset_flag(sk, SOCK_CARRIED);
	return fd;
}

/* The words of a mark that are no sock's as filter/mark.c writes it. */
enum { WORD_UNDECIDED, UNDECIDED_MAGIC = SOCK_UNDECIDED };

bool cop_undecided_is_marked(const struct cop_mark *mark)
{
	return mark->body == COP_BODY_RAW &&
	       mark->word[WORD_UNDECIDED] == UNDECIDED_MAGIC;
}

static bool is_udp(int fd)
{
	socklen_t len = sizeof(int);
	int protocol;

	return !cop_libc.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol,
				    &len) &&
	       protocol == IPPROTO_UDP;
}

/* What comes marked was decided by whoever sent it, or is to be by anybody. */
static int adopt_decided(struct sock *sk, int fd, const struct cop_mark *mark)
{
	if (cop_undecided_is_marked(mark)) {
		sock_set_flag(sk, SOCK_UNDECIDED);
		return is_udp(fd) ? 0 : -ENOENT;
	}
	decide(sk, &cop_udp_prot);
	return cop_adopt(sk, fd, mark);
}

/* ---- the decision -------------------------------------------------------- */

static bool is_locked(int fd)
{
	socklen_t len = sizeof(int);
	int locked = 0;

	return !cop_libc.getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked,
				    &len) &&
	       locked;
}

/* What is left to be done where it is COP; the port is the sock's from now on. */
static void become(struct sock *sk)
{
	sock_set_flag(sk, SOCK_CARRIED);
	decide(sk, &cop_udp_prot);
}

/*
 * Of a socket that other processes have, too, the first of them decides. The mark
 * says which it is; there is none any more where it stays UDP. Under the lock.
 */
static noinline void follow(struct sock *sk, int fd)
{
	struct cop_mark mark;

	if (!is_undecided(sk) || !cop_owns(sk, fd))
		return;
	if (cop_program_read(fd, &mark)) {
		decide(sk, &cop_plain_prot);
	} else if (!cop_undecided_is_marked(&mark)) {
		cop_naming_begin(sk);
		cop_adopt(sk, fd, &mark);
		become(sk);
		cop_naming_end(sk);
		if (sock_flag(sk, SOCK_WAITED))
			cop_poll(sk, fd);
	}
}

/*
 * One thread at a time decides or sets a filter, since a filter goes along with the
 * decision.
 */
static void decide_lock(struct sock *sk, int fd, struct cop_mark_held *held)
{
	if (unlikely(sock_flag(sk, SOCK_UNDECIDED))) {
		cop_mark_lock(sk, fd, held);
		follow(sk, fd);
		return;
	}
	cop_lock(&cop_sk(sk)->lock, &held->here);
	held->shared = false;
}

static void decide_unlock(struct sock *sk, int fd, struct cop_mark_held *held)
{
	cop_mark_unlock(sk, fd, held);
}

/*
 * A filter that was set on UDP is moved behind the header. Where none can be set
 * any more, COP could have none that drops strays, nor a mark.
 */
static int move_filter(struct sock *sk, int fd)
{
	const size_t room = BPF_MAXINSNS * sizeof(struct sock_filter);
	struct sock_fprog prog = { .len = 0 };
	struct cop_mark mark;
	socklen_t n = 0;
	int err;

	if (cop_confined())
		return 0;
	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n) || !n)
		return is_locked(fd) ? -EPERM : 0;
	if (!cop_program_read(fd, &mark) && !cop_undecided_is_marked(&mark))
		return 0; /* it was moved */
	err = cop_program_unwrap(fd);
	if (err)
		return err;
	n = 0;
	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n) || !n)
		return 0;
	prog.filter = mmap(NULL, room, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (prog.filter == MAP_FAILED)
		return -ENOMEM;
	err = cop_libc_result(cop_libc.getsockopt(fd, SOL_SOCKET, SO_GET_FILTER,
						  prog.filter, &n));
	prog.len = n;
	if (!err)
		err = cop_attach_filter(sk, fd, SO_ATTACH_FILTER, &prog,
					sizeof(prog));
	munmap(prog.filter, room);
	return err;
}

/* Returns whether it is still to be decided. */
static noinline bool look(struct sock *sk, int fd)
{
	struct cop_mark_held held;

	decide_lock(sk, fd, &held);
	decide_unlock(sk, fd, &held);
	return is_undecided(sk);
}

/*
 * Ahead of each call: nobody else can have decided upon a socket that nobody else
 * has.
 */
static bool still_undecided(struct sock *sk, int fd)
{
	return is_undecided(sk) && (likely(!sock_flag(sk, SOCK_UNDECIDED)) ||
				    cop_confined() || look(sk, fd));
}

static int stay_udp(struct sock *sk, int fd)
{
	struct cop_mark_held held;

	decide_lock(sk, fd, &held);
	if (decide(sk, &cop_plain_prot) && sock_flag(sk, SOCK_UNDECIDED) &&
	    !cop_confined())
		cop_program_unwrap(fd);
	decide_unlock(sk, fd, &held);
	return is_plain(sk) ? NOT_OURS : 0;
}

/* Where the kernel may not be asked, as far as it is known. */
static __be16 local_port(struct sock *sk, int fd)
{
	struct sockaddr_in local;

	if (cop_confined())
		return READ_ONCE(inet_sk(sk)->inet_sport);
	ip_local_name(fd, &local);
	return local.sin_port;
}

static void mark_undecided(struct sock *sk, int fd)
{
	const struct cop_mark mark = {
		.family = sk->sk_family,
		.type = sk->sk_type,
		.protocol = sk->sk_protocol,
		.word[WORD_UNDECIDED] = UNDECIDED_MAGIC,
	};
	struct cop_mark_held held;

	cop_mark_lock(sk, fd, &held);
	if (is_undecided(sk) && !sock_flag(sk, SOCK_UNDECIDED) &&
	    !is_locked(fd) && cop_owns(sk, fd)) {
		if (!cop_program_wrap(fd, &mark))
			sock_set_flag(sk, SOCK_UNDECIDED);
		else
			cop_warn(fd, "each process decides upon it alone");
	}
	cop_mark_unlock(sk, fd, &held);
}

void cop_undecided_share(struct sock *sk, int fd)
{
	if (is_undecided(sk) && !sock_flag(sk, SOCK_UNDECIDED) &&
	    !cop_confined())
		mark_undecided(sk, fd);
}

/* Ahead of an exec or a message; it may have become COP meanwhile. */
static void mark_shared(struct sock *sk, int fd)
{
	if (still_undecided(sk, fd))
		cop_undecided_share(sk, fd);
	else if (!is_plain(sk))
		cop_mark(sk, fd);
}

/*
 * The port that it has been bound to becomes the sock's before anybody can take it
 * for COP's. Returns -errno where it has to stay UDP.
 */
static int become_cop_locked(struct sock *sk, int fd)
{
	int err;

	if (!is_undecided(sk))
		return 0;
	if (cop_confined())
		err = 0;
	else
		err = is_locked(fd) ? -EPERM : move_filter(sk, fd);
	if (err) {
		decide(sk, &cop_plain_prot);
		return err;
	}
	cop_naming_begin(sk);
	cop_bind_confirm(sk, local_port(sk, fd));
	become(sk);
	cop_naming_end(sk);
	if (sock_flag(sk, SOCK_UNDECIDED))
		cop_mark(sk, fd);
	if (sock_flag(sk, SOCK_WAITED))
		cop_poll(sk, fd);
	return 0;
}

static int become_cop(struct sock *sk, int fd)
{
	struct cop_mark_held held;
	int err;

	decide_lock(sk, fd, &held);
	err = become_cop_locked(sk, fd);
	decide_unlock(sk, fd, &held);
	if (err)
		cop_warn(fd, "stays UDP: its filter can't be moved");
	else
		cop_debug(fd, "is put on COP");
	return is_plain(sk) ? NOT_OURS : 0;
}

static int decide_by_port(struct sock *sk, int fd, __be16 port)
{
	if (is_plain(sk))
		return NOT_OURS;
	if (!is_undecided(sk))
		return 0;
	if (cop_env_adopts(ntohs(port)))
		return become_cop(sk, fd);
	cop_debug(fd, "stays UDP: port %u is not listed", ntohs(port));
	return stay_udp(sk, fd);
}

static bool find_dest(int fd, const void *name, socklen_t len,
		      struct cop_flow_key *key)
{
	struct sockaddr_in peer;

	if (name)
		return cop_dest_of(name, len, key);
	len = sizeof(peer);
	return !cop_confined() &&
	       !getpeername(fd, (struct sockaddr *)&peer, &len) &&
	       cop_dest_of(&peer, len, key);
}

/*
 * Ahead of a send. What has no destination decides nothing: the kernel is about
 * to refuse it.
 */
static int decide_by_dest(struct sock *sk, int fd, const void *name,
			  socklen_t len)
{
	struct cop_flow_key dest;
	int err;

	still_undecided(sk, fd);
	if (!find_dest(fd, name, len, &dest) || !dest.port)
		return is_plain(sk) ? NOT_OURS : 0;
	err = decide_by_port(sk, fd, dest.port);
	if (!err && !READ_ONCE(inet_sk(sk)->inet_sport))
		cop_autobind(sk, fd);
	return err;
}

static int decide_by_local(struct sock *sk, int fd)
{
	return decide_by_port(sk, fd, local_port(sk, fd));
}

/*
 * Waits for a datagram, with MSG_DONTWAIT does not, and leaves it there. Returns
 * whether it is one: it has a sender, and the end of a socket that was shut has
 * none.
 */
static int await_datagram(int fd, int flags)
{
	struct sockaddr_in sender;
	socklen_t len = sizeof(sender);
	char none;
	int n = cop_libc_result(
		cop_libc.recvfrom(fd, &none, 0, MSG_PEEK | flags,
				  (struct sockaddr *)&sender, &len));

	return n < 0 ? n : len > 0;
}

/*
 * Ahead of what would show, or lose, that a datagram has come. Where an error is
 * pending, a look would take it from the program.
 */
static bool is_received(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return cop_libc.poll(&ready, 1, 0) > 0 && ready.revents & POLLIN &&
	       !(ready.revents & POLLERR) &&
	       await_datagram(fd, MSG_DONTWAIT) > 0;
}

/* The looks are cancellation points, and ioctl() and connect() have none here. */
static int decide_if_received(struct sock *sk, int fd)
{
	bool received;
	int cancel;

	if (!still_undecided(sk, fd))
		return is_plain(sk) ? NOT_OURS : 0;
	if (cop_confined())
		return 0;
	cancel = cancel_off();
	received = is_received(fd);
	cancel_on(cancel);
	return received ? decide_by_local(sk, fd) : 0;
}

/*
 * Ahead of a receive: waits for the datagram, and decides. One that comes before
 * anything was sent was sent by somebody who knows only the port that it is for.
 */
static int decide_by_receive(struct sock *sk, int fd, int flags)
{
	int n = await_datagram(fd, flags & MSG_DONTWAIT);

	return n > 0 ? decide_by_local(sk, fd) : n;
}

/* ---- naming -------------------------------------------------------------- */

/* A bind that fails decides nothing; nor does one that leaves the port open. */
static int bind_undecided(struct sock *sk, int fd,
			  const struct sockaddr_in *addr)
{
	int err;

	if (!still_undecided(sk, fd))
		return is_plain(sk) ? NOT_OURS
				    : cop_udp_prot.get_port(sk, fd, addr);
	err = cop_libc_result(cop_libc.bind(fd, (const struct sockaddr *)addr,
					    sizeof(*addr)));
	if (!err && cop_confined())
		WRITE_ONCE(inet_sk(sk)->inet_sport, addr->sin_port);
	if (err || !addr->sin_port || !cop_env_adopts(ntohs(addr->sin_port)))
		return err;
	become_cop(sk, fd);
	return 0;
}

static int connect_undecided(struct sock *sk, int fd,
			     const struct sockaddr *uaddr, socklen_t addr_len)
{
	struct cop_flow_key dest;
	int err;

	still_undecided(sk, fd);
	if (!cop_dest_of(uaddr, addr_len, &dest) || !dest.port)
		return cop_libc_result(cop_libc.connect(fd, uaddr, addr_len));
	err = decide_by_port(sk, fd, dest.port);
	return err ? err : cop_udp_prot.connect(sk, fd, uaddr, addr_len);
}

static int disconnect_undecided(struct sock *sk, int fd,
				const struct sockaddr *uaddr,
				socklen_t addr_len)
{
	int err = decide_if_received(sk, fd);

	return err ? err : cop_udp_prot.disconnect(sk, fd, uaddr, addr_len);
}

static int getname_undecided(struct sock *sk, int fd, struct sockaddr *uaddr,
			     socklen_t *addr_len)
{
	int err = cop_libc_result(cop_libc.getsockname(fd, uaddr, addr_len));

	if (!err && cop_confined() && *addr_len == sizeof(struct sockaddr_in))
		WRITE_ONCE(inet_sk(sk)->inet_sport,
			   ((struct sockaddr_in *)uaddr)->sin_port);
	return err;
}

/* The kernel is to bind it in its own send, if UDP it is to be. */
static void autobind_undecided(struct sock *sk, int fd)
{
	(void)sk;
	(void)fd;
}

static bool autobound_undecided(struct sock *sk, int fd, int err)
{
	(void)sk;
	(void)fd;
	(void)err;
	return true;
}

/* ---- what else there is to a socket -------------------------------------- */

static bool owns_undecided(struct sock *sk, int fd)
{
	return !is_plain(sk) && cop_may_own(sk, fd);
}

/*
 * The kernel knows, as long as nothing is a stray. A wait that has begun by then
 * is for COP alone where that is the decision.
 */
static bool poll_undecided(struct sock *sk, int fd)
{
	if (!sock_flag(sk, SOCK_WAITED))
		sock_set_flag(sk, SOCK_WAITED);
	return still_undecided(sk, fd) || is_plain(sk) || cop_poll(sk, fd);
}

static int ioctl_undecided(struct sock *sk, int fd, unsigned long cmd,
			   void *arg)
{
	int err = cmd == FIONREAD ? decide_if_received(sk, fd) : 0;

	if (err || is_plain(sk))
		return err ? err : NOT_OURS;
	return cop_ioctl(sk, fd, cmd, arg);
}

static bool is_filter(int level, int optname)
{
	return level == SOL_SOCKET &&
	       (optname == SO_ATTACH_FILTER || optname == SO_DETACH_FILTER ||
		optname == SO_LOCK_FILTER); /* SO_GET_FILTER is the first */
}

/*
 * Under the mark of a socket that others have, too, the kernel's socket has to be as
 * it would be without. What can't be marked again stays UDP: that is what it looks
 * like to the others.
 */
static int set_wrapped(struct sock *sk, int fd, int optname, const void *optval,
		       socklen_t optlen)
{
	struct cop_mark mark;
	int err;

	if (!sock_flag(sk, SOCK_UNDECIDED))
		return cop_libc_result(cop_libc.setsockopt(
			fd, SOL_SOCKET, optname, optval, optlen));
	err = cop_program_read(fd, &mark);
	if (!err)
		err = cop_program_unwrap(fd);
	if (err)
		return err;
	err = cop_libc_result(
		cop_libc.setsockopt(fd, SOL_SOCKET, optname, optval, optlen));
	if (is_locked(fd) || cop_program_wrap(fd, &mark))
		decide(sk, &cop_plain_prot);
	return err;
}

static int set_filter(struct sock *sk, int fd, int optname, const void *optval,
		      socklen_t optlen)
{
	struct cop_mark_held held;
	bool undecided;
	int err = 0;

	decide_lock(sk, fd, &held);
	undecided = is_undecided(sk);
	if (undecided)
		err = set_wrapped(sk, fd, optname, optval, optlen);
	decide_unlock(sk, fd, &held);
	if (undecided)
		return err;
	if (is_plain(sk))
		return NOT_OURS;
	return cop_udp_prot.setsockopt(sk, fd, SOL_SOCKET, optname, optval,
				       optlen);
}

/* What COP refuses is refused, since it may become one. */
static int setsockopt_undecided(struct sock *sk, int fd, int level, int optname,
				const void *optval, socklen_t optlen)
{
	still_undecided(sk, fd);
	if (is_plain(sk))
		return NOT_OURS;
	if (is_filter(level, optname))
		return set_filter(sk, fd, optname, optval, optlen);
	return cop_udp_prot.setsockopt(sk, fd, level, optname, optval, optlen);
}

static int getsockopt_undecided(struct sock *sk, int fd, int level, int optname,
				void *optval, socklen_t *optlen)
{
	bool undecided = still_undecided(sk, fd);

	if (is_plain(sk))
		return NOT_OURS;
	if (undecided && is_filter(level, optname) &&
	    !sock_flag(sk, SOCK_UNDECIDED))
		return cop_libc_result(cop_libc.getsockopt(fd, level, optname,
							   optval, optlen));
	return cop_udp_prot.getsockopt(sk, fd, level, optname, optval, optlen);
}

/* ---- data ---------------------------------------------------------------- */

/*
 * The kernel gets the copy that the decision is made by, since another thread may
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
 * What decides nothing has no destination, or one with port 0: it goes to the
 * kernel as it is, for its error.
 */
static ssize_t sendto_undecided(struct sock *sk, int fd, const void *buf,
				size_t len, int flags, const void *name,
				socklen_t namelen)
{
	struct sockaddr_storage copy;
	const void *to = copy_name(&copy, name, namelen);
	int err = decide_by_dest(sk, fd, to, namelen);

	if (err)
		return err;
	if (is_undecided(sk))
		return cop_libc_result(
			cop_libc.sendto(fd, buf, len, flags, to, namelen));
	return cop_sendto(sk, fd, buf, len, flags, to, namelen);
}

static ssize_t sendmsg_undecided(struct sock *sk, int fd,
				 const struct msghdr *umsg, int flags)
{
	struct sockaddr_storage copy;
	struct msghdr msg = *umsg;
	int err;

	msg.msg_name = copy_name(&copy, msg.msg_name, msg.msg_namelen);
	err = decide_by_dest(sk, fd, msg.msg_name, msg.msg_namelen);
	if (err)
		return err;
	if (is_undecided(sk))
		return cop_libc_result(cop_libc.sendmsg(fd, &msg, flags));
	return cop_sendmsg(sk, fd, &msg, flags);
}

/* Returns 1 where the message has been sent as it is, 0 where it is to go by COP. */
static int sendmmsg_first(struct sock *sk, int fd, struct mmsghdr *vec,
			  int flags)
{
	struct sockaddr_storage copy;
	struct msghdr first;
	unsigned int len;
	ssize_t n =
		is_plain(sk) ? NOT_OURS : msg_import(fd, &first, &vec->msg_hdr);

	if (!n)
		n = msg_import_name(fd, &first);
	if (n)
		return n;
	first.msg_name = copy_name(&copy, first.msg_name, first.msg_namelen);
	n = decide_by_dest(sk, fd, first.msg_name, first.msg_namelen);
	if (n || !is_undecided(sk))
		return n;
	n = cop_libc_result(cop_libc.sendmsg(fd, &first, flags));
	if (n < 0)
		return n;
	len = n;
	return copy_to_user(&vec->msg_len, &len, sizeof(len)) ?: 1;
}

/* The first message decides for all. One that does not goes by itself. */
static int sendmmsg_undecided(struct sock *sk, int fd, struct mmsghdr *vec,
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
		err = cop_sendmmsg(sk, fd, vec + done, n - done, flags);
	if (done)
		return err > 0 && done < n ? (int)done + err : (int)done;
	return err;
}

/*
 * Where there is nothing to be received yet, the kernel is asked what it thinks of
 * the call, by a look that does not wait. A process that is confined may not look.
 */
#define LOOK (MSG_PEEK | MSG_DONTWAIT)

static int receive_first(struct sock *sk, int fd, const struct msghdr *msg,
			 int flags)
{
	struct msghdr look = *msg;
	int err;

	if (cop_confined())
		return decide_by_local(sk, fd);
	err = cop_libc_result(cop_libc.recvmsg(fd, &look, flags | LOOK));
	if (err < 0 && err != -EAGAIN)
		return err;
	return decide_by_receive(sk, fd, flags);
}

/* It looks for a pending error ahead of the message, and has a time to judge. */
static int receive_many_first(struct sock *sk, int fd,
			      const struct mmsghdr *vec, int flags,
			      struct timespec *timeout)
{
	struct mmsghdr look = *vec;
	int err;

	if (cop_confined())
		return decide_by_local(sk, fd);
	err = cop_libc_result(
		cop_libc.recvmmsg(fd, &look, 1, flags | LOOK, timeout));
	if (err < 0 && err != -EAGAIN)
		return err;
	return decide_by_receive(sk, fd, flags);
}

/* What could not be sent was plain, as long as nothing is decided. */
static bool asks_for_errors(struct sock *sk, int flags)
{
	return flags & MSG_ERRQUEUE && is_undecided(sk);
}

static ssize_t recvfrom_undecided(struct sock *sk, int fd, void *buf,
				  size_t len, int flags, void *name,
				  socklen_t *namelen)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int err = decide_if_received(sk, fd);

	if (!err && asks_for_errors(sk, flags))
		return cop_libc_result(
			cop_libc.recvfrom(fd, buf, len, flags, name, namelen));
	if (!err && is_undecided(sk))
		err = receive_first(sk, fd, &msg, flags);
	return err ? err : cop_recvfrom(sk, fd, buf, len, flags, name, namelen);
}

static ssize_t recvmsg_undecided(struct sock *sk, int fd, struct msghdr *msg,
				 int flags)
{
	int err = decide_if_received(sk, fd);

	if (!err && asks_for_errors(sk, flags))
		return cop_libc_result(cop_libc.recvmsg(fd, msg, flags));
	if (!err && is_undecided(sk))
		err = receive_first(sk, fd, msg, flags);
	return err ? err : cop_recvmsg(sk, fd, msg, flags);
}

/* For no messages there is no wait. */
static int recvmmsg_undecided(struct sock *sk, int fd, struct mmsghdr *vec,
			      unsigned int n, int flags,
			      struct timespec *timeout)
{
	int err = decide_if_received(sk, fd);

	if (!err && asks_for_errors(sk, flags))
		return cop_libc_result(
			cop_libc.recvmmsg(fd, vec, n, flags, timeout));
	if (!err && is_undecided(sk) && n &&
	    user_readable(fd, vec, sizeof(*vec)))
		err = receive_many_first(sk, fd, vec, flags, timeout);
	return err ? err : cop_recvmmsg(sk, fd, vec, n, flags, timeout);
}

#define UNDECIDED_PROT                                                         \
	{                                                                      \
		.name = "UDP", .slab = &cop_udp_slab, .open = open_undecided,  \
		.adopt = adopt_decided, .mark = mark_shared,                   \
		.get_port = bind_undecided, .autobind = autobind_undecided,    \
		.autobound = autobound_undecided,                              \
		.getname = getname_undecided, .connect = connect_undecided,    \
		.disconnect = disconnect_undecided, .owns = owns_undecided,    \
		.poll = poll_undecided, .ioctl = ioctl_undecided,              \
		.setsockopt = setsockopt_undecided,                            \
		.getsockopt = getsockopt_undecided,                            \
		.sendto = sendto_undecided, .recvfrom = recvfrom_undecided,    \
		.sendmsg = sendmsg_undecided, .recvmsg = recvmsg_undecided,    \
		.sendmmsg = sendmmsg_undecided, .recvmmsg = recvmmsg_undecided \
	}

struct proto cop_undecided_prot = UNDECIDED_PROT;
struct proto cop_plain_prot = UNDECIDED_PROT;
