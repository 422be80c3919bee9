/* SPDX-License-Identifier: MIT */
/*
 * gro_batch.h - many receives of joined datagrams by one system call.
 */
#ifndef COP_GRO_BATCH_H
#define COP_GRO_BATCH_H

#include <sys/socket.h>
#include <time.h>

#include "datagram/rx_batch.h"

/**
 * cop_gro_batch - cop_rx_batch() where joined datagrams may come
 *
 * Arguments and result as for cop_rx_batch(). @res->tried is 0 also for a message with
 * less room than a datagram may need.
 */
int cop_gro_batch(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		  int flags, struct timespec *timeout,
		  struct cop_rx_result *res);

#endif /* COP_GRO_BATCH_H */
