/* SPDX-License-Identifier: MIT */
/*
 * tx_batch.h - many datagrams out by one system call.
 */
#ifndef COP_TX_BATCH_H
#define COP_TX_BATCH_H

#include <sys/socket.h>

#include "socket/sock.h"

/**
 * cop_tx_import - copy a message from the program
 * @fd: the socket
 * @msg: the copy
 * @umsg: the program's message
 *
 * Returns 0 or -errno, in the kernel's order.
 */
int cop_tx_import(int fd, struct msghdr *msg, const struct mmsghdr *umsg);

/**
 * cop_tx_batch - send as many messages as one system call can take
 * @sk: the sender
 * @fd: its descriptor
 * @vec: the program's messages
 * @n: how many
 * @flags: MSG_*, without MSG_MORE and MSG_PROBE
 * @tried: how many it tried; 0 where the first message has to go by itself
 *
 * Returns how many messages were sent or -errno. A cancellation point.
 */
int cop_tx_batch(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		 int flags, unsigned int *tried);

#endif /* COP_TX_BATCH_H */
