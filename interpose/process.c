// SPDX-License-Identifier: MIT
/*
 * interpose/process.c - the calls that create a process or a thread, or give a
 * thread a descriptor table or a network namespace of its own:
 *
 * - vfork(), clone() and unshare() may create a task that shares this process's
 *   memory but not its descriptors. Such a task must not change the library's
 *   table, so the library notes that there may be one.
 * - fork() and its kind create a process with copies of the descriptors. Before
 *   that the library notes in each sock what the child has to know.
 * - daemon() replaces descriptors 0 to 2 inside libc.
 * - setns() and unshare() may move a thread into another network namespace.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * kernel/fork.c, nsproxy.c.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>

#include "adopt/share.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/env.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "lib/netns.h"
#include "lib/process.h"
#include "lib/scratch.h"
#include "cop_table.h"

/*
 * Parent and child both have a pending socket; only one of them may decide it.
 */
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

/*
 * Jumps, because the library must have no frame on the stack: see JUMP_TO_NEXT.
 */
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
	u32_add(&cop_process_forks, 1);
	process_shares();
	cop_scratch_hold();
}

/*
 * _Fork() does not run the handlers of process_watch(), so it does their work
 * here.
 */
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

static void after_fork(void)
{
	cop_process_forked();
	cop_scratch_reset();
}

/*
 * Handlers, not a wrapper: libc calls its own fork() inside, in forkpty() for
 * one.
 */
void process_watch(void)
{
	pthread_atfork(before_fork, cop_scratch_release, after_fork);
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
	if (copies) {
		u32_add(&cop_process_forks, 1);
		cop_scratch_hold();
	}
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

/* Inside libc daemon() replaces descriptors 0 to 2 by /dev/null, unseen. */
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
