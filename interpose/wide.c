// SPDX-License-Identifier: MIT
/*
 * interpose/wide.c - the names that only the libc of a 32-bit processor has: for
 * programs whose times have 64 bits (Debian 13's have), and for those whose positions
 * in files have 32 bits. Elsewhere this file has nothing.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel: its
 * system calls with _time64 in their names, and kernel/time/time.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>

#include "interpose/interpose.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/uaccess.h"

#ifndef __OFF_T_MATCHES_OFF64_T
EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t off,
		       int flags)
{
	return preadv64v2(fd, iov, n, off, flags);
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t off,
			int flags)
{
	return pwritev64v2(fd, iov, n, off, flags);
}
#endif

#if __TIMESIZE == 32

/* ---- times ---------------------------------------------------------------- */

/* A longer time than this is as good as for ever: 68 years. */
static time_t narrow(int64_t seconds)
{
	if (seconds < 0)
		return -1;
	return seconds > INT32_MAX ? INT32_MAX : seconds;
}

static struct timespec narrow_timespec(const struct cop_timespec64 *wide)
{
	return (struct timespec){ narrow(wide->tv_sec), wide->tv_nsec };
}

/* The time that is left of @wide: @narrowed became @left. */
static struct cop_timespec64 widen(const struct cop_timespec64 *wide,
				   const struct timespec *narrowed,
				   const struct timespec *left)
{
	return (struct cop_timespec64){
		.tv_sec = wide->tv_sec - narrowed->tv_sec + left->tv_sec,
		.tv_nsec = left->tv_nsec
	};
}

/*
 * The timeout of a wait that is watched: see sifts(). If libc has to refuse the
 * time, or can't read it, the caller gives it to libc as it is.
 */
static bool watch_time(struct timespec *ts,
		       const struct cop_timespec64 *timeout)
{
	if (!timeout)
		return true;
	if (!wait_readable(timeout, sizeof(*timeout)) || timeout->tv_sec < 0)
		return false;
	*ts = narrow_timespec(timeout);
	return true;
}

/* ---- options, control ----------------------------------------------------- */

EXPORT int __getsockopt64(int fd, int level, int name, void *val,
			  socklen_t *len)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.__getsockopt64(fd, level, name, val, len);
	return getsockopt(fd, level, name, val, len);
}

EXPORT int __setsockopt64(int fd, int level, int name, const void *val,
			  socklen_t len)
{
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.__setsockopt64(fd, level, name, val, len);
	return setsockopt(fd, level, name, val, len);
}

EXPORT int __ioctl_time64(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (likely(!sockfd_lookup(fd)))
		return cop_libc.__ioctl_time64(fd, cmd, arg);
	return ioctl(fd, cmd, arg);
}

EXPORT int __fcntl_time64(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (likely(!any_ours()) || (cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC))
		return cop_libc.__fcntl_time64(fd, cmd, arg);
	return fcntl64(fd, cmd, arg);
}

/* To libc it is prctl() by another name. <sys/prctl.h> declares it only there. */
int __prctl_time64(int option, ...);
EXPORT int __prctl_time64(int option, ...)
{
	unsigned long a[COP_PRCTL_ARGS];
	va_list ap;

	va_start(ap, option);
	cop_prctl_args(a, ap);
	va_end(ap);
	return prctl(option, a[0], a[1], a[2], a[3]);
}

/* ---- messages ------------------------------------------------------------- */

EXPORT ssize_t __sendmsg64(int fd, const struct msghdr *msg, int flags)
{
	if (any_ours())
		return sendmsg(fd, msg, flags);
	return cop_libc.__sendmsg64(fd, msg, flags);
}

EXPORT int __sendmmsg64(int fd, struct mmsghdr *vec, unsigned int n, int flags)
{
	if (any_ours())
		return sendmmsg(fd, vec, n, flags);
	return cop_libc.__sendmmsg64(fd, vec, n, flags);
}

EXPORT ssize_t __recvmsg64(int fd, struct msghdr *msg, int flags)
{
	ssize_t ret;

	if (unlikely(sockfd_lookup(fd)))
		return recvmsg(fd, msg, flags);
	ret = cop_libc.__recvmsg64(fd, msg, flags);
	if (ret >= 0 && unlikely(msg->msg_controllen))
		return refuse_rights(rights_receive(msg)) ?: ret;
	return ret;
}

