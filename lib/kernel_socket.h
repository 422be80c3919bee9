/* SPDX-License-Identifier: MIT */
/*
 * kernel_socket.h - what the kernel says of the socket behind a descriptor.
 */
#ifndef COP_KERNEL_SOCKET_H
#define COP_KERNEL_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

/**
 * sock_kernel_cookie - which kernel socket a descriptor leads to
 * @fd: the descriptor
 *
 * Returns a number that no other socket has; 0 if @fd is no socket, and in a
 * confined process. One system call. errno may change. Async-signal-safe.
 */
uint64_t sock_kernel_cookie(int fd);

/**
 * sock_is_v6only - whether a kernel socket leaves IPv4 to others
 * @fd: its descriptor
 * @family: its address family
 *
 * One system call for a socket of IPv6. errno may change. Async-signal-safe.
 * Counterpart: ipv6_only_sock().
 */
bool sock_is_v6only(int fd, int family);

#endif /* COP_KERNEL_SOCKET_H */
