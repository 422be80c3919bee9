// SPDX-License-Identifier: MIT
/*
 * interpose/wait.c - the calls that wait for descriptors: poll, select, epoll.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * fs/select.c and fs/eventpoll.c.
 */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "cop_table.h"
#include "lib/uaccess.h"

/* libc declares that poll() only writes to its array; it reads it first. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec ts;

	if (any_ours()) {
		poll_prepare(fds, n);
		if (sifts())
			return watch_poll(fds, n, watch_msec(&ts, timeout),
					  NULL);
	}
	return cop_libc.poll(fds, n, timeout);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		 const sigset_t *mask)
{
	if (any_ours()) {
		poll_prepare(fds, n);
		if (sifts())
			return watch_poll(fds, n, timeout, mask);
	}
	return cop_libc.ppoll(fds, n, timeout, mask);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	struct timespec ts;

	if (any_ours() && n <= size / sizeof(*fds)) {
		poll_prepare(fds, n);
		if (sifts())
			return watch_poll(fds, n, watch_msec(&ts, timeout),
					  NULL);
	}
	return cop_libc.__poll_chk(fds, n, timeout, size);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n,
		       const struct timespec *timeout, const sigset_t *mask,
		       size_t size)
{
	if (any_ours() && n <= size / sizeof(*fds)) {
		poll_prepare(fds, n);
		if (sifts())
			return watch_poll(fds, n, timeout, mask);
	}
	return cop_libc.__ppoll_chk(fds, n, timeout, mask, size);
}

static int watch_select_tv(int n, fd_set *rd, fd_set *wr, fd_set *ex,
			   struct timeval *tv)
{
	struct timespec ts;
	int ret;

	if (!tv)
		return watch_select(n, rd, wr, ex, NULL, NULL);
	if (!wait_readable(tv, sizeof(*tv)) || tv->tv_sec < 0 ||
	    tv->tv_usec < 0)
		return cop_libc.select(n, rd, wr, ex, tv);
	if (__builtin_add_overflow(tv->tv_sec, tv->tv_usec / 1000000,
				   &ts.tv_sec))
		ts.tv_sec = LONG_MAX;
	ts.tv_nsec = tv->tv_usec % 1000000 * 1000;
	ret = watch_select(n, rd, wr, ex, &ts, NULL);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return ret;
}

EXPORT int select(int n, fd_set *rd, fd_set *wr, fd_set *ex, struct timeval *tv)
{
	if (any_ours()) {
		select_prepare(n, rd);
		if (sifts_sets(n))
			return watch_select_tv(n, rd, wr, ex, tv);
	}
	return cop_libc.select(n, rd, wr, ex, tv);
}

/* Counterpart: pselect(), which does not write to the program's timeout. */
static int watch_pselect(int n, fd_set *rd, fd_set *wr, fd_set *ex,
			 const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left;

	if (!timeout)
		return watch_select(n, rd, wr, ex, NULL, mask);
	if (!wait_readable(timeout, sizeof(*timeout)))
		return cop_libc.pselect(n, rd, wr, ex, timeout, mask);
	left = *timeout;
	return watch_select(n, rd, wr, ex, &left, mask);
}

EXPORT int pselect(int n, fd_set *rd, fd_set *wr, fd_set *ex,
		   const struct timespec *timeout, const sigset_t *mask)
{
	if (any_ours()) {
		select_prepare(n, rd);
		if (sifts_sets(n))
			return watch_pselect(n, rd, wr, ex, timeout, mask);
	}
	return cop_libc.pselect(n, rd, wr, ex, timeout, mask);
}

/* A new filter makes the next epoll_wait() prepare the socket again. */
static noinline void epoll_prepare_one(int fd)
{
	struct socket *sock = sockfd_lookup(fd);

	wait_prepare(fd);
	if (sock && sock_flag(sock->sk, SOCK_FILTER_NEW))
		atomic_fetch_add(&cop_table.installs, 1);
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	if (unlikely(sockfd_lookup(fd)) && op != EPOLL_CTL_DEL)
		epoll_prepare_one(fd);
	return cop_libc.epoll_ctl(epfd, op, fd, ev);
}

EXPORT int epoll_wait(int epfd, struct epoll_event *ev, int n, int timeout)
{
	struct timespec ts;

	epoll_prepare();
	if (any_ours() && watches())
		return watch_epoll(epfd, ev, n, watch_msec(&ts, timeout), NULL);
	return cop_libc.epoll_wait(epfd, ev, n, timeout);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *ev, int n, int timeout,
		       const sigset_t *mask)
{
	struct timespec ts;

	epoll_prepare();
	if (any_ours() && watches())
		return watch_epoll(epfd, ev, n, watch_msec(&ts, timeout), mask);
	return cop_libc.epoll_pwait(epfd, ev, n, timeout, mask);
}

EXPORT int epoll_pwait2(int epfd, struct epoll_event *ev, int n,
			const struct timespec *timeout, const sigset_t *mask)
{
	epoll_prepare();
	if (any_ours() && watches())
		return watch_epoll(epfd, ev, n, timeout, mask);
	return cop_libc.epoll_pwait2(epfd, ev, n, timeout, mask);
}

ALIAS(poll) int __poll(struct pollfd *fds, nfds_t n, int timeout);
ALIAS(select)
int __select(int n, fd_set *rd, fd_set *wr, fd_set *ex, struct timeval *tv);
