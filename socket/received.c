// SPDX-License-Identifier: MIT
/*
 * socket/received.c - a descriptor that came over an exec or from another process.
 *
 * If the kernel socket has a mark (filter/mark.c), the descriptor gets a socket: the
 * one that another descriptor of this kernel socket has here, else a new one. The mark
 * names the transport. A module may have to be loaded for it, which happens ahead of the
 * lock.
 *
 * Owns: the lock for this. Protected by: that lock; one thread at a time adopts.
 * Counterpart in the kernel: receive_fd(); there the sock itself is handed on.
 */
#include <errno.h>

#include "cop_table.h"
#include "filter/attach.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/env.h"
#include "lib/kernel_socket.h"
#include "lib/lock.h"
#include "lib/process.h"
#include "socket/identify.h"
#include "socket/socket.h"

static bool has_cookie(struct socket *sock, int fd, uint64_t cookie)
{
	fd_identify(sock, fd);
	return READ_ONCE(sock->cookie) == cookie;
}

/* The memory stays a struct socket for ever, so reading its cookie needs no count. */
static struct socket *get_if_twin(int fd, uint64_t cookie)
{
	struct socket *sock = sockfd_lookup(fd);
	uint64_t known = sock ? READ_ONCE(sock->cookie) : 0;

	if (!sock || (known && known != cookie))
		return NULL;
	sock = sockfd_get(fd);
	if (sock && has_cookie(sock, fd, cookie))
		return sock;
	fd_drop(sock);
	return NULL;
}

/* The socket that has this kernel socket already, with a count for the caller. */
static struct socket *twin_get(uint64_t cookie)
{
	unsigned int max = READ_ONCE(cop_table.max);

	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock = get_if_twin(fd, cookie);

		if (sock)
			return sock;
	}
	return NULL;
}

static struct socket *socket_adopt(int fd, const struct cop_mark *mark)
{
	uint64_t cookie = sock_kernel_cookie(fd);
	struct socket *sock = cookie ? twin_get(cookie) : NULL;

	if (sock || sock_adopt(fd, mark, &sock))
		return sock;
	WRITE_ONCE(sock->cookie, cookie);
	return sock;
}

/*
 * Two threads may get the same kernel socket at once. The lock makes the second one
 * find the socket that the first one has made.
 */
static _Atomic(uint32_t) adopting; /* (a) the thread that adopts */

static bool mark_adopt(int fd, const struct cop_mark *mark)
{
	struct socket *sock;
	struct cop_held held;
	bool adopted;

	cop_lock(&adopting, &held);
	sock = socket_adopt(fd, mark);
	adopted = sock && !fd_install(fd, sock);
	if (adopted)
		cop_debug(fd, "is a COP socket of another program or process");
	cop_unlock(&adopting, &held);
	return adopted;
}

int fd_adopt(int fd)
{
	struct cop_mark mark;
	bool is_here;

	if (likely(cop_program_claim(fd, &mark)))
		return 0;
	is_here = sock_marks->request(&mark);
	if (likely(cop_process_is_owner()))
		return mark_adopt(fd, &mark);
	return is_here ? 0 : -EPROTONOSUPPORT;
}
