// SPDX-License-Identifier: MIT
/*
 * socket/forget.c - descriptors that were closed by a call which the library does not see.
 * A call on one fails, and then the table forgets it.
 *
 * Owns: SLOT_GONE. Protected by: each change of a slot is one compare and swap.
 * Counterpart in the kernel: none; there a close is always seen.
 */
#include "cop_table.h"
#include "lib/atomic.h"
#include "lib/env.h"
#include "lib/kernel_socket.h"
#include "lib/process.h"

static bool slot_becomes(int fd, struct socket *held, struct socket *next)
{
	return atomic_compare_exchange_strong(cop_slot(cop_slots(), fd), &held,
					      next);
}

/* Whether the slot was still @held, and is empty now. The caller has a count of @sock. */
static bool slot_empty(int fd, struct socket *held, struct socket *sock)
{
	if (!slot_becomes(fd, held, NULL))
		return false;
	/* Plain UDP was not closed. */
	if (sock_flag(sock->sk, SOCK_CARRIED))
		cop_debug(fd, "was closed unseen");
	fd_drop(sock);
	return true;
}

/* Whether a call exchanges one COP socket for another, and is about to end. */
static bool is_exchanged(int fd, const struct socket *held)
{
	return slot_has(held, SLOT_EXCHANGE) && sock_kernel_cookie(fd);
}

static void slot_forget(int fd, struct socket *sock)
{
	struct socket *held;

	if (!cop_process_is_owner())
		return;
	do
		held = sockfd_slot(fd);
	while (slot_socket(held) == sock && !is_exchanged(fd, held) &&
	       !slot_empty(fd, held, sock));
}

void fd_forget(int fd)
{
	struct socket *sock = sockfd_get(fd);

	if (!sock)
		return;
	slot_forget(fd, sock);
	fd_drop(sock);
}

/*
 * Another thread may close the descriptor, and then make the number a duplicate of the same
 * socket. So the note comes first, and the question whose the descriptor is behind it: an
 * entry that is made later has no note, and stays. Returns false only if the descriptor is
 * the socket's.
 */
static bool slot_clear(int fd, struct socket *sock)
{
	struct socket *gone = slot_note(sock, SLOT_DOUBT | SLOT_GONE), *held;

	if (!cop_process_is_owner())
		return true;
	for (;;) {
		held = sockfd_slot(fd);
		if (slot_socket(held) != sock)
			return true;
		if (is_exchanged(fd, held))
			return false;
		if (held == sock) {
			slot_becomes(fd, sock, gone);
			continue;
		}
		if (held == gone && sock->sk->sk_prot->owns(sock->sk, fd)) {
			slot_becomes(fd, gone, sock);
			return false;
		}
		if (slot_empty(fd, held, sock))
			return true;
	}
}

bool fd_forget_gone(int fd)
{
	struct socket *sock = sockfd_get(fd);
	bool ours;

	if (!sock)
		return true;
	ours = sock->sk->sk_prot->owns(sock->sk, fd) || !slot_clear(fd, sock);
	fd_drop(sock);
	return !ours;
}
