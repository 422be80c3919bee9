// SPDX-License-Identifier: MIT
/*
 * socket/stale.c - ports that only seem to be held.
 *
 * A bind that is refused comes here before the program sees the error. The holder of
 * the port may be a descriptor that was closed by a call which the library does not
 * see, a thread that a fork has left behind, or a socket whose claim is out of date.
 *
 * Owns: nothing. Protected by: atomic operations, and a count of each socket that is
 * looked at. Counterpart in the kernel: none; there a close is always seen.
 */
#include "cop_table.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/confine.h"
#include "lib/process.h"

/*
 * Whether the socket of a descriptor holds the port. Sets @found if the descriptor was
 * closed unseen; its entry is gone then.
 */
static bool forget_if_stale(int fd, uint16_t snum, bool *found)
{
	struct socket *sock = sockfd_get(fd);
	bool holds;

	if (!sock)
		return false;
	holds = sock->sk->sk_prot->holds(sock->sk, snum);
	if (holds && fd_forget_gone(fd))
		*found = true;
	fd_drop(sock);
	return holds;
}

/*
 * Whether a claim without a sock must be that of a thread which the fork has left
 * behind. If not, it may be the claim of a call that a signal handler has interrupted.
 */
static bool claim_is_lost(void)
{
	return cop_process_is_owner() && cop_process_is_remnant();
}

bool fd_forget_stale(struct socket *sock, uint16_t snum)
{
	unsigned int max = READ_ONCE(cop_table.max);
	bool held = false, found = false;

	for (unsigned int fd = 0; fd < max; fd++)
		held |= forget_if_stale(fd, snum, &found);
	if (!held && !cop_confined() && claim_is_lost())
		found = sock->sk->sk_prot->reclaim(snum);
	return found;
}

/*
 * Takes the claim of a descriptor's socket, if by our table this is another socket and
 * bound to the port. Returns the socket, or NULL. A socket that is about to be bound
 * does not count, because the kernel does not know of it yet.
 */
static struct socket *claim_from(int fd, const struct socket *sock,
				 uint16_t snum)
{
	struct socket *other = sockfd_get(fd);

	if (other && other != sock && sk_port_share(other->sk, snum, true))
		return other;
	fd_drop(other);
	return NULL;
}

struct socket *fd_borrow_claim(struct socket *sock, uint16_t snum)
{
	unsigned int max = READ_ONCE(cop_table.max);
	struct socket *other = NULL;

	if (sock->sk->sk_prot->shares_ports ||
	    sock_flag(sock->sk, SOCK_ELSEWHERE))
		return NULL;
	for (unsigned int fd = 0; snum && fd < max && !other; fd++)
		other = claim_from(fd, sock, snum);
	return other;
}
