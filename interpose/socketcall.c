// SPDX-License-Identifier: MIT
/*
 * interpose/socketcall.c - syscall(SYS_socketcall): one system call for all calls of a
 * socket, on i386 and s390x. Their kernels have the single calls since Linux 4.3.
 *
 * Owns: nothing. Protected by: nothing to protect. Counterpart in the kernel:
 * socketcall in net/socket.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "interpose/interpose.h"
#include "lib/compiler.h"
#include "lib/libc.h"
#include "lib/uaccess.h"

#ifdef SYS_socketcall

/* The kernel's numbers: <linux/net.h> has them, and names of the library's own. */
enum {
	CALL_SOCKET = 1,
	CALL_BIND,
	CALL_CONNECT,
	CALL_ACCEPT = 5,
	CALL_GETSOCKNAME,
	CALL_SOCKETPAIR = 8,
	CALL_SEND,
	CALL_RECV,
	CALL_SENDTO,
	CALL_RECVFROM,
	CALL_SETSOCKOPT = 14,
	CALL_GETSOCKOPT,
	CALL_SENDMSG,
	CALL_RECVMSG,
	CALL_ACCEPT4,
	CALL_RECVMMSG,
	CALL_SENDMMSG,
};

/* Which calls may concern the library. */
enum concern {
	OURS,	/* on a descriptor of the library's */
	TABLE,	/* as soon as the library has a descriptor */
	ALWAYS, /* it may make the first one */
};

/*
 * The single call, how many arguments the program gives, and when it concerns the
 * library. send and recv are single calls with more arguments, which are 0.
 */
static const struct {
	short number;
	unsigned char args, concern;
} call[] = {
	[CALL_SOCKET] = { SYS_socket, 3, ALWAYS },
	[CALL_BIND] = { SYS_bind, 3, OURS },
	[CALL_CONNECT] = { SYS_connect, 3, OURS },
	[CALL_ACCEPT] = { -1, 3, TABLE },
	[CALL_GETSOCKNAME] = { SYS_getsockname, 3, OURS },
	[CALL_SOCKETPAIR] = { SYS_socketpair, 4, ALWAYS },
	[CALL_SEND] = { SYS_sendto, 4, OURS },
	[CALL_RECV] = { SYS_recvfrom, 4, OURS },
	[CALL_SENDTO] = { SYS_sendto, 6, OURS },
	[CALL_RECVFROM] = { SYS_recvfrom, 6, OURS },
	[CALL_SETSOCKOPT] = { SYS_setsockopt, 5, OURS },
	[CALL_GETSOCKOPT] = { SYS_getsockopt, 5, OURS },
	[CALL_SENDMSG] = { SYS_sendmsg, 3, TABLE },
	[CALL_RECVMSG] = { SYS_recvmsg, 3, ALWAYS },
	[CALL_ACCEPT4] = { SYS_accept4, 4, TABLE },
	[CALL_RECVMMSG] = { SYS_recvmmsg, 5, ALWAYS },
	[CALL_SENDMMSG] = { SYS_sendmmsg, 4, TABLE },
};

static long pass_on(const long *a)
{
	return cop_libc.syscall(SYS_socketcall, a[0], a[1], a[2], a[3], a[4],
				a[5]);
}

/*
 * A call on another descriptor stays a socketcall(): a seccomp filter may refuse the
 * single calls, since libc does not use them.
 */
long syscall_socketcall(const long *a)
{
	const unsigned long which = a[0];
	const void *uargs = (const void *)a[1];
	long args[6] = { 0 };
	size_t len;

	if (which >= ARRAY_SIZE(call) || !call[which].args ||
	    (call[which].concern != ALWAYS && !any_ours()))
		return pass_on(a);
	len = call[which].args * sizeof(long);
	if (!user_readable(-1, uargs, len))
		return pass_on(a);
	memcpy(args, uargs, len);
	if (call[which].concern == OURS && !sockfd_lookup(args[0]))
		return pass_on(a);
	if (which == CALL_ACCEPT) /* there is no single call accept() */
		return accept(args[0], (void *)args[1], (void *)args[2]);
	return syscall_do(call[which].number, args);
}

#endif /* SYS_socketcall */
