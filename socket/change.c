// SPDX-License-Identifier: MIT
/*
 * socket/change.c - a descriptor that is closed, or replaced by another.
 *
 * The kernel changes its table of descriptors in one step, and this table follows a
 * little later. In between another thread may use the number, and the library can't
 * know whether it means the old descriptor, the new one, or already another one. So
 * the slot keeps its socket until the call has ended, with a note that makes each
 * look-up ask the kernel (sockfd_ask()).
 *
 * Owns: the notes in the slots. Protected by: each change of a slot is one compare
 * and swap; the caller that takes a socket out of a slot gets the slot's count of
 * it. Counterpart in the kernel: fs/file.c (file_close_fd(), do_dup2()).
 */
#include <errno.h>

#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/process.h"
#include "lib/scratch.h"
#include "cop_table.h"
#include "socket/hold.h"

COP_ATOMIC_CAS(slot, struct socket *, "q")

static _Atomic(struct socket *) *slot_at(int fd)
{
	return cop_slot(cop_slots(), fd);
}

static struct socket *slot_of(int fd)
{
	return READ_ONCE(*slot_at(fd));
}

static bool is_in_table(int fd)
{
	return (unsigned int)fd < READ_ONCE(cop_table.max);
}

/* From one COP socket to another the descriptor is COP's all the time. */
static uintptr_t note_for(const struct socket *slot, const struct socket *next)
{
	return slot && next && !slot_has(slot, SLOT_DOUBT) ? SLOT_EXCHANGE
							   : SLOT_DOUBT;
}

static void slot_begin(struct fd_change *change)
{
	struct socket *slot = slot_of(change->fd), *to;

	do {
		change->old = slot_socket(slot);
		if (!slot && !change->next)
			return;
		change->note = note_for(slot, change->next);
		to = slot_note(change->next ?: change->old, change->note);
	} while (!slot_cas(slot_at(change->fd), &slot, to));
}

/* The report needs the kernel socket, so it is made before the close. */
static void flush_last(int fd)
{
	struct socket *sock = slot_socket(slot_of(fd));

	if (sock && READ_ONCE(sock->f_count) == 1)
		sock->sk->sk_prot->report(sock->sk, fd);
}

/* The slot has one count of the next socket, and the change another. */
static int next_begin(struct fd_change *change)
{
	int err = fd_room(change->fd);

	if (unlikely(err))
		fd_drop(change->next);
	else
		int_add(&change->next->f_count, 1);
	return err;
}

int fd_change_begin(struct fd_change *change, int fd, struct socket *next)
{
	int err;

	fd_holds_drop_lost();
	change->fd = fd;
	change->next = next;
	change->old = NULL;
	change->note = 0;
	if (unlikely(!cop_process_is_owner()))
		return 0;
	err = next ? next_begin(change) : 0;
	if (unlikely(err || !is_in_table(fd)))
		return err;
	flush_last(fd);
	slot_begin(change);
	return 0;
}

/*
 * If the slot is not as this call has left it, another call has changed it. That
 * change stays.
 */
static void end_without_next(struct fd_change *change, bool done)
{
	struct socket *is = slot_note(change->old, SLOT_DOUBT);

	if (slot_cas(slot_at(change->fd), &is, done ? NULL : change->old) &&
	    done)
		fd_drop(change->old);
}

static bool leads_to(int fd, struct socket *sock)
{
	return sock->sk->sk_prot->owns(sock->sk, fd);
}

/*
 * Another call may have taken the socket out. Two calls that replace one descriptor
 * can be here in another order than in the kernel, so the kernel says whose it is.
 */
static void put_next(struct fd_change *change)
{
	struct socket *is = slot_note(change->next, change->note);

	cop_copies_settle();
	if (slot_cas(slot_at(change->fd), &is, change->next) ||
	    !leads_to(change->fd, change->next))
		fd_drop(change->next);
	else
		fd_drop(slot_socket(
			atomic_exchange(slot_at(change->fd), change->next)));
	u32_add(&cop_table.installs, 1);
	fd_drop(change->old);
}

static void put_old_back(struct fd_change *change)
{
	struct socket *is = slot_note(change->next, change->note);

	if (slot_cas(slot_at(change->fd), &is, change->old))
		fd_drop(change->next);
	else
		fd_drop(change->old);
	fd_drop(change->next);
}

/* A vfork() child changes no slot: it marks the socket for its next program. */
static void end_apart(struct fd_change *change, bool done)
{
	if (done && change->next)
		change->next->sk->sk_prot->mark(change->next->sk, change->fd);
	fd_drop(change->next);
}

void fd_change_end(struct fd_change *change, bool done)
{
	if (unlikely(!change->note))
		end_apart(change, done);
	else if (!change->next)
		end_without_next(change, done);
	else if (done)
		put_next(change);
	else
		put_old_back(change);
}

void fd_change_settle(struct fd_change *change)
{
	struct socket *sock = change->old;

	fd_change_end(change, !sock || !leads_to(change->fd, sock));
}
