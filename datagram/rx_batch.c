// SPDX-License-Identifier: MIT
/*
 * datagram/rx_batch.c - many datagrams in by one system call, each into its message.
 *
 * The kernel receives into an array of ours, in which each message has room for a
 * header ahead of the program's iovecs and for options behind them.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * do_recvmmsg() in net/socket.c, one round of its loop.
 */
#include <errno.h>
#include <limits.h>

#include "datagram/batch.h"
#include "datagram/proto.h"
#include "datagram/rx.h"
#include "datagram/rx_batch.h"
#include "datagram/rx_short.h"
#include "datagram/strays.h"
#include "filter/filter.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "port/bind.h"
#include "wire/encap.h"
#include "wire/owner.h"
#include "wire/stray.h"

struct rx_batch {
	const struct cop_wire *wire;
	unsigned int n;
	unsigned int iovs; /* in use */
	struct mmsghdr vec[COP_BATCH_MSGS];
	struct iovec iov[COP_BATCH_IOVS];
	size_t cap[COP_BATCH_MSGS]; /* bytes in the program's iovecs */
	unsigned char head[COP_BATCH_MSGS][COP_HDR_MAX]
		__attribute__((aligned(4)));
	union cop_addr from[COP_BATCH_MSGS]; /* if the program does not ask */
	uint64_t now;
	uint32_t serial;
	uint16_t gen;
};

/* Too little room for the sender's address: the message is received by itself. */
static bool rx_name_is_short(const struct sock *sk, const struct msghdr *msg)
{
	return msg->msg_name && msg->msg_namelen < cop_addr_size(sk->sk_family);
}

/* Returns the room for the payload, or -errno where the kernel refuses the message. */
static ssize_t rx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg)
{
	int err = msg_import(fd, msg, &umsg->msg_hdr);

	return err ? err : cop_iov_length(fd, msg);
}

/*
 * Make a message that the kernel refuses with the same errno as the program's. The
 * kernel keeps the errno in the socket if it has received other messages before.
 */
static void rx_refused(struct msghdr *whole, int err)
{
	static const struct iovec below_0 = { NULL, SIZE_MAX };
	void *const kernels = (void *)-4096l;

	*whole = (struct msghdr){ .msg_iov = (struct iovec *)&below_0,
				  .msg_iovlen = 1 };
	if (err == -EMSGSIZE)
		whole->msg_iovlen = IOV_MAX + 1;
	else if (err == -EFAULT)
		whole->msg_iov = kernels;
}

static void rx_add(struct rx_batch *b, const struct msghdr *msg, size_t cap)
{
	struct msghdr *whole = &b->vec[b->n].msg_hdr;

	*whole = *msg;
	b->cap[b->n] = cap;
	if (!whole->msg_name) {
		whole->msg_name = &b->from[b->n];
		whole->msg_namelen = sizeof(b->from[b->n]);
	}
	whole->msg_iov = b->iov + b->iovs;
	whole->msg_iovlen = msg->msg_iovlen + 2;
	b->iov[b->iovs++] = cop_wire_head(b->wire, b->head[b->n]);
	cop_iov_take(b->iov + b->iovs, msg);
	b->iovs += msg->msg_iovlen;
	b->iov[b->iovs++] = cop_wire_tail(b->wire, b->head[b->n]);
	b->n++;
}

/*
 * A message that can't be written to is received by itself, since the kernel receives
 * the datagram before it meets the fault.
 */
static void rx_fill(struct rx_batch *b, const struct sock *sk, int fd,
		    const struct mmsghdr *vec, unsigned int n)
{
	struct msghdr msg;

	b->n = b->iovs = 0;
	for (unsigned int i = 0; i < min_t(unsigned int, n, COP_BATCH_MSGS);
	     i++) {
		ssize_t cap = rx_import(fd, &msg, &vec[i]);

		if (unlikely(cap < 0)) {
			rx_refused(&b->vec[b->n++].msg_hdr, cap);
			return;
		}
		if (unlikely(rx_name_is_short(sk, &msg) ||
			     !user_writable(&vec[i], sizeof(*vec))) ||
		    msg.msg_iovlen + 2 > COP_BATCH_IOVS - b->iovs)
			return;
		rx_add(b, &msg, cap);
	}
}

/*
 * Move a datagram into an earlier message, where the kernel has put a stray. This
 * happens only until the filter is set, see filter/filter.c. Returns 0 or -EFAULT.
 */
