/* SPDX-License-Identifier: MIT */
/*
 * mark.h - what a kernel socket says of its COP sock to other processes.
 */
#ifndef COP_MARK_H
#define COP_MARK_H

#include "lib/lock.h"
#include "filter/attach.h"
#include "socket/sock.h"

/**
 * cop_mark - write on the kernel socket what it is, for whoever gets it
 * @sk: a COP sock that the caller keeps alive
 * @fd: a descriptor that may be its kernel socket
 *
 * For descriptors that are about to go through an exec or to another process.
 * Where it can't be done the other side finds a plain UDP socket. Does nothing
 * where the kernel socket says so already. Async-signal-safe.
 */
void cop_mark(struct sock *sk, int fd);

/* What cop_mark_lock() has taken, for cop_mark_unlock(). */
struct cop_mark_held {
	struct cop_held here;
	bool shared;
};

/**
 * cop_mark_lock, cop_mark_unlock - keep others from a kernel socket's program
 * @sk: a COP sock
 * @fd: its descriptor
 * @held: filled in by the first, for the second
 *
 * Threads of this process, see cop_lock(), and other processes that have libcop and
 * the socket. Calls may be nested.
 */
void cop_mark_lock(struct sock *sk, int fd, struct cop_mark_held *held);
void cop_mark_unlock(struct sock *sk, int fd, struct cop_mark_held *held);

/**
 * cop_mark_filter - set a filter on the kernel socket, and the mark with it
 * @sk: a COP sock
 * @fd: its descriptor
 * @body: which filter
 * @user: for COP_BODY_USER a socket that has the program's own; else -1
 *
 * Returns as cop_program_attach() does.
 */
int cop_mark_filter(struct sock *sk, int fd, enum cop_body body, int user);

/**
 * cop_unmark - take over what a mark says
 * @sk: a new sock, with SOCK_ELSEWHERE where it is so
 * @fd: its kernel socket
 * @sport: the port that its kernel socket has, network order
 * @mark: what was read from there
 *
 * Another process may have written the mark, so what the kernel can tell is taken
 * from the kernel. From the mark comes what only the mark knows: what a bind fixed,
 * and options that the kernel was not told of. The port is hashed. Returns 0, or
 * -ENOENT, with @sk unchanged, for a mark that this library can't have written.
 */
int cop_unmark(struct sock *sk, int fd, __be16 sport,
	       const struct cop_mark *mark);

#endif /* COP_MARK_H */
