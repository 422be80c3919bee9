/* SPDX-License-Identifier: MIT */
/*
 * cop_table.h - which descriptors of this process are COP sockets.
 *
 * Callers see one table, so what socket/change.c, socket/identify.c, socket/received.c
 * and socket/stale.c do with it is declared here too.
 */
#ifndef COP_TABLE_H
#define COP_TABLE_H

#include "lib/compiler.h"
#include "inet/export.h"
#include "socket/sock.h"

/* Slots come in chunks, so that unused descriptors take no memory. */
#define COP_CHUNK COP_EXPORT_CHUNK

struct cop_chunk {
	_Atomic(struct socket *) slot[COP_CHUNK];
};

struct cop_slots {
	size_t size; /* (c) descriptors that they reach */
	_Atomic(struct cop_chunk *) chunk[]; /* (a) never NULL */
};

struct cop_table {
	_Atomic(unsigned int) max;	/* (a) above every COP descriptor */
	_Atomic(unsigned int) installs; /* (a) how often a slot was filled,
					    * or a filter was new */
	_Atomic(unsigned int) passes;	/* (a) changes when a program is about
					    * to be run, and behind a spawn:
					    * socket/pass.c */
	_Atomic(struct cop_slots *) slots; /* (a) replaced when the table grows,
					    * before max is raised */
};

extern struct cop_table cop_table HIDDEN;

/*
 * What a slot says of its socket while a call closes or replaces the descriptor, or is
 * about to forget it: three bits of the pointer, which is a multiple of 8.
 */
#define SLOT_DOUBT    1ul /* only the kernel knows whose descriptor it is */
#define SLOT_EXCHANGE 2ul /* it goes from one COP socket to another */
#define SLOT_GONE     4ul /* it is about to be forgotten */
#define SLOT_NOTES    (SLOT_DOUBT | SLOT_EXCHANGE | SLOT_GONE)

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

static inline struct cop_slots *cop_slots(void)
{
	return atomic_load_explicit(&cop_table.slots, memory_order_acquire);
}

/*
 * The slot of a descriptor below cop_table.max. It may be filled only after
 * fd_room(): before that it may be the one slot of all descriptors without a chunk.
 */
static inline _Atomic(struct socket *) *cop_slot(struct cop_slots *slots,
						 size_t fd)
{
	return &atomic_load_explicit(&slots->chunk[fd / COP_CHUNK],
				     memory_order_acquire)
			->slot[fd % COP_CHUNK];
}

/* sockfd_lookup() for a descriptor that a call is about to close or replace. */
struct socket *sockfd_ask(int fd);

/**
 * sockfd_slot - the slot of a descriptor, with its notes
 * @fd: any number
 *
 * Returns NULL if @fd is not ours. Of a slot without notes it is the socket, else
 * sockfd_lookup() has to ask. Costs as much, and has no call in it.
 */
static inline struct socket *sockfd_slot(int fd)
{
	if (likely((unsigned int)fd >=
		   atomic_load_explicit(&cop_table.max, memory_order_acquire)))
		return NULL;
	return atomic_load_explicit(cop_slot(cop_slots(), (unsigned int)fd),
				    memory_order_acquire);
}

/**
 * sockfd_lookup - the COP socket behind a descriptor
 * @fd: any number
 *
 * Returns the socket, or NULL if @fd is not ours. Costs a compare and, only if the
 * process has COP sockets, three loads. While another call closes or replaces the
 * descriptor, the kernel is asked. The memory of the socket stays a struct socket, so
 * it may be read without a reference. Lock-free, async-signal-safe; errno stays.
 */
