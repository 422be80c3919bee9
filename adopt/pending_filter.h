/* SPDX-License-Identifier: MIT */
/*
 * pending_filter.h - the program's filter on a socket that is pending.
 */
#ifndef COP_PENDING_FILTER_H
#define COP_PENDING_FILTER_H

#include "socket/sock.h"

/**
 * cop_pending_move_filter - move the program's filter behind COP's header
 * @sk: a pending sock, under cop_decide_lock()
 * @fd: its descriptor
 *
 * Ahead of putting the socket on COP. Returns 0, also if there is no filter or it
 * was moved already; -EPERM if the filter is locked; -ENOMEM; or as
 * cop_attach_filter() does.
 */
int cop_pending_move_filter(struct sock *sk, int fd);

/* Whether an option sets or locks the filter, or reads it (SO_GET_FILTER). */
bool cop_is_filter_option(int level, int optname);

/**
 * cop_pending_set_filter - setsockopt() of one of these options
 * @sk: a sock that began as pending
 * @fd: its descriptor
 * @optname: the option, of SOL_SOCKET
 * @optval: its value
 * @optlen: its length in bytes
 *
 * A pending socket has the filter as UDP has it. Returns as setsockopt of struct
 * proto does; COP_PLAIN_UDP if the socket has become UDP meanwhile.
 */
int cop_pending_set_filter(struct sock *sk, int fd, int optname,
			   const void *optval, socklen_t optlen);

#endif /* COP_PENDING_FILTER_H */
