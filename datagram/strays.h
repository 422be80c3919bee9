/* SPDX-License-Identifier: MIT */
/*
 * strays.h - a receive that has met a stray, or may meet one.
 */
#ifndef COP_STRAYS_H
#define COP_STRAYS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "socket/sock.h"
#include "wire/recv.h"

/**
 * cop_rx_is_notice - whether a receive has returned 0 without a datagram
 * @sk: the receiver
 * @fd: its descriptor
 * @name: the source address, or NULL where it is not known
 * @len: its length in bytes; 0 where the receive brought none
 * @rx: from cop_encap_recv()
 *
 * After a shutdown() for reading, a receive that would wait returns 0 instead. A
 * receive that tells a path's MTU returns 0, too. Both look like an empty stray, but
 * are for the program.
 */
bool cop_rx_is_notice(const struct sock *sk, int fd, const void *name,
		      socklen_t len, const struct cop_rx *rx);

/**
 * cop_rx_discard - take the first datagram in the queue away
 * @fd: the descriptor
 *
 * For a stray that a receive with MSG_PEEK has left there. Does not wait.
 */
void cop_rx_discard(int fd);

/**
 * cop_rx_is_closed - whether a call of the program has closed the receiver
 * @sk: the receiver, of which the descriptor is not any more
 * @fd: the descriptor
 *
 * What such a receive has brought came from the closed socket, and is not for the
 * program. If the library did not see the close, the table still has the descriptor.
 */
bool cop_rx_is_closed(struct sock *sk, int fd);

/* What happens to a datagram that is a stray. */
enum cop_stray_fate {
	COP_STRAY_DROPPED, /* counted and gone: receive again */
	COP_STRAY_NOTICE,  /* no datagram, but for the program */
	COP_STRAY_STALE,   /* of another socket, for the program as it came */
};

/**
 * cop_stray_fate - decide what happens to a stray, and drop it or not
 * @sk: the receiver
 * @fd: its descriptor
 * @flags: MSG_* of the receive
 * @name: the source address, or NULL where it is not known
 * @len: bytes of @name
 * @rx: from cop_encap_recv()
 *
 * A descriptor may have become another socket while the receive waited. Then the
 * datagram is for the owner of that socket.
 */
enum cop_stray_fate cop_stray_fate(struct sock *sk, int fd, int flags,
				   const void *name, socklen_t len,
				   const struct cop_rx *rx);

/**
 * cop_recv_unclean - cop_encap_recv() where strays from before the filter may be
 *		      queued
 * @sk: the receiver
 *
 * The other arguments and the result are those of cop_encap_recv(). It first takes
 * what comes without waiting, under the sock's lock. If nothing comes, the queue
 * holds nothing from before the filter, and an ordinary receive waits.
 */
int cop_recv_unclean(struct sock *sk, int fd, struct msghdr *msg, int flags,
		     size_t cap, struct cop_rx *rx);

/**
 * cop_recv_watched - cop_encap_recv() with COP_DEBUG, where no filter is set
 *
 * As cop_recv_unclean(), but it drops the strays that are queued first, and names
 * their senders.
 */
int cop_recv_watched(struct sock *sk, int fd, struct msghdr *msg, int flags,
		     size_t cap, struct cop_rx *rx);

#endif /* COP_STRAYS_H */
