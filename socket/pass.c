// SPDX-License-Identifier: MIT
/*
 * socket/pass.c - the sockets that a program which this process runs inherits. Ahead of
 * the exec or the spawn the library marks them, so that it finds them in the other program.
 *
 * Another thread may be in the middle of a socket(): the kernel socket is open, and the
 * table does not have it yet. So each side announces itself first, and looks at the other
 * side afterwards: the thread that marks changes cop_table.passes and then goes through
 * the table, and the thread with the new socket fills its slot and then looks at
 * cop_table.passes. The second one to come finds the first, and marks the new socket.
 *
 * Owns: cop_table.passes. Protected by: atomic operations. Counterpart in the kernel:
 * dup_fd() in fs/file.c, which holds the lock of the table.
 */
#include <errno.h>
#include <fcntl.h>

#include "lib/atomic.h"
#include "lib/cancel.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/libc.h"
#include "socket/identify.h"
#include "socket/pass.h"

/* Asks the kernel: in a vfork() child the descriptors are the child's own. */
static bool is_inherited(struct socket *sock, int fd)
{
	int flags = cop_libc.fcntl(fd, F_GETFD);

	return flags >= 0 &&
	       (!(flags & FD_CLOEXEC) || sock_flag(sock->sk, SOCK_PASSED));
}

static void mark_if_inherited(int fd)
{
	struct socket *sock = sockfd_get(fd);

	if (sock && is_inherited(sock, fd))
		fd_hand_on(sock, fd);
	fd_drop(sock);
}

static noinline void mark_all(void)
{
	unsigned int max = READ_ONCE(cop_table.max);
	int saved = errno;

	if (cop_confined())
		return;
	for (unsigned int fd = 0; fd < max; fd++)
		mark_if_inherited(fd);
	errno = saved;
}

/* ---- the thread that runs a program ------------------------------------------- */

unsigned int fd_pass_begin(void)
{
	unsigned int installs = READ_ONCE(cop_table.installs);

	u32_add(&cop_table.passes, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (unlikely(READ_ONCE(cop_table.max)))
		mark_all();
	return installs;
}

void fd_pass_end(unsigned int installs)
{
	u32_add(&cop_table.passes, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (unlikely(READ_ONCE(cop_table.installs) != installs))
		mark_all();
}

/* ---- the thread with a new socket ---------------------------------------------- */

static noinline void mark_missed(int fd)
{
	int saved = errno;

	if (!cop_confined())
		mark_if_inherited(fd);
	errno = saved;
}

static noinline void close_unentered(int fd)
{
	int cancel = cancel_off(); /* socket() is no cancellation point */

	cop_libc.close(fd);
	cancel_on(cancel);
}

int sock_map_fd(struct socket *sock, int flags)
{
	const unsigned int passes = READ_ONCE(cop_table.passes);
	int fd = sock->sk->sk_prot->open(sock->sk, flags);
	int err;

	if (fd < 0) {
		fd_drop(sock);
		return fd;
	}
	cop_debug(fd, "is a new COP socket, of type %d", sock->type);
	fd_identify_new(sock, fd);
	err = fd_install(fd, sock);
	if (unlikely(err)) {
		close_unentered(fd);
		return err;
	}
	if (unlikely(atomic_load(&cop_table.passes) != passes))
		mark_missed(fd);
	return fd;
}
