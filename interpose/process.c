// SPDX-License-Identifier: MIT
/*
 * interpose/process.c - the calls that make who shares this process's memory,
 * but not its descriptors: a child, or a thread that leaves the others. Neither
 * changes the table: it only has to be known that there can be one. And those that
 * make a process with descriptors of its own for the same sockets, which are
 * noted first; that which daemon() makes has the first of them replaced by libc.
 * And those after which a thread makes its sockets in another network namespace.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * kernel/fork.c, nsproxy.c.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>

#include "adopt/pending.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/process.h"
#include "lib/scratch.h"
#include "cop_table.h"

/* What parent and child both have, only one of them may decide upon. */
static noinline void share_pending(void)
{
	unsigned int max = READ_ONCE(cop_table.max);
	int saved = errno;

	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock = sockfd_get(fd);

		if (sock)
			cop_pending_share(sock->sk, fd);
		fd_drop(sock);
	}
	errno = saved;
}

void process_shares(void)
{
	fd_identify_all();
	if (unlikely(cop_env.adopt == COP_ADOPT_SOME))
		share_pending();
}

/* vfork() must not find a frame of ours: see JUMP_TO_NEXT. */
EXPORT JUMPS_TO_NEXT pid_t vfork(void)
{
	cop_process_share();
	process_shares();
	JUMP_TO_NEXT cop_libc.vfork();
}

EXPORT JUMPS_TO_NEXT pid_t __vfork(void)
{
	cop_process_share();
	process_shares();
	JUMP_TO_NEXT cop_libc.vfork();
}

static void before_fork(void)
{
	process_shares();
	cop_scratch_hold();
}

/* fork() without the handlers; see process_watch(). */
EXPORT pid_t _Fork(void)
{
	pid_t pid;

	before_fork();
	cop_process_tear();
	pid = cop_libc._Fork();
	if (!pid) {
		cop_scratch_reset();
		return pid;
	}
	cop_process_mend();
	cop_scratch_release();
	return pid;
}

/* A fork() inside libc, as forkpty()'s, is none of ours by name. */
void process_watch(void)
{
	pthread_atfork(before_fork, cop_scratch_release, cop_scratch_reset);
}

EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	bool copies = !(flags & (CLONE_FILES | CLONE_VFORK));
	void *ptid, *tls, *ctid;
	va_list ap;
	int pid;

	va_start(ap, arg);
	ptid = va_arg(ap, void *);
	tls = va_arg(ap, void *);
	ctid = va_arg(ap, void *);
	va_end(ap);
	if (flags & CLONE_VM && !(flags & CLONE_THREAD))
		cop_process_share();
	if ((flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		threads_begin();
	process_shares();
	if (copies)
		cop_scratch_hold();
	if (!(flags & CLONE_VM))
		cop_process_tear();
	pid = cop_libc.clone(fn, stack, flags, arg, ptid, tls, ctid);
	if (!(flags & CLONE_VM))
		cop_process_mend();
	if (copies)
		cop_scratch_release();
	return pid;
}

EXPORT int setns(int fd, int nstype)
{
	if (!nstype || nstype & CLONE_NEWNET)
		cop_netns_leave();
	return cop_libc.setns(fd, nstype);
}

EXPORT int unshare(int flags)
{
	bool copies = flags & CLONE_FILES, parted;
	int ret;

	if (flags & CLONE_NEWNET)
		cop_netns_leave();
	if (copies)
		cop_scratch_hold();
	parted = copies && cop_process_part();
	ret = cop_libc.unshare(flags);
	if (ret && parted)
		cop_process_rejoin();
	if (copies)
		cop_scratch_release();
	return ret;
}

static noinline void forget_stdio(void)
{
	int saved = errno;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		fd_forget_gone(fd);
	errno = saved;
}

/* libc puts /dev/null in the place of the first three by calls of its own. */
EXPORT int daemon(int nochdir, int noclose)
{
	int ret = cop_libc.daemon(nochdir, noclose);

	if (any_ours())
		forget_stdio();
	return ret;
}

ALIAS(clone)
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
	__attribute__((leaf, nothrow));
