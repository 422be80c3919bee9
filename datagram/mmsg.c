// SPDX-License-Identifier: MIT
/*
 * datagram/mmsg.c - many datagrams in one system call: sendmmsg and recvmmsg.
 *
 * The program's vector is read and written message by message, as the kernel does:
 * it may run past the end of its memory. The kernel gets an array of our own, in
 * which each message has its header, and never the program's.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: datagram/proto.c's
 * cop_tx_*, cop_rx_*, cop_sendmsg and cop_recvmsg, wire/encap.c, the kernel.
 * Counterpart in the kernel: __sys_sendmmsg() and do_recvmmsg() in socket.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "port/bind.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "wire/encap.h"
#include "filter/filter.h"
#include "inet/af_inet.h"
#include "lib/iov.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "datagram/proto.h"
#include "wire/stray.h"
#include "datagram/tx.h"
#include "lib/uaccess.h"

/*
 * So many messages go to the kernel at a time, with so many iovecs in all: the
 * arrays are on the stack. One message with more iovecs goes by itself.
 */
#define BATCH_MSGS   32
#define BATCH_IOVS   96

#define NSEC_PER_SEC 1000000000l

struct tx_batch {
	unsigned int n;
	unsigned int iovs; /* in use */
	bool untold;	   /* the last one's length can't be written */
	struct mmsghdr vec[BATCH_MSGS];
	struct cop_tx tx[BATCH_MSGS];
	struct iovec iov[BATCH_IOVS];
};

/* Returns 0 or -errno, in the kernel's order. */
static int tx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg)
{
	int err = msg_import(fd, msg, &umsg->msg_hdr);

	return err ? err : msg_import_name(fd, msg);
}

/* Returns its length, or below 0 where it is to go by itself. */
static ssize_t tx_length(const struct tx_batch *b, int fd,
			 const struct msghdr *msg)
{
	ssize_t len = cop_iov_length(fd, msg);

	if (len > COP_DATAGRAM_MAX ||
	    msg->msg_iovlen + 1 > BATCH_IOVS - b->iovs ||
	    cop_refuse_udp_cmsg(fd, msg))
		return -1;
	return len;
}

static void tx_add(struct tx_batch *b, struct sock *sk,
		   const struct msghdr *msg, size_t len, uint64_t now)
{
	struct msghdr *whole = &b->vec[b->n].msg_hdr;
	struct cop_tx *tx = &b->tx[b->n++];

	cop_tx_begin(sk, msg->msg_name, msg->msg_namelen, len, now, tx);
	*whole = *msg;
	whole->msg_iov = b->iov + b->iovs;
	whole->msg_iovlen = msg->msg_iovlen + 1;
	b->iov[b->iovs++] = (struct iovec){ &tx->hdr, COP_HLEN };
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		b->iov[b->iovs++] = msg->msg_iov[i];
}

/*
 * Put as many messages into a batch as fit; 0: the first one is too much. One
 * whose length can't be told to the program is the last that is sent.
 */
static void tx_fill(struct tx_batch *b, struct sock *sk, int fd,
		    const struct mmsghdr *vec, unsigned int n)
{
	uint64_t now = cop_clock_us();
	struct msghdr msg;
	ssize_t len;

	b->n = b->iovs = 0;
	b->untold = false;
	for (unsigned int i = 0; i < min_t(unsigned int, n, BATCH_MSGS); i++) {
		if (tx_import(fd, &msg, &vec[i]))
			return;
		len = tx_length(b, fd, &msg);
		if (len < 0)
			return;
		tx_add(b, sk, &msg, len, now);
		b->untold =
			!user_writable(&vec[i].msg_len, sizeof(vec->msg_len));
		if (unlikely(b->untold))
			return;
	}
}

static int put_length(struct mmsghdr *umsg, unsigned int len)
{
	return copy_to_user(&umsg->msg_len, &len, sizeof(len));
}

/*
 * Numbers are given back last to first, so that each is the latest. What was sent
 * and can't be told is not counted: the fault comes behind it. Returns how many
 * messages are, or -EFAULT.
 */
