/* SPDX-License-Identifier: MIT */
/*
 * bind.h - bind(): a COP port for a socket, in the port space and on the kernel
 * socket at once. All that the rooms above need of the port room.
 */
#ifndef COP_BIND_H
#define COP_BIND_H

#include "lib/addr.h"
#include "port/autobind.h"
#include "port/ephemeral.h"
#include "port/hash.h"
#include "socket/sock.h"

/**
 * cop_bind - bind the kernel socket and record the port
 * @sk: a COP sock, which the caller keeps alive
 * @fd: its descriptor
 * @addr: address and port (0: any free one), family and length checked
 *
 * COP's rule: a port that any COP socket of this host holds is refused, whatever
 * the addresses. For port 0 at one address UDP's rule holds between processes.
 * Returns 0, -EADDRINUSE, or what the kernel's bind objects to before it looks at
 * the port: -EADDRNOTAVAIL, -EACCES, -EINVAL; -ENOBUFS if there is no descriptor
 * left: a bind to one address needs one for a moment. The caller is between
 * cop_naming_begin() and cop_naming_end(). Async-signal-safe.
 * Counterpart: udp_v4_get_port().
 */
int cop_bind(struct sock *sk, int fd, const union cop_addr *addr);

/**
 * cop_get_port - COP's rule: which port a sock gets
 * @sk: the sock
 * @snum: the port that the program asks for, host order; 0: any
 *
 * Claims it, and returns it; or -EADDRINUSE. For @snum 0 it returns 0 if the kernel had
 * better choose. Lock-free, async-signal-safe. Counterpart: udp_lib_get_port().
 */
int cop_get_port(struct sock *sk, uint16_t snum);

/**
 * cop_get_kernels_port - bind the kernel socket as UDP's, and record the port
 * @sk: a COP sock, which the caller keeps alive
 * @fd: its descriptor
 * @addr: address and port (0: any free one), family and length checked
 *
 * UDP's rule: addresses, SO_REUSEADDR and SO_REUSEPORT count. Returns what the
 * kernel's bind does. The caller is between cop_naming_begin() and cop_naming_end().
 * Async-signal-safe. Counterpart: udp_v4_get_port().
 */
int cop_get_kernels_port(struct sock *sk, int fd, const union cop_addr *addr);

#endif /* COP_BIND_H */
