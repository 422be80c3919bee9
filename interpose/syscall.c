// SPDX-License-Identifier: MIT
/*
 * interpose/syscall.c - libc's syscall(). If a program passes it the number of
 * an interposed call and a COP socket, the library makes the interposed call.
 * Debian's dig sends with syscall(SYS_sendmmsg), libuv closes with
 * syscall(SYS_close).
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * sys_call_table.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/arch.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "interpose/interpose.h"
#include "lib/libc.h"
#include "lib/process.h"
#include "lib/scratch.h"

/* The arguments of syscall(): each is a register. */
#define INT(n) ((int)a[n])
#define POS(n) COP_FILE_POS(a, n)
#define PTR(n) ((void *)a[n])

/*
 * The calls on a descriptor, with their arguments. On a foreign descriptor they
 * stay system calls: an allocator may use syscall(SYS_read) because another
 * library's read() could allocate memory, and must not end up in that read().
 */
#define FD_CALLS(X)                                                 \
	X(bind, (INT(0), PTR(1), a[2]))                             \
	X(connect, (INT(0), PTR(1), a[2]))                          \
	X(getsockname, (INT(0), PTR(1), PTR(2)))                    \
	X(setsockopt, (INT(0), INT(1), INT(2), PTR(3), a[4]))       \
	X(getsockopt, (INT(0), INT(1), INT(2), PTR(3), PTR(4)))     \
	X(sendto, (INT(0), PTR(1), a[2], INT(3), PTR(4), a[5]))     \
	X(recvfrom, (INT(0), PTR(1), a[2], INT(3), PTR(4), PTR(5))) \
	X(read, (INT(0), PTR(1), a[2]))                             \
	X(readv, (INT(0), PTR(1), INT(2)))                          \
	X(preadv2, (INT(0), PTR(1), INT(2), POS(3), INT(5)))        \
	X(pwritev2, (INT(0), PTR(1), INT(2), POS(3), INT(5)))       \
	X(write, (INT(0), PTR(1), a[2]))                            \
	X(writev, (INT(0), PTR(1), INT(2)))                         \
	X(ioctl, (INT(0), a[1], PTR(2)))                            \
	X(close, (INT(0)))                                          \
	ARM_CALLS(X)

/*
 * Calls that may concern the table, as soon as the process has had a COP
 * socket.
 */
#define TABLE_CALLS(X)                                          \
	X(fcntl, (INT(0), INT(1), a[2]))                        \
	X(dup, (INT(0)))                                        \
	X(dup3, (INT(0), INT(1), INT(2)))                       \
	X(close_range, (a[0], a[1], INT(2)))                    \
	X(accept4, (INT(0), PTR(1), PTR(2), INT(3)))            \
	X(epoll_ctl, (INT(0), INT(1), INT(2), PTR(3)))          \
	X(sendmsg, (INT(0), PTR(1), INT(2)))                    \
	X(sendmmsg, (INT(0), PTR(1), a[2], INT(3)))             \
	X(sendfile, (INT(0), INT(1), PTR(2), a[3]))             \
	X(splice, (INT(0), PTR(1), INT(2), PTR(3), a[4], a[5])) \
	X(execve, (PTR(0), PTR(1), PTR(2)))                     \
	X(execveat, (INT(0), PTR(1), PTR(2), PTR(3), INT(4)))   \
	OLD_TABLE_CALLS(X)                                      \
	SELECT_CALL(X)                                          \
	ACCEPT_CALL(X)                                          \
	WIDE_CALLS(X)

/*
 * Calls that may create or receive the first COP socket, or change its
 * namespace.
 */
#define SAME_CALLS(X)                                       \
	X(socket, (INT(0), INT(1), INT(2)))                 \
	X(unshare, (INT(0)))                                \
	X(setns, (INT(0), INT(1)))                          \
	X(recvmsg, (INT(0), PTR(1), INT(2)))                \
	X(recvmmsg, (INT(0), PTR(1), a[2], INT(3), PTR(4))) \
	X(pidfd_getfd, (INT(0), INT(1), a[2]))              \
	X(socketpair, (INT(0), INT(1), INT(2), PTR(3)))     \
	TIME64_CALLS(X)

/* Calls that newer architectures do not have: they have newer forms only. */
#ifdef SYS_dup2
#define OLD_TABLE_CALLS(X)                              \
	X(dup2, (INT(0), INT(1)))                       \
	X(epoll_wait, (INT(0), PTR(1), INT(2), INT(3))) \
	X(poll, (PTR(0), a[1], INT(2)))
#else
#define OLD_TABLE_CALLS(X)
#endif

/* Where there is a new one, SYS_select is another call, with one argument. */
#ifdef SYS__newselect
#define _newselect     select
#define SELECT_CALL(X) X(_newselect, (INT(0), PTR(1), PTR(2), PTR(3), PTR(4)))
#elif defined(SYS_select)
#define SELECT_CALL(X) X(select, (INT(0), PTR(1), PTR(2), PTR(3), PTR(4)))
#else
#define SELECT_CALL(X)
#endif

#ifdef SYS_accept
#define ACCEPT_CALL(X) X(accept, (INT(0), PTR(1), PTR(2)))
#else
#define ACCEPT_CALL(X)
#endif

#ifdef SYS_send
#define ARM_CALLS(X)                            \
	X(send, (INT(0), PTR(1), a[2], INT(3))) \
	X(recv, (INT(0), PTR(1), a[2], INT(3)))
#else
#define ARM_CALLS(X)
#endif

/* Calls of 32-bit programs with positions of 64 bits, and with times of 64 bits. */
#ifdef SYS_fcntl64
#define WIDE_CALLS(X)                      \
	X(fcntl64, (INT(0), INT(1), a[2])) \
	X(sendfile64, (INT(0), INT(1), PTR(2), a[3]))