static int tx_settle(struct tx_batch *b, struct sock *sk, struct mmsghdr *vec,
		     int sent)
{
	const int told = sent - (b->untold && sent == (int)b->n);
	int i;

	for (i = b->n - 1; i >= sent && i >= 0; i--)
		cop_tx_end(sk, &b->tx[i], -ECANCELED);
	for (i = 0; i < sent; i++) {
		unsigned int len = b->vec[i].msg_len - COP_HLEN;

		cop_tx_end(sk, &b->tx[i], len);
		if (likely(i < told))
			vec[i].msg_len = len;
	}
	return told ? told : -EFAULT;
}

/* Returns how many were sent or -errno; *@tried is how many were to be. */
static int tx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
		    unsigned int n, int flags, unsigned int *tried)
{
	struct tx_batch b;
	int sent, told;

	tx_fill(&b, sk, fd, vec, n);
	*tried = b.n;
	if (!b.n)
		return 0;
	sent = cop_soft_error(sk);
	if (likely(!sent))
		sent = cop_libc_result(
			cop_libc.sendmmsg(fd, b.vec, b.n, flags));
	told = tx_settle(&b, sk, vec, sent);
	return sent < 0 ? sent : told;
}

/* The kernel ends with a probe that has a payload, since it takes none of it. */
static int tx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags,
		     unsigned int *tried)
{
	struct msghdr msg;
	ssize_t n = tx_import(fd, &msg, vec);

	if (n)
		return msg_refuse(fd, n);
	n = cop_sendmsg(sk, fd, &msg, flags);
	if (n < 0)
		return n;
	*tried = 1 + (flags & MSG_PROBE && n);
	return put_length(vec, n) ?: 1;
}

/*
 * Parts of a corked datagram have no header, so they can't go in a batch. Neither
 * can a probe, which has a payload to the kernel when it has a header.
 */
static bool tx_one_by_one(struct sock *sk, int flags)
{
	return flags & (MSG_MORE | MSG_PROBE) ||
	       sock_flag(sk, SOCK_CORKED | SOCK_CORK_OPT);
}

int cop_sendmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags)
{
	unsigned int done = 0, tried;
	int err = 0;

	n = min_t(unsigned int, n, IOV_MAX);
	if (!n)
		return msg_refuse(fd, 0);
	while (done < n) {
		tried = 0;
		if (!tx_one_by_one(sk, flags))
			err = tx_batch(sk, fd, vec + done, n - done, flags,
				       &tried);
		if (!tried)
			err = tx_single(sk, fd, vec + done, flags, &tried);
		if (err < 0)
			break;
		done += err;
		if ((unsigned int)err < tried)
			break;
	}
	return done ? (int)done : err;
}

struct rx_batch {
	unsigned int n;
	unsigned int iovs; /* in use */
	struct mmsghdr vec[BATCH_MSGS];
	struct iovec iov[BATCH_IOVS];
	size_t cap[BATCH_MSGS]; /* bytes in the program's iovecs */
	struct {
		unsigned char hdr[COP_HLEN] __attribute__((aligned(4)));
		unsigned char tail[COP_HDR_OPTIONS];
	} room[BATCH_MSGS];
	struct sockaddr_in
		from[BATCH_MSGS]; /* where the program does not ask */
	uint64_t now;
	uint32_t serial;
	uint16_t gen;
};

/* Too little room to tell who has sent it: it goes by itself. */
static bool rx_name_is_short(const struct msghdr *msg)
{
	return msg->msg_name && msg->msg_namelen < sizeof(struct sockaddr_in);
}

/* Returns 0 or more, or -errno where the kernel refuses the message unreceived. */
static ssize_t rx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg)
{
	int err = msg_import(fd, msg, &umsg->msg_hdr);

	return err ? err : cop_iov_length(fd, msg);
}

/*
 * A message of our own that the kernel refuses for the same reason as the
 * program's, when it comes to that one; its error is kept in the socket.
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
	b->iov[b->iovs++] = (struct iovec){ b->room[b->n].hdr, COP_HLEN };
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		b->iov[b->iovs++] = msg->msg_iov[i];
	b->iov[b->iovs++] = (struct iovec){ b->room[b->n].tail, COP_HDR_OPTIONS };
	b->n++;
}

/* One that can't be told what has come goes by itself, for the fault behind it. */
static void rx_fill(struct rx_batch *b, int fd, const struct mmsghdr *vec,
		    unsigned int n)
{
	struct msghdr msg;

	b->n = b->iovs = 0;
	for (unsigned int i = 0; i < min_t(unsigned int, n, BATCH_MSGS); i++) {
		ssize_t cap = rx_import(fd, &msg, &vec[i]);

		if (unlikely(cap < 0)) {
			rx_refused(&b->vec[b->n++].msg_hdr, cap);
			return;
		}
		if (unlikely(rx_name_is_short(&msg) ||
			     !user_writable(&vec[i], sizeof(*vec))) ||
		    msg.msg_iovlen + 2 > BATCH_IOVS - b->iovs)
			return;
		rx_add(b, &msg, cap);
	}
}

