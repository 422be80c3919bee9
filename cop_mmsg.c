// SPDX-License-Identifier: MIT
/*
 * cop_mmsg.c - many datagrams in one system call: sendmmsg and recvmmsg.
 *
 * Owns: nothing. Protected by: nothing to protect. May call: cop_proto.c's
 * cop_tx_*, cop_rx_*, cop_sendmsg and cop_recvmsg, cop_encap.c, the kernel.
 * Counterpart in the kernel: __sys_sendmmsg() and do_recvmmsg() in socket.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cop/bind.h"
#include "cop/clock.h"
#include "cop/compiler.h"
#include "cop/encap.h"
#include "cop/filter.h"
#include "cop/inet.h"
#include "cop/iov.h"
#include "cop/libc.h"
#include "cop/msghdr.h"
#include "cop/proto.h"
#include "cop/stray.h"
#include "cop/tx.h"
#include "cop/uaccess.h"

/*
 * So many messages go to the kernel at a time, with so many iovecs in all: the
 * arrays are on the stack. One message with more iovecs goes by itself.
 */
#define BATCH_MSGS 32
#define BATCH_IOVS 96

/* The kernel's name for what libc calls MSG_PROXY. */
#define MSG_PROBE MSG_PROXY

static bool vec_fits(int fd, const struct mmsghdr *vec, unsigned int n)
{
	return user_readable(fd, vec, n * sizeof(*vec));
}

struct tx_batch {
	unsigned int n;
	struct mmsghdr vec[BATCH_MSGS];
	struct cop_tx tx[BATCH_MSGS];
	struct iovec iov[BATCH_IOVS];
};

/* One that does not goes by itself, for the kernel's error. */
static bool name_fits(int fd, const struct msghdr *msg)
{
	return !msg->msg_name || !msg->msg_namelen ||
	       !inet_addr_fits(fd, msg->msg_name, msg->msg_namelen);
}

static bool tx_fits(int fd, const struct msghdr *msg)
{
	ssize_t len = cop_iov_length(fd, msg);

	return name_fits(fd, msg) && len >= 0 && len <= COP_DATAGRAM_MAX &&
	       !cop_has_udp_cmsg(fd, msg);
}

/* Put as many messages into a batch as fit; 0: the first one is too much. */
static void tx_fill(struct tx_batch *b, struct sock *sk, int fd,
		    const struct mmsghdr *vec, unsigned int n)
{
	uint64_t now = cop_clock_us();
	size_t iovs = 0;

	for (b->n = 0; b->n < min_t(unsigned int, n, BATCH_MSGS); b->n++) {
		const struct msghdr *msg = &vec[b->n].msg_hdr;
		struct msghdr *whole = &b->vec[b->n].msg_hdr;

		if (!tx_fits(fd, msg) ||
		    msg->msg_iovlen + 1 > BATCH_IOVS - iovs)
			return;
		cop_tx_begin(sk, msg->msg_namelen ? msg->msg_name : NULL,
			     msg->msg_namelen, cop_iov_length(fd, msg), now,
			     &b->tx[b->n]);
		*whole = *msg;
		whole->msg_iov = b->iov + iovs;
		whole->msg_iovlen = msg->msg_iovlen + 1;
		b->iov[iovs++] = (struct iovec){ &b->tx[b->n].hdr, COP_HLEN };
		for (size_t i = 0; i < msg->msg_iovlen; i++)
			b->iov[iovs++] = msg->msg_iov[i];
	}
}

/* Numbers are given back last to first, so that each is the latest. */
static void tx_settle(struct tx_batch *b, struct sock *sk, struct mmsghdr *vec,
		      int sent)
{
	int i;

	for (i = b->n - 1; i >= sent && i >= 0; i--)
		cop_tx_end(sk, &b->tx[i], -ECANCELED);
	for (i = 0; i < sent; i++) {
		vec[i].msg_len = b->vec[i].msg_len - COP_HLEN;
		cop_tx_end(sk, &b->tx[i], vec[i].msg_len);
	}
}

/* Returns how many were sent or -errno; *@tried is how many were to be. */
static int tx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
		    unsigned int n, int flags, unsigned int *tried)
{
	struct tx_batch b;
	int sent;

	tx_fill(&b, sk, fd, vec, n);
	*tried = b.n;
	if (!b.n)
		return 0;
	sent = cop_libc_result(cop_libc.sendmmsg(fd, b.vec, b.n, flags));
	tx_settle(&b, sk, vec, sent);
	return sent;
}

