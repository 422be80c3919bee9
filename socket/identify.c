// SPDX-License-Identifier: MIT
/*
 * socket/identify.c - which kernel socket each socket has.
 *
 * As long as only this process has a kernel socket, the socket's port tells whether a
 * descriptor still leads to it (wire/owner.c). Another process can change the port. So
 * the library records the socket's cookie before another process gets the socket.
 *
 * A thread may be in a call on a descriptor that another thread closes and opens anew.
 * The call then changes the port of the new kernel socket, and the new socket does not
 * know. So beside other threads a new socket's cookie is recorded at once.
 *
 * Owns: the cookie of each struct socket. Protected by: atomic accesses.
 * Counterpart in the kernel: none; there a descriptor leads to the sock itself.
 */
#include <errno.h>

#include "cop_table.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/kernel_socket.h"
#include "lib/process.h"
#include "socket/identify.h"

/*
 * The cookie is kept only if the slot still has the socket: until then no other thread
 * can have closed the descriptor and opened its number anew.
 */
void fd_identify(struct socket *sock, int fd)
{
	uint64_t cookie;

	if (READ_ONCE(sock->cookie) || cop_confined() ||
	    !cop_process_is_owner() || !sock->sk->sk_prot->owns(sock->sk, fd))
		return;
	cookie = sock_kernel_cookie(fd);
	if (sockfd_lookup(fd) == sock)
		WRITE_ONCE(sock->cookie, cookie);
}

void fd_identify_new(struct socket *sock, int fd)
{
	if (unlikely(!process_is_alone()) && !READ_ONCE(sock->cookie))
		WRITE_ONCE(sock->cookie, sock_kernel_cookie(fd));
}

void fd_identify_copied(struct socket *sock, int fd)
{
	int saved = errno;

	if (likely(process_is_alone()) || !sock)
		return;
	fd_identify(sock, fd);
	errno = saved;
}

static bool is_unidentified(int fd)
{
	struct socket *sock = sockfd_lookup(fd);

	return sock && !READ_ONCE(sock->cookie);
}

static void identify_installed(unsigned int max)
{
	for (unsigned int fd = 0; fd < max; fd++) {
		struct socket *sock;

		if (!is_unidentified(fd))
			continue;
		sock = sockfd_get(fd);
		if (sock)
			fd_identify(sock, fd);
		fd_drop(sock);
	}
}

void fd_identify_all(void)
{
	static _Atomic(unsigned int) identified; /* cop_table.installs at the
						  * last call */
	unsigned int installs = READ_ONCE(cop_table.installs);
	int saved = errno;

	if (likely(installs == READ_ONCE(identified)) || cop_confined() ||
	    !cop_process_is_owner())
		return;
	identify_installed(READ_ONCE(cop_table.max));
	WRITE_ONCE(identified, installs);
	errno = saved;
}

void fd_hand_on(struct socket *sock, int fd)
{
	fd_identify(sock, fd);
	sock_set_flag(sock->sk, SOCK_HANDED_ON);
	sock->sk->sk_prot->mark(sock->sk, fd);
}