#define recvmmsg_time64 __recvmmsg64
#define TIME64_CALLS(X) \
	X(recvmmsg_time64, (INT(0), PTR(1), a[2], INT(3), PTR(4)))
#else
#define WIDE_CALLS(X)
#define TIME64_CALLS(X)
#endif

static long next_syscall(long number, const long *a)
{
	return cop_libc.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define X(name, args)                                         \
	static long nr_##name(const long *a)                  \
	{                                                     \
		return unlikely(sockfd_lookup(INT(0)))        \
			       ? name args                    \
			       : next_syscall(SYS_##name, a); \
	}
FD_CALLS(X)
#undef X

#define X(name, args)                                                        \
	static long nr_##name(const long *a)                                 \
	{                                                                    \
		return any_ours() ? name args : next_syscall(SYS_##name, a); \
	}
TABLE_CALLS(X)
#undef X

#define X(name, args)                        \
	static long nr_##name(const long *a) \
	{                                    \
		return name args;            \
	}
SAME_CALLS(X)
#undef X

/* The kernel's signal masks differ from libc's, so these stay system calls. */
#ifdef SYS_ppoll_time64
#define PPOLL_CALLS(X)	 X(ppoll) X(ppoll_time64)
#define PSELECT_CALLS(X) X(pselect6) X(pselect6_time64)
#else
#define PPOLL_CALLS(X)	 X(ppoll)
#define PSELECT_CALLS(X) X(pselect6)
#endif

#define X(name)                                     \
	static long nr_##name(const long *a)        \
	{                                           \
		if (any_ours())                     \
			poll_prepare(PTR(0), a[1]); \
		return next_syscall(SYS_##name, a); \
	}
PPOLL_CALLS(X)
#undef X

#define X(name)                                         \
	static long nr_##name(const long *a)            \
	{                                               \
		if (any_ours())                         \
			select_prepare(INT(0), PTR(1)); \
		return next_syscall(SYS_##name, a);     \
	}
PSELECT_CALLS(X)
#undef X

static long nr_epoll_pwait(const long *a)
{
	epoll_prepare();
	return next_syscall(SYS_epoll_pwait, a);
}

#ifdef SYS_epoll_pwait2
static long nr_epoll_pwait2(const long *a)
{
	epoll_prepare();
	return next_syscall(SYS_epoll_pwait2, a);
}
#endif

/*
 * Creates a child with a copy of the memory, and most often of the descriptors.
 */
static long copy_process(long number, const long *a)
{
	long pid;

	u32_add(&cop_process_forks, 1);
	cop_scratch_hold();
	cop_process_tear();
	pid = next_syscall(number, a);
	if (!pid) {
		cop_scratch_reset();
		return pid;
	}
	cop_process_mend();
	cop_scratch_release();
	return pid;
}

/*
 * The flags of clone() and clone3(): what the child shares. For a clone3()
 * whose arguments can't be read the answer is CLONE_VM, the careful one.
 */
static unsigned long flags_of(long number, const long *a)
{
	unsigned long flags = 0;
	struct iovec to = { &flags, sizeof(flags) };
	struct iovec from = { PTR(0), sizeof(flags) };

	if (number == SYS_clone)
		return a[COP_CLONE_FLAGS];
	if (number == SYS_clone3 &&
	    process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0)
		return CLONE_VM;
	return flags;
}

/*
 * Calls that create a child. It may share the memory and not the descriptors,
 * or have copies of the descriptors: see interpose/process.c.
 */
#ifdef SYS_vfork
#define SHARING_CALLS(X) X(clone) X(clone3) X(vfork) X(fork)
#else
#define SYS_vfork	 (-1)
#define SHARING_CALLS(X) X(clone) X(clone3)
#endif

#define X(name)                                                          \
	static long nr_##name(const long *a)                             \
	{                                                                \
		unsigned long flags = SYS_##name == SYS_vfork            \
					      ? CLONE_VM | CLONE_VFORK   \
					      : flags_of(SYS_##name, a); \
                                                                         \
		if ((flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)      \
			threads_begin();                                 \
		cop_process_share();                                     \
		process_shares();                                        \
		if (flags & CLONE_VM)                                    \
			return next_syscall(SYS_##name, a);              \
		return copy_process(SYS_##name, a);                      \
	}
SHARING_CALLS(X)
#undef X

/* The other options of prctl() stay system calls. */
static long nr_prctl(const long *a)
{
	return INT(0) == PR_SET_SECCOMP || INT(0) == PR_SET_TSC
		       ? prctl(INT(0), a[1], a[2], a[3], a[4])
		       : next_syscall(SYS_prctl, a);
}

static long (*const calls[])(const long *a) = {
#define X(name, args) [SYS_##name] = nr_##name,
	FD_CALLS(X) TABLE_CALLS(X) SAME_CALLS(X)
#undef X
#define X(name) [SYS_##name] = nr_##name,
		SHARING_CALLS(X) PPOLL_CALLS(X) PSELECT_CALLS(X)
#undef X
			[SYS_prctl] = nr_prctl,
	[SYS_seccomp] = syscall_seccomp,
#ifdef SYS_socketcall
	[SYS_socketcall] = syscall_socketcall,
#endif
	[SYS_epoll_pwait] = nr_epoll_pwait,
#ifdef SYS_epoll_pwait2
	[SYS_epoll_pwait2] = nr_epoll_pwait2,
#endif
};

long syscall_do(long number, const long *a)
{
	if (number >= 0 && (size_t)number < ARRAY_SIZE(calls) && calls[number])
		return calls[number](a);
	return next_syscall(number, a);
}

EXPORT long syscall(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return syscall_do(number, a);
}
