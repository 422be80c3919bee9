/* SPDX-License-Identifier: MIT */
/*
 * stray.h - datagrams that are not COP.
 */
#ifndef COP_STRAY_H
#define COP_STRAY_H

#include "wire/encap.h"
#include "socket/sock.h"

/**
 * cop_rx_stray - account for a datagram that the program does not get
 * @sk: the receiver
 * @fd: its descriptor
 * @reason: why not
 * @name: who sent it, or NULL where that is not known
 * @len: its length in bytes
 *
 * With COP_DEBUG a sender is named once.
 */
void cop_rx_stray(struct sock *sk, int fd, enum cop_stray reason,
		  const void *name, socklen_t len);

#endif /* COP_STRAY_H */
