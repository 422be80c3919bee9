/* SPDX-License-Identifier: MIT */
/*
 * autobind.h - a port for a socket that sends or connects without one.
 */
#ifndef COP_AUTOBIND_H
#define COP_AUTOBIND_H

#include <stdbool.h>

#include "lib/addr.h"

struct sock;

/**
 * cop_autobind_arm - have the kernel's next autobind take our port
 * @sk: a COP sock without a port, which the caller keeps alive
 * @fd: its descriptor
 *
 * The kernel binds inside the connect or send that follows. Such a port is not
 * locked, so that a disconnect gives it back. The caller then calls
 * cop_autobind_settle(). If the kernel is to choose the port, this binds the socket
 * at once.
 * Returns 0, or -EAGAIN if no port is free: some that the kernel would give to this
 * socket may be those of other COP sockets of this process. Async-signal-safe; errno
 * may change.
 */
int cop_autobind_arm(struct sock *sk, int fd);

/**
 * cop_autobind_settle - record what came of an autobind
 * @sk: the sock, which the caller keeps alive
 * @fd: its descriptor
 * @now: the local address and port that the kernel socket has now
 * @err: of the connect or send; -EAGAIN if another process holds the port
 *
 * Returns whether the sock is bound. A call that fails with another error may have
 * failed before the kernel came to bind. Async-signal-safe; errno may change.
 */
bool cop_autobind_settle(struct sock *sk, int fd, const union cop_addr *now,
			 int err);

#endif /* COP_AUTOBIND_H */
