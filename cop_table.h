/* SPDX-License-Identifier: MIT */
/*
 * table.h - which descriptors of this process are COP sockets.
 */
#ifndef COP_TABLE_H
#define COP_TABLE_H

#include "lib/compiler.h"
#include "inet/export.h"
#include "socket/sock.h"

/* Slots come in chunks, so that memory is taken for descriptors that are used. */
#define COP_CHUNK COP_EXPORT_CHUNK

struct cop_chunk {
	_Atomic(struct socket *) slot[COP_CHUNK];
};

struct cop_slots {
	size_t size; /* (c) descriptors that they reach */
	_Atomic(struct cop_chunk *) chunk[]; /* (a) never NULL */
};

struct cop_table {
	_Atomic(unsigned int) max;	   /* (a) above every COP descriptor */
	_Atomic(unsigned int) installs;	   /* (a) how often a slot was filled,
					    * or a filter was new */
	_Atomic(struct cop_slots *) slots; /* (a) another when they grow, and
					    * is set before max is */
};

extern struct cop_table cop_table;

/*
 * What a slot says of its socket while a call closes or replaces the descriptor:
 * two bits of the pointer, which is a multiple of 8.
 */
#define SLOT_DOUBT    1ul /* only the kernel knows whose descriptor it is */
#define SLOT_EXCHANGE 2ul /* it goes from one COP socket to another */
#define SLOT_NOTES    (SLOT_DOUBT | SLOT_EXCHANGE)

static inline bool slot_has(const struct socket *slot, uintptr_t notes)
{
	return (uintptr_t)slot & notes;
}

static inline struct socket *slot_socket(const struct socket *slot)
{
	return (struct socket *)((uintptr_t)slot & ~SLOT_NOTES);
}

static inline struct socket *slot_note(const struct socket *sock,
				       uintptr_t note)
{
	return (struct socket *)((uintptr_t)sock | note);
}

/*
 * The slot of a descriptor that is below cop_table.max. Only behind fd_room() may
 * it be filled: until then it may be one that all descriptors without a chunk have.
 */
static inline _Atomic(struct socket *) *cop_slot(struct cop_slots *slots,
						 unsigned int fd)
{
	return &atomic_load_explicit(&slots->chunk[fd / COP_CHUNK],
				     memory_order_acquire)
			->slot[fd % COP_CHUNK];
}

/* sockfd_lookup() for a descriptor that a call is about to close or replace. */
struct socket *sockfd_ask(int fd);

/**
 * sockfd_lookup - the COP socket behind a descriptor
 * @fd: any number
 *
 * Returns the socket, or NULL when @fd is not ours: a compare and, only if the
 * process has COP sockets, three loads. While another call closes or replaces the
 * descriptor, the kernel is asked. The socket's memory is type-stable, so it
 * may be read without a reference. Lock-free, async-signal-safe; errno stays.
 */
static inline struct socket *sockfd_lookup(int fd)
{
	struct socket *slot;

	if (likely((unsigned int)fd >=
		   atomic_load_explicit(&cop_table.max, memory_order_acquire)))
		return NULL;
	slot = atomic_load_explicit(cop_slot(READ_ONCE(cop_table.slots), fd),
				    memory_order_acquire);
	return unlikely(slot_has(slot, SLOT_NOTES)) ? sockfd_ask(fd) : slot;
}

/**
 * sockfd_get - the COP socket behind a descriptor, kept alive
 * @fd: any number
 *
 * Returns the socket or NULL; the caller ends with fd_drop(). Until then a
 * close elsewhere does not release it. Only for calls that neither block nor
 * can be cancelled. Counterpart: fget(). Lock-free, async-signal-safe.
 */
struct socket *sockfd_get(int fd);

/**
 * fd_room - have the table reach a descriptor
 * @fd: the descriptor, which need not be open yet
 *
 * Returns 0, -EBADF where the kernel gives none of that number, or -ENOMEM.
 * Async-signal-safe.
 */
int fd_room(int fd);

/**
 * fd_install - make a descriptor lead to a socket
 * @fd: an open descriptor of the kernel socket that carries @sock
 * @sock: the socket, with a count that this takes over even when it fails
 *
 * Returns 0, or -ENOMEM. What the slot held from before is dropped. In a vfork() child the table stays
 * as it is: there the kernel socket is marked, for the image that the child is
 * about to become. Async-signal-safe.
 */
int fd_install(int fd, struct socket *sock);

/**
 * fd_table_prepare - map the table now, and not at its first use
 */
void fd_table_prepare(void);

/**
 * fd_identify_all - note which kernel socket each socket has, ahead of a fork
 *
 * Another process may then bind or disconnect it, so that its port says no more
 * whether a descriptor is still the socket's. Two system calls more for each,
 * once; a compare where none is new since the last time. Does nothing in a
 * vfork() child. errno stays. Async-signal-safe.
 */
