/* SPDX-License-Identifier: MIT */
/*
 * rx_batch.h - many datagrams in by one system call.
 */
#ifndef COP_RX_BATCH_H
#define COP_RX_BATCH_H

#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include "socket/sock.h"

/* What a batch has brought. */
struct cop_rx_result {
	unsigned int tried; /* messages that the kernel was asked for */
	unsigned int kept;  /* messages that the program got: no strays */
	bool closed;	    /* another thread has closed the receiver */
};

/**
 * cop_rx_batch - receive as many messages as one system call can bring
 * @sk: the receiver
 * @fd: its descriptor
 * @vec: the program's messages
 * @n: how many
 * @flags: MSG_*, without MSG_ERRQUEUE
 * @timeout: as for recvmmsg(), in memory of ours, or NULL
 * @res: what came; tried is 0 where the first message has to go by itself
 *
 * Returns how many datagrams the kernel delivered, strays included, or -errno.
 */
int cop_rx_batch(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags, struct timespec *timeout,
		 struct cop_rx_result *res);

#endif /* COP_RX_BATCH_H */
