/* SPDX-License-Identifier: MIT */
/*
 * pass.h - the sockets that a program which this process runs inherits.
 */
#ifndef COP_PASS_H
#define COP_PASS_H

#include "cop_table.h"

/**
 * fd_pass_begin - mark each socket that the next program inherits
 *
 * Ahead of an exec or a spawn. Returns cop_table.installs of this moment, for
 * fd_pass_end(). errno stays. Async-signal-safe.
 */
unsigned int fd_pass_begin(void);

/**
 * fd_pass_end - mark the sockets that came between fd_pass_begin() and the new program
 * @installs: what fd_pass_begin() returned
 *
 * Behind a spawn. Two loads if no socket came. errno stays. Async-signal-safe.
 */
void fd_pass_end(unsigned int installs);

/**
 * sock_map_fd - open the kernel socket of a new socket
 * @sock: the socket, with a count that this takes over even when it fails
 * @flags: SOCK_NONBLOCK and SOCK_CLOEXEC
 *
 * Returns the descriptor, or a negative errno. Async-signal-safe. Counterpart:
 * sock_map_fd().
 */
int sock_map_fd(struct socket *sock, int flags);

#endif /* COP_PASS_H */