/*
 * A stray left a hole: put a message into an earlier slot, as the kernel would
 * have. Happens only until the filter is set, see filter/filter.c. Returns 0 or
 * -EFAULT.
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

/* The program's message @i, with the iovecs that the kernel was given. */
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
 * Message @i, that is @msg, becomes the program's @at, which rx_fill() has found
 * to be writable. Returns 0 or -EFAULT.
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
	umsg->msg_len = flags & MSG_TRUNC ? rx->len : rx->copied;
	return 0;
}

/*
 * Message @i of the batch, which the kernel put where the program's @i points,
 * becomes the program's @at. Returns whether it was one for the program.
 */
static bool rx_settle_one(struct rx_batch *b, struct sock *sk, int fd,
			  struct mmsghdr *vec, unsigned int i, unsigned int at,
			  int flags)
{
	const struct msghdr *whole = &b->vec[i].msg_hdr;
	const socklen_t named = min_t(socklen_t, whole->msg_namelen,
				      sizeof(struct sockaddr_storage));
	struct cop_rx rx = { .now = b->now,
			     .serial = b->serial,
			     .gen = b->gen };
	struct msghdr msg;

	rx_program_msg(b, i, &msg);
	cop_encap_settle(&msg, b->room[i].hdr, b->room[i].tail,
			 b->vec[i].msg_len, b->cap[i], &rx);
	if (unlikely(rx.stray != COP_NO_STRAY) && cop_may_own(sk, fd) &&
	    !cop_rx_ended(fd, whole->msg_namelen, &rx)) {
		if (!(flags & MSG_PEEK))
			cop_rx_stray(sk, fd, rx.stray, whole->msg_name, named);
		return false;
	}
	if (unlikely(rx_export(b, fd, vec, &msg, i, at, flags, &rx)))
		return false;
	if (likely(rx.stray == COP_NO_STRAY && !(flags & MSG_PEEK))) {
		cop_rx_account(sk, whole->msg_name, named, &rx);
		b->serial++;
	}
	return true;
}

/* What a batch came to. */
struct rx_result {
	unsigned int tried; /* messages the kernel was asked for */
	unsigned int kept;  /* of those that came, how many are COP */
};

/* Those that were only looked at are at the head of the queue still. */
static void strays_left(struct sock *sk, int fd, int flags, unsigned int kept)
{
	cop_poll(sk, fd);
	if (cop_confined() && flags & MSG_PEEK && !kept)
		cop_rx_discard(fd);
}

/* Returns how many the kernel delivered or -errno. */
static int rx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
		    unsigned int n, int flags, struct timespec *timeout,
		    struct rx_result *res)
{
	struct rx_batch b;
	int got;

	rx_fill(&b, fd, vec, n);
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
		res->kept +=
			rx_settle_one(&b, sk, fd, vec, i, res->kept, flags);
	if (got > 0 && res->kept < (unsigned int)got)
		strays_left(sk, fd, flags, res->kept);
	return got;
}

/* No time is longer than this: a third of what the clock can count. */
#define LONGEST_TIME (1ull << 42) /* seconds */

static uint64_t rx_until(const struct timespec *timeout)
{
	uint64_t seconds = min_t(uint64_t, timeout->tv_sec, LONGEST_TIME);

	return cop_clock_us() + seconds * 1000000 + timeout->tv_nsec / 1000;
}

static int rx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags,
		     struct timespec *timeout, struct cop_wait *wait,
		     struct rx_result *res)
{
	struct cop_wait until = *wait;
	struct timespec end = { 0 };
	struct msghdr msg;
	ssize_t n = msg_import(fd, &msg, &vec->msg_hdr);

