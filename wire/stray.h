/* SPDX-License-Identifier: MIT */
/*
 * stray.h - count strays and name their senders.
 */
#ifndef COP_STRAY_H
#define COP_STRAY_H

#include <sys/socket.h>

#include "socket/sock.h"
#include "wire/hdr.h"

/**
 * cop_rx_stray - count a stray, which the program does not get
 * @sk: the receiver
 * @fd: its descriptor
 * @reason: why the datagram is a stray
 * @name: its sender's address, or NULL where that is not known
 * @len: bytes of @name
 *
 * With COP_DEBUG each sender is named once on stderr.
 */
void cop_rx_stray(struct sock *sk, int fd, enum cop_stray reason,
		  const void *name, socklen_t len);

#endif /* COP_STRAY_H */
