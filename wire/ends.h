/* SPDX-License-Identifier: MIT */
/*
 * ends.h - the addresses of a datagram that has arrived, for a transport whose decode
 * needs them (wire.ends). The kernel says where the datagram was sent to in a control
 * message, which the program does not see.
 */
#ifndef COP_WIRE_ENDS_H
#define COP_WIRE_ENDS_H

#include <sys/socket.h>

#include "socket/sock.h"

/* Bytes for the control messages of one receive, of the program's options and ours. */
#define COP_CONTROL_MAX 2048

/**
 * cop_ends_source - where a datagram came from
 * @name: the sender, as the kernel returned it, or NULL
 * @len: bytes of @name
 * @ends: its source is filled in
 */
void cop_ends_source(const void *name, socklen_t len, struct cop_ends *ends);

/**
 * cop_ends_own - where a datagram went to, as far as its sock knows
 * @sk: the receiver
 * @ends: its dest is filled in: the address that the sock is bound to
 */
void cop_ends_own(const struct sock *sk, struct cop_ends *ends);

/**
 * cop_ends_dest - the address that a datagram was sent to
 * @sk: the receiver
 * @whole: what the kernel returned, in memory of the library's
 * @dest: where it is put; it stays if the kernel did not say
 */
void cop_ends_dest(const struct sock *sk, const struct msghdr *whole,
		   union cop_addr *dest);

/**
 * cop_put_control - give the program all control messages of a receive
 * @whole: with control messages in memory of the library's
 * @msg: the program's; as cop_ends_control() says
 */
void cop_put_control(const struct msghdr *whole, struct msghdr *msg);

/**
 * cop_ends_control - give the program all control messages but the library's
 * @sk: the receiver
 * @whole: what the kernel returned, in memory of the library's
 * @msg: the program's; msg_control and msg_controllen say what room there is. Then
 *	msg_controllen and msg_flags are as if the kernel had written there
 */
void cop_ends_control(const struct sock *sk, const struct msghdr *whole,
		      struct msghdr *msg);

#endif /* COP_WIRE_ENDS_H */