static int tx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags)
{
	struct msghdr msg;
	ssize_t n = msg_import(fd, &msg, &vec->msg_hdr);

	if (!n)
		n = msg_import_name(fd, &msg);
	if (!n)
		n = cop_sendmsg(sk, fd, &msg, flags);
	if (n < 0)
		return n;
	vec->msg_len = n;
	return 1;
}

/*
 * Parts of a corked datagram have no header, so they can't go in a batch. Neither
 * can what is only a probe: the kernel ends with the first that has a payload,
 * since it takes none of it.
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
	int err;

	n = min_t(unsigned int, n, IOV_MAX);
	if (!n || !vec_fits(fd, vec, n))
		return cop_libc_result(cop_libc.sendmmsg(fd, vec, n, flags));
	err = cop_soft_error(sk);
	if (err)
		return err;
	while (done < n) {
		tried = 0;
		if (!tx_one_by_one(sk, flags))
			err = tx_batch(sk, fd, vec + done, n - done, flags,
				       &tried);
		if (!tried) {
			err = tx_single(sk, fd, vec + done, flags);
			tried = 1 + (flags & MSG_PROBE && vec[done].msg_len);
		}
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
	struct mmsghdr vec[BATCH_MSGS];
	struct iovec iov[BATCH_IOVS];
	struct {
		unsigned char hdr[COP_HLEN] __attribute__((aligned(4)));
		unsigned char tail[COP_TAIL];
	} room[BATCH_MSGS];
	struct sockaddr_in
		from[BATCH_MSGS]; /* where the program does not ask */
	uint64_t now;
	uint32_t serial;
	uint16_t gen;
};

/* Too little room to tell who has sent it: it goes by itself. */
static bool rx_name_is_short(int fd, const struct msghdr *msg)
{
	return msg->msg_name && msg->msg_namelen < sizeof(struct sockaddr_in) &&
	       user_readable(fd, msg->msg_name, msg->msg_namelen);
}

static void rx_fill(struct rx_batch *b, int fd, const struct mmsghdr *vec,
		    unsigned int n)
{
	size_t iovs = 0;

	for (b->n = 0; b->n < min_t(unsigned int, n, BATCH_MSGS); b->n++) {
		const struct msghdr *msg = &vec[b->n].msg_hdr;
		struct msghdr *whole = &b->vec[b->n].msg_hdr;

		if (unlikely(rx_name_is_short(fd, msg)))
			return;
		*whole = *msg;
		if (!whole->msg_name) {
			whole->msg_name = &b->from[b->n];
			whole->msg_namelen = sizeof(b->from[b->n]);
		}
		if (cop_iov_length(fd, msg) < 0) {
			b->n++; /* is refused, and the socket keeps the error */
			return;
		}
		if (msg->msg_iovlen + 2 > BATCH_IOVS - iovs)
			return;
		whole->msg_iov = b->iov + iovs;
		whole->msg_iovlen = msg->msg_iovlen + 2;
		b->iov[iovs++] = (struct iovec){ b->room[b->n].hdr, COP_HLEN };
		for (size_t i = 0; i < msg->msg_iovlen; i++)
			b->iov[iovs++] = msg->msg_iov[i];
		b->iov[iovs++] = (struct iovec){ b->room[b->n].tail, COP_TAIL };
	}
}

/*
 * A stray left a hole: put a message into an earlier slot, as the kernel would
 * have. Happens only until the filter is set, see cop_filter.c.
 */
static void rx_move(int fd, struct msghdr *to, const struct msghdr *from,
		    struct cop_rx *rx)
{
	rx->copied = min_t(size_t, rx->copied, cop_iov_length(fd, to));
	cop_iov_copy(to->msg_iov, from->msg_iov, 0, rx->copied);
	if (to->msg_name && from->msg_name)
		memcpy(to->msg_name, from->msg_name,
		       min_t(size_t, to->msg_namelen, from->msg_namelen));
	to->msg_namelen = from->msg_namelen;
	to->msg_flags = from->msg_flags;
	if (to->msg_controllen < from->msg_controllen)
		to->msg_flags |= MSG_CTRUNC;
	to->msg_controllen =
		min_t(size_t, to->msg_controllen, from->msg_controllen);
	if (to->msg_controllen)
		memcpy(to->msg_control, from->msg_control, to->msg_controllen);
	if (rx->copied < rx->len)
		to->msg_flags |= MSG_TRUNC;
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
	struct msghdr msg = vec[i].msg_hdr;
	const socklen_t room =
		msg.msg_name ? msg.msg_namelen : sizeof(b->from[i]);
	const socklen_t named = min_t(socklen_t, room, whole->msg_namelen);
	struct cop_rx rx = { .now = b->now,
			     .serial = b->serial,
			     .gen = b->gen };

