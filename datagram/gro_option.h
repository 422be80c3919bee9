/* SPDX-License-Identifier: MIT */
/*
 * gro_option.h - the socket option UDP_GRO.
 */
#ifndef COP_GRO_OPTION_H
#define COP_GRO_OPTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "socket/sock.h"

/**
 * cop_gro_note - take the kernel socket's UDP_GRO
 * @sk: a sock that came from another process or image
 * @fd: its descriptor
 * @was: SOCK_GRO and SOCK_GRO_OPT as the other process had them, or 0
 */
void cop_gro_note(struct sock *sk, int fd, uint32_t was);

/**
 * cop_gro_set - setsockopt() of UDP_GRO
 *
 * Arguments and result as for setsockopt of struct proto. The kernel socket gets the
 * value, unless another process may have the socket, which would not know of the option,
 * or the transport decodes payloads. Then nothing is ever joined.
 */
int cop_gro_set(struct sock *sk, int fd, const void *optval, socklen_t optlen);

/**
 * cop_gro_plain - give the kernel socket the program's UDP_GRO
 * @sk: a sock whose socket becomes the kernel's UDP
 * @fd: its descriptor
 */
void cop_gro_plain(struct sock *sk, int fd);

/**
 * cop_gro_is_untold - whether joined datagrams may come of which the kernel does not tell
 * @sk: the receiver
 * @fd: its descriptor
 *
 * They were joined before the option was turned off. Costs a system call if another
 * process may have the socket.
 */
bool cop_gro_is_untold(struct sock *sk, int fd);

/**
 * cop_gro_stop - let the kernel join no more datagrams
 * @sk: the receiver, which has got datagrams that can't be shown as joined ones
 * @fd: its descriptor
 *
 * To the program the option stays set.
 */
void cop_gro_stop(struct sock *sk, int fd);

/**
 * cop_gro_note_empty - note that a receive has found nothing
 * @sk: the receiver
 * @fd: its descriptor
 *
 * Once the queue is empty, no joined datagram is left from before the option was turned
 * off. errno may change.
 */
void cop_gro_note_empty(struct sock *sk, int fd);

#endif /* COP_GRO_OPTION_H */