void fd_identify_all(void);

/**
 * fd_flush_all - report every socket that is open
 */
void fd_flush_all(void);

/**
 * fd_hand_on - get a socket ready for an exec, or for another process
 * @sock: the socket, kept alive by the caller
 * @fd: a descriptor of it
 *
 * Which kernel socket it has is noted, as by fd_identify_all(), and the kernel
 * socket is marked. Async-signal-safe.
 */
void fd_hand_on(struct socket *sock, int fd);

/**
 * fd_any - some descriptor that is ours
 *
 * Returns -1 where there is none. Async-signal-safe.
 */
int fd_any(void);

/**
 * fd_adopt - make a descriptor that came from elsewhere lead to a socket
 * @fd: any open descriptor
 *
 * It came over an exec or from another process. Where the kernel socket behind
 * it is marked as one of ours it gets a socket: the one that another descriptor
 * of that kernel socket has here, else a new one. Returns whether it is ours
 * now. One system call for a descriptor that is not. Async-signal-safe.
 */
bool fd_adopt(int fd);

/* A call that closes a descriptor, or puts another in its place. */
struct fd_change {
	int fd;
	struct socket *old;  /* its socket until now; NULL: none of ours */
	struct socket *next; /* its socket from now on; NULL: none of ours */
	uintptr_t note;	     /* what the slot says meanwhile */
};

/**
 * fd_change_begin - announce that a descriptor is about to be closed or replaced
 * @change: to be given to fd_change_end()
 * @fd: the descriptor, still as it was
 * @next: the COP socket that it is about to lead to, with a count that this
 *	takes over; NULL where it is to be closed, or somebody else's
 *
 * From here to fd_change_end() the kernel decides, call by call, whose the
 * descriptor is: so an open COP descriptor is never taken for somebody else's,
 * nor somebody else's for COP. Returns 0, or -EMFILE or -ENOMEM where the table
 * has no room for it, in which case nothing has begun. In a vfork() child the
 * table stays as it is. Async-signal-safe; errno may change.
 */
int fd_change_begin(struct fd_change *change, int fd, struct socket *next);

/**
 * fd_change_end - say what came of it
 * @change: from fd_change_begin()
 * @done: whether the kernel has closed or replaced the descriptor
 *
 * A socket that no descriptor leads to any more is released. In a vfork() child
 * the kernel socket of @next is marked, as in fd_install(). Async-signal-safe;
 * errno may change.
 */
void fd_change_end(struct fd_change *change, bool done);

/**
 * fd_change_settle - fd_change_end() where only the kernel knows
 * @change: from fd_change_begin(), without a next socket
 */
void fd_change_settle(struct fd_change *change);

/**
 * fd_drop - give a count of a socket back; the last one releases it
 * @sock: the socket, may be NULL
 */
void fd_drop(struct socket *sock);

/**
 * fd_forget - drop the entry of a descriptor that was closed unseen
 * @fd: the descriptor, whatever it is now
 *
 * Does nothing where the slot is empty, and in a vfork() child.
 */
void fd_forget(int fd);

/**
 * fd_forget_gone - drop the entry of a descriptor if it is no longer the socket
 * @fd: the descriptor, on which a call has failed as on a closed one
 *
 * Returns whether there is no such entry now. The kernel is asked: a call may
 * have failed so for a reason of its own, and another thread may have opened
 * the number anew.
 */
bool fd_forget_gone(int fd);

/**
 * fd_forget_stale - make a port free that only seems to be held
 * @sock: a socket that was refused the port
 * @snum: the port, host order
 *
 * Forgets a holder whose descriptor was closed unseen. Where there is no holder
 * at all, and this process was forked away from other threads, the claim is
 * one of theirs, and is given back: see cop_process_is_remnant(). Returns
 * whether there was one or the other. Looks at every slot: for a bind that was
 * refused only.
 */
bool fd_forget_stale(struct socket *sock, uint16_t snum);

/**
 * fd_borrow_claim - take a port's claim from the socket that seems to have the port
 * @sock: a socket that was refused the port
 * @snum: the port, host order; 0: none
 *
 * Our table has another socket bound to the port, but that one may be in another
 * network namespace, or another process may have disconnected it. A bind with
 * SOCK_CONTEST then asks the kernel. Returns the other socket, which has the port
 * without a claim from now on (SOCK_SHARED_PORT), with a count for the caller; NULL
 * where there is none. Looks at every slot: for a bind that was refused only.
 */
struct socket *fd_borrow_claim(struct socket *sock, uint16_t snum);

#endif /* COP_TABLE_H */
