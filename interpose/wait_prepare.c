// SPDX-License-Identifier: MIT
/*
 * interpose/wait_prepare.c - prepares COP sockets before the program waits for
 * them: the library tells the kernel that strays do not end the wait.
 *
 * Owns: how many sockets were known at the last epoll_wait(). Protected by: an
 * atomic word. Counterpart in the kernel: fs/select.c, fs/eventpoll.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "cop_table.h"
#include "datagram/look.h"
#include "interpose/interpose.h"
#include "filter/filter.h"
#include "lib/compiler.h"
#include "lib/signals.h"
#include "lib/uaccess.h"

/* libc declares that poll() only writes to its array; it reads it first. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/*
 * The first wait for a socket sets its filter. A handler that ran as soon as the
 * sock's lock is free, and jumped out, would leave the call's count of the socket.
 */
static bool prepare_now(int fd)
{
	struct socket *sock = sockfd_get(fd);
	bool ready = !sock || sock->sk->sk_prot->poll(sock->sk, fd);

	fd_drop(sock);
	return ready;
}

static noinline bool prepare(int fd)
{
	int saved = errno;
	sigset_t signals;
	bool ready;

	if (cop_confined()) {
		ready = prepare_now(fd);
	} else {
		signals_off(&signals);
		ready = prepare_now(fd);
		signals_on(&signals);
	}
	errno = saved;
	return ready;
}

/* The memory of a socket and its sock stays one, so reading a flag needs no count. */
bool wait_prepare(int fd)
{
	struct socket *sock = sockfd_lookup(fd);

	if (likely(!sock) || likely(cop_poll_is_done(sock->sk)))
		return true;
	return prepare(fd);
}

static bool decodes_now(int fd)
{
	struct socket *sock = sockfd_get(fd);
	bool decodes = !sock || cop_libc.fcntl(fd, F_GETFL, 0) & O_NONBLOCK ||
		       cop_first_decodes(sock->sk, fd);

	fd_drop(sock);
	return decodes;
}

/* As in prepare(), no handler may jump out. */
bool wait_decodes(int fd)
{
	struct socket *sock = sockfd_lookup(fd);
	int saved = errno;
	sigset_t signals;
	bool decodes;

	if (!sock || !cop_may_refuse(sock->sk))
		return true;
	signals_off(&signals);
	decodes = decodes_now(fd);
	signals_on(&signals);
	errno = saved;
	return decodes;
}

bool wait_readable(const void *ptr, size_t len)
{
	int fd = fd_any();

	return fd >= 0 && user_readable(fd, ptr, len);
}

void poll_prepare(const struct pollfd *fds, nfds_t n)
{
	if (n > SSIZE_MAX / sizeof(*fds) ||
	    !wait_readable(fds, n * sizeof(*fds)))
		return;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].events & (POLLIN | POLLRDNORM))
			wait_prepare(fds[i].fd);
}

void select_prepare(int n, const fd_set *rd)
{
	const unsigned long *words = (const unsigned long *)rd;
	const unsigned int bits = 8 * sizeof(*words);
	unsigned int end;

	if (n <= 0)
		return;
	end = min_t(unsigned int, n, READ_ONCE(cop_table.max));
	if (!wait_readable(rd, (end + bits - 1) / bits * sizeof(*words)))
		return;
	for (unsigned int fd = 0; fd < end; fd++)
		if (words[fd / bits] & 1ul << (fd % bits))
			wait_prepare(fd);
}

static _Atomic(unsigned int) prepared; /* cop_table.installs at the last wait */

void epoll_prepare_all(void)
{
	unsigned int max = READ_ONCE(cop_table.max);

	for (unsigned int fd = 0; fd < max; fd++)
		wait_prepare(fd);
}

static noinline void prepare_installed(unsigned int installs)
{
	epoll_prepare_all();
	WRITE_ONCE(prepared, installs);
}

/*
 * A program may call epoll_ctl() through io_uring, unseen, so a wait may be for
 * any socket. So this prepares the sockets that are new since the last wait.
 */
void epoll_prepare(void)
{
	unsigned int installs = READ_ONCE(cop_table.installs);

	if (unlikely(installs != READ_ONCE(prepared)))
		prepare_installed(installs);
}