/* The kernel reads the time first of all, and writes what is left last. */
static noinline int sys_recvmmsg64(int fd, struct mmsghdr *vec, unsigned int n,
				   int flags, struct cop_timespec64 *timeout)
{
	struct cop_timespec64 wide;
	struct timespec left, time;
	int ret;

	if (!timeout)
		return recvmmsg(fd, vec, n, flags, NULL);
	if (!user_readable(fd, timeout, sizeof(wide))) {
		errno = -msg_refuse(fd, -EFAULT);
		return -1;
	}
	wide = *timeout;
	left = time = narrow_timespec(&wide);
	ret = recvmmsg(fd, vec, n, flags, &left);
	if (ret <= 0)
		return ret;
	wide = widen(&wide, &time, &left);
	if (!copy_to_user(timeout, &wide, sizeof(wide)))
		return ret;
	errno = EFAULT;
	return -1;
}

static noinline int recvmmsg64_foreign(int fd, struct mmsghdr *vec,
				       unsigned int n, int flags,
				       struct cop_timespec64 *timeout)
{
	int ret = cop_libc.__recvmmsg64(fd, vec, n, flags, timeout);
	int err = 0;

	for (int i = 0; i < ret; i++)
		if (unlikely(vec[i].msg_hdr.msg_controllen))
			err = rights_receive(&vec[i].msg_hdr) ?: err;
	return refuse_rights(err) ?: ret;
}

EXPORT int __recvmmsg64(int fd, struct mmsghdr *vec, unsigned int n, int flags,
			struct cop_timespec64 *timeout)
{
	if (unlikely(sockfd_lookup(fd)))
		return sys_recvmmsg64(fd, vec, n, flags, timeout);
	return recvmmsg64_foreign(fd, vec, n, flags, timeout);
}

/* ---- waiting -------------------------------------------------------------- */

EXPORT int __ppoll64(struct pollfd *fds, nfds_t n,
		     const struct cop_timespec64 *timeout, const sigset_t *mask)
{
	struct timespec ts;

	if (any_ours()) {
		poll_prepare(fds, n);
		if (sifts() && watch_time(&ts, timeout))
			return watch_poll(fds, n, timeout ? &ts : NULL, mask);
	}
	return cop_libc.__ppoll64(fds, n, timeout, mask);
}

EXPORT int __ppoll64_chk(struct pollfd *fds, nfds_t n,
			 const struct cop_timespec64 *timeout,
			 const sigset_t *mask, size_t size)
{
	struct timespec ts;

	if (any_ours() && n <= size / sizeof(*fds)) {
		poll_prepare(fds, n);
		if (sifts() && watch_time(&ts, timeout))
			return watch_poll(fds, n, timeout ? &ts : NULL, mask);
	}
	return cop_libc.__ppoll64_chk(fds, n, timeout, mask, size);
}

EXPORT int __pselect64(int n, fd_set *rd, fd_set *wr, fd_set *ex,
		       const struct cop_timespec64 *timeout,
		       const sigset_t *mask)
{
	struct timespec ts;

	if (any_ours()) {
		select_prepare(n, rd);
		if (sifts_sets(n) && watch_time(&ts, timeout))
			return watch_select(n, rd, wr, ex, timeout ? &ts : NULL,
					    mask);
	}
	return cop_libc.__pselect64(n, rd, wr, ex, timeout, mask);
}

static noinline int watch_select64(int n, fd_set *rd, fd_set *wr, fd_set *ex,
				   struct cop_timeval64 *tv)
{
	struct timespec ts, time;
	int ret;

	if (!tv)
		return watch_select(n, rd, wr, ex, NULL, NULL);
	if (!wait_readable(tv, sizeof(*tv)) || tv->tv_sec < 0 ||
	    tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return cop_libc.__select64(n, rd, wr, ex, tv);
	ts = time = (struct timespec){ narrow(tv->tv_sec), tv->tv_usec * 1000 };
	ret = watch_select(n, rd, wr, ex, &ts, NULL);
	tv->tv_sec += ts.tv_sec - time.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return ret;
}

EXPORT int __select64(int n, fd_set *rd, fd_set *wr, fd_set *ex,
		      struct cop_timeval64 *tv)
{
	if (any_ours()) {
		select_prepare(n, rd);
		if (sifts_sets(n))
			return watch_select64(n, rd, wr, ex, tv);
	}
	return cop_libc.__select64(n, rd, wr, ex, tv);
}

EXPORT int __epoll_pwait2_time64(int epfd, struct epoll_event *ev, int n,
				 const struct cop_timespec64 *timeout,
				 const sigset_t *mask)
{
	struct timespec ts;

	epoll_prepare();
	if (any_ours() && watches() && watch_time(&ts, timeout))
		return watch_epoll(epfd, ev, n, timeout ? &ts : NULL, mask);
	return cop_libc.__epoll_pwait2_time64(epfd, ev, n, timeout, mask);
}

#endif /* __TIMESIZE == 32 */
