/* SPDX-License-Identifier: MIT */
/*
 * mark.h - the mark: what a kernel socket tells another process of its COP sock.
 */
#ifndef COP_MARK_H
#define COP_MARK_H

#include "lib/lock.h"
#include "lib/scratch.h"
#include "filter/attach.h"
#include "socket/sock.h"

/* The bits of sk_flags that the mark has. */
#define MARK_FLAGS                                                        \
	(SOCK_USER_RANGE | SOCK_ON_DEVICE | SOCK_CORKED | SOCK_CORK_OPT | \
	 SOCK_NARROWED | SOCK_GRO | SOCK_GRO_OPT)

/* The bits of WORD_LOCKS: sk_userlocks, sk_reuse and sk_reuseport, a byte each. */
#define MARK_LOCKS (SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK | 1 << 8 | 1 << 16)

/* The words of a mark. WORD_PORTS: the port << 16 | the pinned port. */
enum { WORD_FLAGS, WORD_LOCKS, WORD_RANGE, WORD_PORTS };

/**
 * cop_mark - write the mark on a kernel socket
 * @sk: a COP sock that the caller keeps alive
 * @fd: a descriptor that may lead to its kernel socket
 *
 * Called for a descriptor that is about to go through an exec or to another process.
 * If it fails, the other process finds a plain UDP socket. Does nothing if the kernel
 * socket has this mark already. Async-signal-safe.
 */
void cop_mark(struct sock *sk, int fd);

/* What cop_mark_lock() has taken, for cop_mark_unlock(). On the caller's stack. */
struct cop_mark_held {
	struct cop_held here;	    /* the sock's lock */
	struct cop_scratch scratch; /* during which @copy is open */
	int fd;			    /* by which the caller sets the program */
	int copy;		    /* the duplicate that @fd is then, or -1 */
	bool threads;		    /* whether there is a scratch */
	bool shared;		    /* the lock that processes share */
};

/**
 * cop_mark_lock, cop_mark_unlock - lock the program of a kernel socket
 * @sk: a COP sock
 * @fd: its descriptor
 * @held: cop_mark_lock() fills it in, for cop_mark_unlock()
 *
 * Keeps out the other threads of this process, see cop_lock(), and the other
 * processes with libcop that have the socket. Calls may be nested.
 *
 * What is a moment later at @fd may be another socket, and it must not lose its own
 * program. So in a process with threads @held->fd is a duplicate, which nobody exchanges.
 * Where none is to be had, or in a nested call, it is @fd.
 *
 * cop_mark_lock() returns false if the duplicate leads to another socket: then the
 * caller must not set a program. It calls cop_mark_unlock() in every case.
 */
bool cop_mark_lock(struct sock *sk, int fd, struct cop_mark_held *held);
void cop_mark_unlock(struct sock *sk, struct cop_mark_held *held);

/**
 * cop_mark_filter - set a filter on the kernel socket, and the mark with it
 * @sk: a COP sock
 * @fd: its descriptor
 * @body: which filter
 * @user: for COP_BODY_USER a socket that has the program's own filter; else -1
 *
 * Returns as cop_program_attach() does, and -EBADF if the descriptor leads to another
 * socket by now.
 */
int cop_mark_filter(struct sock *sk, int fd, enum cop_body body, int user);

/**
 * cop_mark_filter_locked - cop_mark_filter() for a caller that has the lock
 * @held: from cop_mark_lock(), which has returned true
 *
 * @fd is the program's descriptor, for messages.
 */
int cop_mark_filter_locked(struct sock *sk, int fd,
			   const struct cop_mark_held *held, enum cop_body body,
			   int user);

/**
 * cop_mark_is - record which mark a kernel socket has already
 * @sk: its COP sock
 * @mark: the mark
 */
void cop_mark_is(struct sock *sk, const struct cop_mark *mark);

#endif /* COP_MARK_H */
