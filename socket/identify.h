/* SPDX-License-Identifier: MIT */
/*
 * identify.h - which kernel socket each socket has.
 */
#ifndef COP_IDENTIFY_H
#define COP_IDENTIFY_H

struct socket;

/**
 * fd_identify - record which kernel socket a socket has
 * @sock: the socket, which the caller keeps alive
 * @fd: a descriptor of it
 *
 * Does nothing if that is known, in a vfork() child, and in a confined process. Some
 * system calls, once for each socket. errno may change. Async-signal-safe.
 */
void fd_identify(struct socket *sock, int fd);

/**
 * fd_identify_new - record which kernel socket a new socket has, beside other threads
 * @sock: the socket; no descriptor leads to it yet
 * @fd: the descriptor that was opened for it
 *
 * Does nothing if the process has one thread. Else another thread may be in a call on a
 * socket that had the same descriptor: see datagram/naming.c. One system call. errno may
 * change. Async-signal-safe.
 */
void fd_identify_new(struct socket *sock, int fd);

/**
 * fd_identify_copied - fd_identify() before the socket gets another descriptor
 * @sock: the socket, which the caller keeps alive; may be NULL
 * @fd: a descriptor of it
 *
 * Does nothing if the process has one thread. errno stays. Async-signal-safe.
 */
void fd_identify_copied(struct socket *sock, int fd);

#endif /* COP_IDENTIFY_H */
