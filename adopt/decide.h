/* SPDX-License-Identifier: MIT */
/*
 * decide.h - whether a pending socket becomes COP or stays UDP.
 *
 * All functions are for socks that began as pending, and for their descriptor. The
 * ones that return an int return 0 if the call goes on: the sock is on COP, or the
 * call decides nothing and the sock is still pending. They return COP_PLAIN_UDP if
 * the socket is UDP, or another negative errno, for the program.
 */
#ifndef COP_DECIDE_H
#define COP_DECIDE_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "socket/sock.h"

/**
 * cop_put_on_cop - put a pending socket on COP
 * @sk: the sock
 * @fd: its descriptor
 *
 * Returns 0, or COP_PLAIN_UDP if the socket has to stay UDP because its filter can't
 * be moved.
 */
int cop_put_on_cop(struct sock *sk, int fd);

/**
 * cop_decide_by_port - decide by a port: COP if COP_ADOPT lists it, else UDP
 * @sk: the sock
 * @fd: its descriptor
 * @port: the port, network order
 */
int cop_decide_by_port(struct sock *sk, int fd, __be16 port);

/**
 * cop_decide_by_local - decide by the port that the socket is bound to
 * @sk: the sock
 * @fd: its descriptor
 */
int cop_decide_by_local(struct sock *sk, int fd);

/**
 * cop_decide_by_dest - decide by the destination of a send
 * @sk: the sock
 * @fd: its descriptor
 * @name: the destination, which can be read; NULL: the peer
 * @len: its length in bytes
 *
 * A send without a destination decides nothing, since the kernel will refuse it.
 */
int cop_decide_by_dest(struct sock *sk, int fd, const void *name,
		       socklen_t len);

/**
 * cop_decide_if_received - decide by the local port if a datagram is in the queue
 * @sk: the sock
 * @fd: its descriptor
 *
 * Ahead of calls that would show the datagram, or drop it. Does not wait, and is no
 * cancellation point.
 */
int cop_decide_if_received(struct sock *sk, int fd);

/**
 * cop_decide_by_receive - wait for a datagram, then decide by the local port
 * @sk: the sock
 * @fd: its descriptor
 * @flags: of the receive; with MSG_DONTWAIT it does not wait
 *
 * The program has sent nothing so far. So the sender of the datagram knows the
 * socket by its port alone, and the port says whether the sender uses COP or UDP.
 */
int cop_decide_by_receive(struct sock *sk, int fd, int flags);

#endif /* COP_DECIDE_H */
