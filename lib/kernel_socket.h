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
 * sock_is_udp - whether a descriptor is a socket of UDP
 * @fd: the descriptor
 * @family: the address family that it must have
 *
 * False also for a raw socket of that protocol. One to three system calls. errno may
 * change. Async-signal-safe.
 */
bool sock_is_udp(int fd, int family);

/**
 * sock_is_v6only - whether a kernel socket leaves IPv4 to others
 * @fd: its descriptor
 * @family: its address family
 *
 * One system call for a socket of IPv6. errno may change. Async-signal-safe.
 * Counterpart: ipv6_only_sock().
 */
bool sock_is_v6only(int fd, int family);

/* The kernel's own flag for 32-bit programs, which a program must not set. */
#define MSG_CMSG_COMPAT (int)0x80000000

/* The kernel's name for what libc calls MSG_PROXY: a send that sends nothing. */
#define MSG_PROBE MSG_PROXY

/**
 * sock_probe - bind a kernel socket as a send does, and send nothing
 * @fd: its descriptor
 * @family: its address family
 *
 * A socket without a port gets one of the kernel's choice. Then the kernel refuses
 * the destination, which has port 0. Only if the socket holds a corked datagram, it
 * does not look at the port and takes a further part; the part is a probe, so nothing
 * is added. Returns whether there is a corked datagram. errno may change.
 * Async-signal-safe. Counterpart: inet_send_prepare(), udp_sendmsg() and
 * udpv6_sendmsg().
 */
bool sock_probe(int fd, int family);

/**
 * sock_tells_path_mtu - whether a receive may tell a path's MTU, for IPV6_RECVPATHMTU
 * @fd: the descriptor
 * @family: the socket's address family
 *
 * False in a confined process. One system call for a socket of IPv6. errno may
 * change. Async-signal-safe. Counterpart: ipv6_recv_rxpmtu().
 */
bool sock_tells_path_mtu(int fd, int family);

#endif /* COP_KERNEL_SOCKET_H */