static int rx_move(struct msghdr *to, size_t cap, const struct msghdr *from,
		   struct cop_rx *rx)
{
	rx->copied = min_t(size_t, rx->copied, cap);
	if (!cop_iov_writable(to->msg_iov, rx->copied))
		return -EFAULT;
	cop_iov_copy(to->msg_iov, from->msg_iov, 0, rx->copied);
	if (to->msg_name && from->msg_name &&
	    copy_to_user(to->msg_name, from->msg_name,
			 min_t(size_t, to->msg_namelen, from->msg_namelen)))
		return -EFAULT;
	to->msg_namelen = from->msg_namelen;
	to->msg_flags = from->msg_flags;
	if (to->msg_controllen < from->msg_controllen)
		to->msg_flags |= MSG_CTRUNC;
	to->msg_controllen =
		min_t(size_t, to->msg_controllen, from->msg_controllen);
	if (copy_to_user(to->msg_control, from->msg_control,
			 to->msg_controllen))
		return -EFAULT;
	if (rx->copied < rx->len)
		to->msg_flags |= MSG_TRUNC;
	return 0;
}

/* Message @i as the program gave it, with our copy of its iovecs. */
static void rx_program_msg(const struct rx_batch *b, unsigned int i,
			   struct msghdr *msg)
{
	const struct msghdr *whole = &b->vec[i].msg_hdr;

	*msg = *whole;
	msg->msg_iov++;
	msg->msg_iovlen -= 2;
	if (whole->msg_name == &b->from[i])
		msg->msg_name = NULL;
}

/*
 * @msg becomes the program's message @at, which is not its own but an earlier one.
 * rx_fill() has checked that the program's vector is writable. Returns 0 or -EFAULT.
 */
static noinline int rx_export_ahead(const struct rx_batch *b, int fd,
				    struct mmsghdr *vec, unsigned int at,
				    struct msghdr *msg, struct cop_rx *rx)
{
	struct msghdr to;
	int err = msg_import(fd, &to, &vec[at].msg_hdr);

	if (err)
		return err;
	to.msg_iov = b->vec[at].msg_hdr.msg_iov + 1;
	err = rx_move(&to, b->cap[at], msg, rx);
	*msg = to;
	return err;
}

static int rx_export(const struct rx_batch *b, int fd, struct mmsghdr *vec,
		     struct msghdr *msg, unsigned int i, unsigned int at,
		     int flags, struct cop_rx *rx)
{
	struct mmsghdr *umsg = &vec[at];
	int err =
		likely(i == at) ? 0 : rx_export_ahead(b, fd, vec, at, msg, rx);

	if (unlikely(err))
		return err;
	if (msg->msg_name)
		umsg->msg_hdr.msg_namelen = msg->msg_namelen;
	umsg->msg_hdr.msg_controllen = msg->msg_controllen;
	umsg->msg_hdr.msg_flags = msg->msg_flags;
	umsg->msg_len = cop_rx_length(rx, flags);
	return 0;
}

/*
 * rx_settle_one() for a datagram with COP's header and nothing unusual, in the program's
 * own message @i. Returns false, with nothing done, for every other one.
 */
static inline bool rx_settle_plain(struct rx_batch *b, struct sock *sk,
				   struct mmsghdr *vec, unsigned int i)
{
	struct msghdr *whole = &b->vec[i].msg_hdr, *umsg = &vec[i].msg_hdr;
	struct cop_rx rx;

	rx.now = b->now;
	rx.serial = b->serial;
	rx.gen = b->gen;
	if (unlikely(!cop_rx_measure_plain(b->wire, &rx, b->head[i],
					   b->vec[i].msg_len, b->cap[i])))
		return false;
	cop_rx_msg_flags(whole, &rx);
	if (whole->msg_name != &b->from[i])
		umsg->msg_namelen = whole->msg_namelen;
	umsg->msg_controllen = whole->msg_controllen;
	umsg->msg_flags = whole->msg_flags;
	vec[i].msg_len = rx.copied;
	cop_rx_account_plain(sk, whole->msg_name, whole->msg_namelen,
			     b->head[i], &rx);
	b->serial++;
	return true;
}

/*
 * Whether a stray is for the program, for the reasons that cop_stray_fate() has. If it
 * is not, it is counted.
 */
