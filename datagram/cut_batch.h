/* SPDX-License-Identifier: MIT */
/*
 * cut_batch.h - many sends that are to be cut (UDP_SEGMENT) by one system call.
 */
#ifndef COP_CUT_BATCH_H
#define COP_CUT_BATCH_H

#include <sys/socket.h>

#include "socket/sock.h"

/**
 * cop_cut_batch - send as many messages as can go at once, each cut into datagrams
 * @sk: the sender; neither is it corked, nor does it encode payloads
 * @fd: its descriptor
 * @vec: the program's messages
 * @n: how many
 * @flags: MSG_*, without MSG_MORE and MSG_PROBE
 * @tried: how many the kernel was asked to send; 0 if the first message has to be sent by
 *	itself
 *
 * The program gets the length of each message that was sent. Returns how many were sent,
 * or -errno. One system call, and a cancellation point.
 */
int cop_cut_batch(struct sock *sk, int fd, struct mmsghdr *vec, unsigned int n,
		  int flags, unsigned int *tried);

#endif /* COP_CUT_BATCH_H */