	if (msg.msg_name)
		msg.msg_namelen = whole->msg_namelen;
	msg.msg_controllen = b->vec[i].msg_hdr.msg_controllen;
	msg.msg_flags = b->vec[i].msg_hdr.msg_flags;
	cop_encap_settle(&msg, b->room[i].hdr, b->room[i].tail,
			 b->vec[i].msg_len, cop_iov_length(fd, &msg), &rx);
	if (unlikely(rx.stray != COP_NO_STRAY) && cop_may_own(sk, fd) &&
	    !cop_rx_ended(fd, whole->msg_namelen, &rx)) {
		if (!(flags & MSG_PEEK))
			cop_rx_stray(sk, fd, rx.stray, whole->msg_name, named);
		return false;
	}
	if (likely(i == at))
		vec[at].msg_hdr = msg;
	else
		rx_move(fd, &vec[at].msg_hdr, &msg, &rx);
	vec[at].msg_len = flags & MSG_TRUNC ? rx.len : rx.copied;
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
		cop_poll(sk, fd);
	return got;
}

/* As the kernel does, the time is looked at after each message only. */
static void rx_time_left(struct timespec *timeout, const struct timespec *end)
{
	struct timespec now;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (end->tv_sec - now.tv_sec) * 1000000000ll +
	       (end->tv_nsec - now.tv_nsec);
	if (left < 0)
		left = 0;
	timeout->tv_sec = left / 1000000000;
	timeout->tv_nsec = left % 1000000000;
}

static uint64_t rx_until(const struct timespec *timeout)
{
	return cop_clock_us() + timeout->tv_sec * 1000000ull +
	       timeout->tv_nsec / 1000;
}

static int rx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags,
		     struct timespec *timeout, struct cop_wait *wait,
		     struct rx_result *res)
{
	struct msghdr msg = vec->msg_hdr;
	struct cop_wait until = *wait;
	struct timespec end = { 0 };
	ssize_t n;

	if (timeout) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += timeout->tv_sec;
		end.tv_nsec += timeout->tv_nsec;
		until.until = rx_until(timeout);
	}
	msg.msg_flags = 0;
	n = cop_recvmsg_until(sk, fd, &msg, flags, &until);
	if (n < 0)
		return n;
	vec->msg_hdr = msg;
	if (timeout)
		rx_time_left(timeout, &end);
	vec->msg_len = n & ~COP_RX_STALE;
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

/* What is no time is left to the kernel, for its EFAULT or EINVAL. */
static bool rx_time_fits(int fd, const struct timespec *timeout)
{
	return user_readable(fd, timeout, sizeof(*timeout)) &&
	       timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 &&
	       timeout->tv_nsec < 1000000000;
}

/*
 * The kernel looks for a pending error before it looks at any message. It does so
 * by itself for a batch.
 */
static int rx_pending_error(struct sock *sk, int fd, const struct mmsghdr *vec,
			    int flags)
{
	bool alone = vec->msg_hdr.msg_iovlen + 2 > BATCH_IOVS;
	socklen_t len = sizeof(int);
	int err = cop_soft_error(sk);

	if (err || !(alone || cop_head_unclean(sk)) || flags & MSG_ERRQUEUE)
		return err;
	cop_libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return -err;
}

static bool rx_expired(const struct timespec *timeout)
{
	return timeout && timeout->tv_sec <= 0 && timeout->tv_nsec <= 0;
}

static int rx_next(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		   int flags, struct timespec *timeout, struct cop_wait *wait,
		   struct rx_result *res)
{
	int got;

	res->tried = 0;
	if (!rx_one_by_one(sk, flags)) {
		got = rx_batch(sk, fd, vec, n, flags, timeout, res);
		if (res->tried)
			return got;
	}
	return rx_single(sk, fd, vec, flags, timeout, wait, res);
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

int cop_recvmmsg(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags, struct timespec *timeout)
{
	struct cop_wait wait = cop_wait_begin(sk);
	struct rx_result res;
	unsigned int done = 0;
	int err;

	if (!n || !vec_fits(fd, vec, n) ||
	    (timeout && !rx_time_fits(fd, timeout)))
		return cop_libc_result(
			cop_libc.recvmmsg(fd, vec, n, flags, timeout));
	err = rx_pending_error(sk, fd, vec, flags);
	if (err)
		return err;
	while (done < n) {
		if (done && flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		res.kept = 0;
		err = rx_next(sk, fd, vec + done, n - done, flags | wait.flags,
			      timeout, &wait, &res);
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