static noinline bool rx_is_for_program(struct sock *sk, int fd, int flags,
				       const void *name, socklen_t len,
				       const struct cop_rx *rx,
				       struct cop_rx_result *res)
{
	if (!cop_may_own(sk, fd)) {
		res->closed = cop_rx_is_closed(sk, fd);
		return !res->closed;
	}
	if (cop_rx_is_notice(sk, fd, name, len, rx))
		return true;
	if (!(flags & MSG_PEEK))
		cop_rx_stray(sk, fd, rx->stray, name, len);
	return false;
}

/*
 * The kernel has received message @i of the batch into the memory of the program's
 * message @i. Make it the program's message @at. Returns false for a stray.
 */
static noinline bool rx_settle_one(struct rx_batch *b, struct sock *sk, int fd,
				   struct mmsghdr *vec, unsigned int i,
				   int flags, struct cop_rx_result *res)
{
	const unsigned int at = res->kept;
	const struct msghdr *whole = &b->vec[i].msg_hdr;
	const socklen_t named = min_t(socklen_t, whole->msg_namelen,
				      sizeof(struct sockaddr_storage));
	struct cop_rx rx = { .now = b->now,
			     .serial = b->serial,
			     .gen = b->gen };
	struct msghdr msg;

	rx_program_msg(b, i, &msg);
	cop_encap_settle(b->wire, &msg, b->head[i], b->vec[i].msg_len,
			 b->cap[i], &rx);
	if (unlikely(rx.stray != COP_NO_STRAY) &&
	    !rx_is_for_program(sk, fd, flags, whole->msg_name, named, &rx, res))
		return false;
	if (unlikely(rx_export(b, fd, vec, &msg, i, at, flags, &rx)))
		return false;
	if (likely(rx.stray == COP_NO_STRAY && !(flags & MSG_PEEK))) {
		cop_rx_account(sk, whole->msg_name, named, &rx);
		b->serial++;
	}
	return true;
}

static inline bool rx_settle(struct rx_batch *b, struct sock *sk, int fd,
			     struct mmsghdr *vec, unsigned int i, int flags,
			     struct cop_rx_result *res)
{
	if (likely(i == res->kept && !(flags & (MSG_PEEK | MSG_TRUNC)) &&
		   rx_settle_plain(b, sk, vec, i)))
		return true;
	return rx_settle_one(b, sk, fd, vec, i, flags, res);
}

/*
 * The kernel may have written how long the sender's name is for a message whose name
 * it can't write to, as the program's message @at is. rx_fill() has checked that the
 * program's vector is writable, but for a message that it refuses: that has no name.
 */
static noinline void rx_export_fault(const struct rx_batch *b,
				     struct mmsghdr *vec, unsigned int i,
				     unsigned int at)
{
	const struct msghdr *whole = &b->vec[i].msg_hdr;
	socklen_t room;

	if (!whole->msg_name || whole->msg_name == &b->from[i])
		return;
	room = min_t(socklen_t, vec[i].msg_hdr.msg_namelen,
		     sizeof(struct sockaddr_storage));
	if (whole->msg_namelen != room)
		vec[at].msg_hdr.msg_namelen = whole->msg_namelen;
}

/* Strays that a receive with MSG_PEEK has seen are still first in the queue. */
static void strays_left(struct sock *sk, int fd, int flags, unsigned int kept)
{
	cop_poll(sk, fd);
	if (cop_confined() && flags & MSG_PEEK && !kept)
		cop_rx_discard(fd);
}

flatten int cop_rx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
			 unsigned int n, int flags, struct timespec *timeout,
			 struct cop_rx_result *res)
{
	struct rx_batch b;
	int got;

	b.wire = sk_wire(sk);
	rx_fill(&b, sk, fd, vec, n);
	res->tried = b.n;
	res->kept = 0;
	if (!b.n)
		return 0;
	b.serial = cop_rx_serial;
	b.gen = READ_ONCE(cop_sk(sk)->flows.gen);
	got = cop_libc_result(
		cop_libc.recvmmsg(fd, b.vec, b.n, flags | MSG_TRUNC, timeout));
	if (got > 0)
		b.now = cop_clock_us();
	for (int i = 0; i < got; i++)
		res->kept += rx_settle(&b, sk, fd, vec, i, flags, res);
	if (got > 0 && res->kept < (unsigned int)got && !res->closed)
		strays_left(sk, fd, flags, res->kept);
	if (got < (int)b.n)
		rx_export_fault(&b, vec, got > 0 ? got : 0, res->kept);
	return got;
}