static inline struct socket *sockfd_lookup(int fd)
{
	struct socket *slot = sockfd_slot(fd);

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
 * Returns 0, -EBADF if the kernel gives no descriptor of that number, or -ENOMEM.
 * Async-signal-safe.
 */
int fd_room(int fd);

/**
 * fd_install - make a descriptor lead to a socket
 * @fd: an open descriptor of the kernel socket that carries @sock
 * @sock: the socket, with a count that this takes over even when it fails
 *
 * Returns 0, or -ENOMEM. Drops the socket that the slot had before. A vfork() child
 * does not change the table: it marks the kernel socket for the program that it is
 * about to become. Async-signal-safe.
 */
int fd_install(int fd, struct socket *sock);

/**
 * fd_table_prepare - map the table now, before its first use
 */
void fd_table_prepare(void);

/**
 * fd_identify_all - record before a fork which kernel socket each socket has
 *
 * After the fork another process can bind or disconnect a kernel socket. Its port then
 * no longer tells whether a descriptor is still the socket's. Two system calls for
 * each new socket; a compare if there is none. Does nothing in a vfork() child. In
 * socket/identify.c. errno stays. Async-signal-safe.
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
 * Records which kernel socket it has, as fd_identify_all() does, and marks the kernel
 * socket. In socket/identify.c. Async-signal-safe.
 */
void fd_hand_on(struct socket *sock, int fd);

/**
 * fd_any - some descriptor that is ours
 *
 * Returns -1 if there is none. Async-signal-safe.
 */
int fd_any(void);

/**
 * fd_adopt - make a descriptor that came from elsewhere lead to a socket
 * @fd: any open descriptor
 *
 * It came over an exec or from another process. If the kernel socket has a COP mark,
 * the descriptor gets a socket: the one that another descriptor of that kernel socket
 * has here, else a new one. If the transport is not here, its module is loaded. If there
 * is none, the new socket is one whose calls fail: see inet/missing.h. Returns 1 if the
 * descriptor is the library's now, 0 if it is not, or -EPROTONOSUPPORT if it would be such a
 * socket in a child of vfork(), which can't enter one: the caller closes the descriptor. A
 * descriptor without a mark costs one system call. In socket/received.c.
 * Async-signal-safe, unless it loads a module.
 */
int fd_adopt(int fd);

/* A call that closes a descriptor, or puts another in its place. */
struct fd_change {
	int fd;
	struct socket *old;  /* its socket until now; NULL: not COP */
	struct socket *next; /* its socket from now on; NULL: not COP */
	uintptr_t note;	     /* what the slot says until the end */
};

/**
 * fd_change_begin - announce that a descriptor is about to be closed or replaced
 * @change: to be given to fd_change_end()
 * @fd: the descriptor, still as it was
 * @next: the COP socket that it is about to lead to, with a count that this
 *	takes over; NULL if it is closed, or will lead to something else
 *
 * Until fd_change_end() each look-up asks the kernel whose the descriptor is. So a
 * COP descriptor that is open is never taken for another kind, nor the other way
 * round. Returns 0, or -EBADF or -ENOMEM if the table has no room for it, in which
 * case nothing has begun. A vfork() child does not change the table. In
 * socket/change.c, as the next two. Async-signal-safe; errno may change.
 */
int fd_change_begin(struct fd_change *change, int fd, struct socket *next);

/**
 * fd_change_end - say whether the descriptor was closed or replaced
 * @change: from fd_change_begin()
 * @done: whether the kernel has closed or replaced the descriptor
 *
 * Releases the old socket if no other descriptor leads to it. In a vfork() child it
 * marks the kernel socket of @next, as fd_install() does. Async-signal-safe; errno
 * may change.
 */
void fd_change_end(struct fd_change *change, bool done);

/**
 * fd_change_settle - fd_change_end() when only the kernel knows the outcome
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
 * @fd: the descriptor
 *
 * Does nothing if the slot is empty, and in a vfork() child.
 */
void fd_forget(int fd);

/**
 * fd_forget_gone - drop the entry of a descriptor if it is no longer the socket
 * @fd: the descriptor, on which a call has failed as on a closed one
 *
 * Returns true if there is no such entry now. Asks the kernel, because the call may
 * have failed for another reason, and another thread may have opened the number again.
 */
bool fd_forget_gone(int fd);

/**
 * fd_forget_stale - make a port free that only seems to be held
 * @sock: a socket that was refused the port
 * @snum: the port, host order
 *
 * Forgets a holder whose descriptor was closed unseen. If there is no holder at all,
 * and this process was forked off one with threads, one of those threads had the
 * claim, and this gives it back: see cop_process_is_remnant(). Returns whether the
 * port became free in one of these ways. Looks at every slot, so it is only for a
 * bind that was refused. In socket/stale.c, as the next.
 */
bool fd_forget_stale(struct socket *sock, uint16_t snum);

/**
 * fd_borrow_claim - take a port's claim from the socket that seems to have the port
 * @sock: a socket that was refused the port
 * @snum: the port, host order; 0: none
 *
 * By our table another socket is bound to the port. But that socket may be in another
 * network namespace, or another process may have disconnected it. A bind with
 * sk_contested then asks the kernel. Returns the other socket, with a count for the
 * caller; from now on it has the port without the claim (sk_shared). Returns
 * NULL if there is none. Looks at every slot, so it is only for a bind that was
 * refused.
 */
struct socket *fd_borrow_claim(struct socket *sock, uint16_t snum);

#endif /* COP_TABLE_H */
