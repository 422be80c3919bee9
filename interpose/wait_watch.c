// SPDX-License-Identifier: MIT
/*
 * interpose/wait_watch.c - waits that check what has ended them, and wait again if it
 * was strays only. Mostly a filter in the kernel keeps strays from ending a wait. But
 * with COP_DEBUG there is no filter, because the kernel would not say who sent them.
 * And a stray that decode refuses has a header that is right.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * fs/select.c and fs/eventpoll.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "cop_table.h"
#include "lib/uaccess.h"

#define NSEC_PER_SEC 1000000000L

/* The latest end of a wait, by CLOCK_MONOTONIC. */
struct watch_end {
	bool never;
	struct timespec at;
};

/*
 * Returns false for a timeout that the kernel refuses: the kernel gets the
 * call.
 */
static bool watch_begin(struct watch_end *end, const struct timespec *timeout)
{
	end->never = !timeout;
	if (!timeout)
		return true;
	if (!user_readable(fd_any(), timeout, sizeof(*timeout)) ||
	    timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
	    timeout->tv_nsec >= NSEC_PER_SEC)
		return false;
	end->at = cop_time_end(timeout);
	return true;
}

/* Returns the time that is left, in @left, or NULL for ever. */
static struct timespec *watch_left(const struct watch_end *end,
				   struct timespec *left)
{
	if (end->never)
		return NULL;
	*left = cop_time_left(&end->at);
	return left;
}

struct timespec *watch_msec(struct timespec *ts, int msec)
{
	ts->tv_sec = msec / 1000;
	ts->tv_nsec = msec % 1000 * 1000000L;
	return msec < 0 ? NULL : ts;
}

/* Whether a stray has ended a wait for reading. It is dropped then. */
static bool was_stray(int fd)
{
	return sockfd_lookup(fd) && !(wait_prepare(fd) && wait_decodes(fd));
}

/* Returns how many descriptors are still ready without the strays. */
static int poll_sift(struct pollfd *fds, nfds_t n, int ready)
{
	for (nfds_t i = 0; i < n; i++) {
		if (!(fds[i].revents & (POLLIN | POLLRDNORM)) ||
		    !was_stray(fds[i].fd))
			continue;
		fds[i].revents &= ~(POLLIN | POLLRDNORM);
		ready -= !fds[i].revents;
	}
	return ready;
}

int watch_poll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	       const sigset_t *mask)
{
	struct timespec left;
	struct watch_end end;
	int ret;

	if (!watch_begin(&end, timeout))
		return cop_libc.ppoll(fds, n, timeout, mask);
	do {
		ret = cop_libc.ppoll(fds, n, watch_left(&end, &left), mask);
		if (ret <= 0)
			return ret;
		ret = poll_sift(fds, n, ret);
	} while (!ret);
	return ret;
}

struct watch_sets {
	fd_set *set[3];
	fd_set asked[3];
	size_t len; /* bytes of each set that select() reads */
};

static bool sets_save(struct watch_sets *sets, int n)
{
	const int bits = 8 * sizeof(unsigned long);

	sets->len = (n + bits - 1) / bits * sizeof(unsigned long);
	for (int i = 0; i < 3; i++) {
		if (!sets->set[i])
			continue;
		if (!user_readable(fd_any(), sets->set[i], sets->len))
			return false;
		memcpy(&sets->asked[i], sets->set[i], sets->len);
	}
	return true;
}

static void sets_restore(const struct watch_sets *sets)
{
	for (int i = 0; i < 3; i++)
		if (sets->set[i])
			memcpy(sets->set[i], &sets->asked[i], sets->len);
}

static int select_sift(int n, fd_set *rd, int ready)
{
	for (int fd = 0; rd && fd < n; fd++) {
		if (!FD_ISSET(fd, rd) || !was_stray(fd))
			continue;
		FD_CLR(fd, rd);
		ready--;
	}
	return ready;
}

int watch_select(int n, fd_set *rd, fd_set *wr, fd_set *ex,
		 struct timespec *timeout, const sigset_t *mask)
{
	struct watch_sets sets = { .set = { rd, wr, ex } };
	struct timespec left;
	struct watch_end end;
	int ret;

	if (!sets_save(&sets, n) || !watch_begin(&end, timeout))
		return cop_libc.pselect(n, rd, wr, ex, timeout, mask);
	for (;;) {
		ret = cop_libc.pselect(n, rd, wr, ex, watch_left(&end, &left),
				       mask);
		if (ret <= 0)
			break;
		ret = select_sift(n, rd, ret);
		if (ret)
			break;
		sets_restore(&sets);
	}
	if (timeout)
		watch_left(&end, timeout);
	return ret;
}

/*
 * Waits by a poll of the epoll descriptor, which takes no event from it. Then
 * drops strays, and asks for events without waiting: epoll checks each event
 * again. A stray that arrives between these two steps ends the wait, because an
 * event can't be put back.
 */
int watch_epoll(int epfd, struct epoll_event *ev, int n,
		const struct timespec *timeout, const sigset_t *mask)
{
	struct pollfd ready = { .fd = epfd, .events = POLLIN };
	struct timespec left;
	struct watch_end end;
	bool over = false;
	int ret;

	if (!watch_begin(&end, timeout))
		return cop_libc.epoll_pwait2(epfd, ev, n, timeout, mask);
	for (;;) {
		epoll_prepare_all();
		ret = cop_libc.epoll_wait(epfd, ev, n, 0);
		if (ret || over)
			return ret;
		ret = cop_libc.ppoll(&ready, 1, watch_left(&end, &left), mask);
		if (ret < 0)
			return ret;
		over = !ret;
	}
}
