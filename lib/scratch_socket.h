/* SPDX-License-Identifier: MIT */
/*
 * scratch_socket.h - a UDP socket of the kernel for a part of a call.
 */
#ifndef COP_SCRATCH_SOCKET_H
#define COP_SCRATCH_SOCKET_H

#include "lib/scratch.h"

/**
 * cop_scratch_socket, cop_scratch_dual, cop_scratch_close - a helper socket
 * @scratch: a part that begins with the socket and ends when it is closed
 * @family: AF_INET or AF_INET6
 *
 * cop_scratch_dual() opens a socket of IPv6 that takes IPv4 as well; where there is
 * no IPv6, one of IPv4. The first two return the descriptor of a UDP socket of the
 * kernel, or -1 and errno: then the part has not begun.
 */
int cop_scratch_socket(struct cop_scratch *scratch, int family);
int cop_scratch_dual(struct cop_scratch *scratch);
void cop_scratch_close(struct cop_scratch *scratch);

#endif /* COP_SCRATCH_SOCKET_H */
