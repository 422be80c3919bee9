// SPDX-License-Identifier: MIT
/*
 * datagram/recvmmsg.c - many datagrams in by one call of the program: batches, single messages,
 * and when to stop.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * __sys_recvmmsg() and do_recvmmsg() in net/socket.c.
 */
#include <errno.h>

#include "datagram/batch.h"
#include "datagram/gro_batch.h"
#include "datagram/proto.h"
#include "datagram/rx_batch.h"
#include "datagram/soft_error.h"
#include "datagram/strays.h"
#include "datagram/wait.h"
#include "filter/filter.h"
#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/libc.h"
#include "lib/msghdr.h"
#include "lib/uaccess.h"
#include "wire/encap.h"

#define NSEC_PER_SEC 1000000000l

/* A timeout counts as no longer than this, so that a sum of times can't overflow. */
#define LONGEST_TIME (1ull << 42) /* seconds */

static uint64_t rx_until(const struct timespec *timeout)
{
	uint64_t seconds = min_t(uint64_t, timeout->tv_sec, LONGEST_TIME);

	return cop_clock_us() + seconds * 1000000 + timeout->tv_nsec / 1000;
}

static int rx_single(struct sock *sk, int fd, struct mmsghdr *vec, int flags,
		     struct timespec *timeout, struct cop_wait *wait,
		     struct cop_rx_result *res)
{
	struct cop_wait until = *wait;
	struct timespec end = { 0 };
	struct msghdr msg;
	socklen_t room;
	ssize_t n = msg_import(fd, &msg, &vec->msg_hdr);

	if (n)
		return msg_refuse(fd, n);
	if (timeout) {
		end = cop_time_end(timeout);
		until.until = rx_until(timeout);
	}
	room = msg.msg_namelen;
	if (sk_wire(sk)->decode || sock_flag(sk, SOCK_GRO))
		flags |= cop_many_flags();
	n = cop_recvmsg_until(sk, fd, &msg, flags, &until);
	if (n < 0)
		return msg_export_fault(&vec->msg_hdr, &msg, room, n);
	if (unlikely(n & COP_RX_STALE) && cop_rx_is_closed(sk, fd)) {
		res->closed = true;
		return -EINTR;
	}
	if (msg_export(&vec->msg_hdr, &msg) ||
	    cop_put_msg_len(vec, n & ~COP_RX_STALE))
		return -EFAULT;
	if (timeout) /* only behind a message, as in the kernel */
		*timeout = cop_time_left(&end);
	res->tried = res->kept = 1;
	return 1;
}

/*
 * Within a batch the kernel would count SO_RCVTIMEO anew behind each stray. So there
 * are no batches while the kernel lets strays in. A payload is decoded in a buffer for
 * one datagram.
 */
static bool rx_one_by_one(struct sock *sk, int flags)
{
	return flags & MSG_ERRQUEUE || sk_wire(sk)->decode ||
	       cop_head_unclean(sk) ||
	       (sock_flag(sk, SOCK_RCVTIMEO) && !sock_flag(sk, SOCK_FILTER) &&
		!(flags & MSG_DONTWAIT));
}

/*
 * recvmmsg() looks for a pending error before it looks at a message, but not with
 * MSG_ERRQUEUE. For a batch the kernel does so itself.
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

/* A receive of joined datagrams that looks only, or asks for more, goes by itself. */
static int rx_batch(struct sock *sk, int fd, struct mmsghdr *vec,
		    unsigned int n, int flags, struct timespec *timeout,
		    struct cop_rx_result *res)
{
	if (likely(!sock_flag(sk, SOCK_GRO)))
		return cop_rx_batch(sk, fd, vec, n, flags, timeout, res);
	if (flags & (MSG_PEEK | MSG_TRUNC))
		return 0;
	return cop_gro_batch(sk, fd, vec, n, flags, timeout, res);
}

/* Returns how many datagrams the kernel delivered, strays included, or -errno. */
static int rx_next(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		   int flags, struct timespec *timeout, bool first,
		   struct cop_wait *wait, struct cop_rx_result *res)
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

/*
 * Whether to receive again: behind nothing but strays, or where another thread was
 * faster during a wait of ours. If not, *@err is the call's result.
 */
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
	const uint16_t gen = READ_ONCE(cop_sk(sk)->flows.gen);
	struct cop_wait wait = cop_wait_begin(sk);
	struct cop_rx_result res;
	unsigned int done = 0;
	int err = 0;

	while (done < n) {
		if (unlikely(done) && cop_batch_is_elsewhere(sk, fd, gen))
			return done;
		if (done && flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		res.kept = 0;
		res.closed = false;
		err = rx_next(sk, fd, vec + done, n - done, flags | wait.flags,
			      timeout, !done, &wait, &res);
		if (unlikely(res.closed))
			return (int)(done + res.kept) ?: -EINTR;
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
		cop_soft_error_set(sk, err);
	if (done)
		return done;
	return err < 0 ? err : -EAGAIN; /* strays took all the time */
}

/* The kernel reads the timeout before anything else and writes it last of all. */
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
