/* SPDX-License-Identifier: MIT */
/*
 * kernel_socket.h - what the kernel says of the socket behind a descriptor.
 */
#ifndef COP_KERNEL_SOCKET_H
#define COP_KERNEL_SOCKET_H

#include <netinet/in.h>
#include <stdint.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

/**
 * ip_local_name - the address and port that a kernel socket has now
 * @fd: its descriptor
 * @local: where they are put, network order; all zero if @fd is no such socket
 *
 * One system call. errno may change. Async-signal-safe.
 */
void ip_local_name(int fd, struct sockaddr_in *local);

/**
 * sock_kernel_cookie - which kernel socket a descriptor leads to
 * @fd: the descriptor
 *
 * Returns a number that no other socket has; 0 if @fd is no socket, and in a
 * confined process. One system call. errno may change. Async-signal-safe.
 */
uint64_t sock_kernel_cookie(int fd);

#endif /* COP_KERNEL_SOCKET_H */
