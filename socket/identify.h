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

#endif /* COP_IDENTIFY_H */
