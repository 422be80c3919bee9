/* SPDX-License-Identifier: MIT */
/*
 * rx_plain.h - one datagram in whose transport only reads the payload: a checksum.
 */
#ifndef COP_RX_PLAIN_H
#define COP_RX_PLAIN_H

#include <sys/socket.h>
#include <sys/types.h>

struct sock;

/**
 * cop_recvfrom_plain - recvfrom() of a sock whose transport decodes, and is plain
 *
 * Arguments and result as for recvfrom of struct proto.
 */
ssize_t cop_recvfrom_plain(struct sock *sk, int fd, void *buf, size_t len,
			   int flags, void *name, socklen_t *namelen);

#endif /* COP_RX_PLAIN_H */