	if (n)
		return msg_refuse(fd, n);
	if (timeout) {
		end = cop_time_end(timeout);
		until.until = rx_until(timeout);
	}
	n = cop_recvmsg_until(sk, fd, &msg, flags, &until);
	if (n < 0)
		return n;
	if (msg_export(&vec->msg_hdr, &msg) ||
	    put_length(vec, n & ~COP_RX_STALE))
		return -EFAULT;
	if (timeout) /* as in the kernel, looked at behind each message only */
		*timeout = cop_time_left(&end);
	res->tried = res->kept = 1;
	return 1;
}

/*
 * Within a batch the kernel would count SO_RCVTIMEO anew behind each stray, so it
 * gets none while it lets strays in.
 */
static bool rx_one_by_one(struct sock *sk, int flags)
{
	return flags & MSG_ERRQUEUE || cop_head_unclean(sk) ||
	       (sock_flag(sk, SOCK_RCVTIMEO) && !sock_flag(sk, SOCK_FILTER) &&
		!(flags & MSG_DONTWAIT));
}

/*
 * The kernel looks for a pending error before it looks at any message. It does so
 * by itself for a batch. Where the error queue is asked for, it does not.
 */
static int rx_pending_error(int fd, int flags)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (flags & MSG_ERRQUEUE || cop_confined())
		return 0;
	cop_libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return -err;
}

static bool rx_expired(const struct timespec *timeout)
{
	return timeout && timeout->tv_sec <= 0 && timeout->tv_nsec <= 0;
}

/* Returns how many the kernel delivered or -errno. */
static int rx_next(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		   int flags, struct timespec *timeout, bool first,
		   struct cop_wait *wait, struct rx_result *res)
{
	int got;

	res->tried = 0;
	if (!rx_one_by_one(sk, flags)) {
		got = rx_batch(sk, fd, vec, n, flags, timeout, res);
		if (res->tried)
			return got;
	}
	got = first ? rx_pending_error(fd, flags) : 0;
	return got ? got : rx_single(sk, fd, vec, flags, timeout, wait, res);
}

/* Behind strays alone, or where another thread has taken what was waited for. */
static bool rx_again(struct sock *sk, int fd, int flags, struct cop_wait *wait,
		     int *err)
{
	if (*err < 0 && (*err != -EAGAIN || !wait->flags))
		return false;
	*err = cop_wait_again(sk, fd, flags, wait);
	return !*err;
}

static int rx_all(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		  int flags, struct timespec *timeout)
{
	struct cop_wait wait = cop_wait_begin(sk);
	struct rx_result res;
	unsigned int done = 0;
	int err = 0;

	while (done < n) {
		if (done && flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		res.kept = 0;
		err = rx_next(sk, fd, vec + done, n - done, flags | wait.flags,
			      timeout, !done, &wait, &res);
		if (res.kept)
			wait = cop_wait_begin(sk);
		else if (err < 0 || !rx_expired(timeout)) {
			if (rx_again(sk, fd, flags, &wait, &err))
				continue;
			break;
		}
		done += res.kept;
		if (rx_expired(timeout) ||
		    (done && (unsigned int)err < res.tried))
			break;
	}
	if (done && err < 0 && err != -EAGAIN)
		WRITE_ONCE(cop_sk(sk)->soft_err, -err);
	if (done)
		return done;
	return err < 0 ? err : -EAGAIN; /* strays used the time up */
}

/* The kernel copies the time ahead of all else, and back behind all else. */
static int rx_time_import(int fd, struct timespec *time,
			  const struct timespec *utime)
{
	if (!user_readable(fd, utime, sizeof(*utime)))
		return -EFAULT;
	*time = *utime;
	if (time->tv_sec < 0 || time->tv_nsec < 0 ||
	    time->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	return 0;
}

int cop_recvmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags, struct timespec *timeout)
{
	struct timespec left;
	int ret = timeout ? rx_time_import(fd, &left, timeout) : 0;

	if (ret)
		return msg_refuse(fd, ret);
	ret = flags & MSG_ERRQUEUE ? 0 : cop_soft_error(sk);
	if (ret)
		return ret;
	if (!n)
		return msg_refuse(fd, rx_pending_error(fd, flags));
	ret = rx_all(sk, fd, vec, n, flags, timeout ? &left : NULL);
	if (ret > 0 && timeout && copy_to_user(timeout, &left, sizeof(left)))
		return -EFAULT;
	return ret;
}
