// SPDX-License-Identifier: MIT
/*
 * lib/netns.c - network namespaces. The library's port space and settings
 * belong to one namespace, the home namespace: the one in which the library
 * first read the settings. In every other namespace the kernel alone decides
 * about ports.
 *
 * A process that never changes its namespace makes no system call for this.
 *
 * Owns: which namespace is the home one. Protected by: atomic operations; a
 * value is set once. Counterpart in the kernel: sock_net(), and net->net_cookie
 * in net/core/net_namespace.c.
 */
#include <errno.h>
#include <sys/socket.h>

#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

_Atomic(bool) cop_netns_left;

static _Atomic(bool) is_used;	      /* (a) settings were read at home */
static _Atomic(uint64_t) home_cookie; /* (a) 0: the kernel was not asked yet */

uint64_t cop_netns_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (cop_libc.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		return 0;
	return cookie;
}

/*
 * A new socket belongs to its thread's namespace, so a socket tells which it
 * is.
 */
static uint64_t thread_netns(void)
{
	int cancel = cancel_off();
	int fd = cop_libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;

	if (fd >= 0) {
		cookie = cop_netns_of(fd);
		cop_libc.close(fd);
	}
	cancel_on(cancel);
	return cookie;
}

/* Returns the home namespace: the first cookie that any thread has set. */
static uint64_t set_home(uint64_t cookie)
{
	uint64_t none = 0;

	if (atomic_compare_exchange_strong(&home_cookie, &none, cookie))
		return cookie;
	return none;
}

/*
 * Until a thread leaves, each thread is at home and its namespace is the home
 * one.
 */
static uint64_t home(void)
{
	uint64_t cookie = READ_ONCE(home_cookie);

	return likely(cookie) ? cookie : set_home(thread_netns());
}

void cop_netns_leave(void)
{
	int saved = errno;

	if (READ_ONCE(cop_netns_left))
		return;
	if (READ_ONCE(is_used))
		home();
	WRITE_ONCE(cop_netns_left, true);
	errno = saved;
}

bool cop_netns_at_home(void)
{
	uint64_t cookie;

	if (likely(!READ_ONCE(cop_netns_left))) {
		WRITE_ONCE(is_used, true);
		return true;
	}
	cookie = thread_netns();
	return !cookie || cookie == set_home(cookie);
}

static bool is_home(uint64_t cookie)
{
	return !cookie || cookie == home();
}

bool cop_netns_made_at_home(int fd)
{
	return likely(!READ_ONCE(cop_netns_left)) || is_home(cop_netns_of(fd));
}

bool cop_netns_came_home(int fd)
{
	return is_home(cop_netns_of(fd));
}

uint64_t cop_netns_key(int fd, bool elsewhere)
{
	if (likely(!READ_ONCE(cop_netns_left) && !elsewhere))
		return 0;
	return cop_netns_of(fd);
}

bool cop_netns_same(int fd, int other)
{
	return cop_netns_of(fd) == cop_netns_of(other);
}
