/* SPDX-License-Identifier: MIT */
/*
 * bind.h - a COP port for a socket, held in the port space and on the kernel
 * socket at once.
 */
#ifndef COP_BIND_H
#define COP_BIND_H

#include <netinet/in.h>

#include "socket/sock.h"
#include "wire/owner.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

/**
 * cop_get_port - bind the kernel socket and record the port
 * @sk: a COP sock that the caller keeps alive
 * @fd: its descriptor
 * @addr: address and port (0: any free one), family and length checked
 *
 * COP's rule: a port that any COP socket of this host holds is refused,
 * whatever the addresses; for port 0 at one address it is the kernel's rule
 * between processes. Returns 0, -EADDRINUSE, or what the kernel's bind
 * objects to before it looks at the port: -EADDRNOTAVAIL, -EACCES, -EINVAL;
 * -ENOBUFS when no descriptor is left for the moment that a bind to one address
 * takes. Async-signal-safe. Counterpart: udp_v4_get_port().
 */
int cop_get_port(struct sock *sk, int fd, const struct sockaddr_in *addr);

/**
 * cop_get_kernels_port - bind the kernel socket as UDP's, and record the port
 * @sk: a COP sock that the caller keeps alive
 * @fd: its descriptor
 * @addr: address and port (0: any free one), family and length checked
 *
 * UDP's rule: addresses, SO_REUSEADDR and SO_REUSEPORT count. Returns what the
 * kernel's bind does. Async-signal-safe. Counterpart: udp_v4_get_port().
 */
int cop_get_kernels_port(struct sock *sk, int fd,
			 const struct sockaddr_in *addr);

/**
 * cop_hash - record that a sock holds a port; the port hash takes a reference
 * @sk: a COP sock that the caller keeps alive
 * @snum: a port that the caller has claimed, host order
 */
void cop_hash(struct sock *sk, uint16_t snum);

/**
 * cop_unhash - give a sock's port back, and the hash's reference
 * @sk: a COP sock
 */
void cop_unhash(struct sock *sk);

/**
 * cop_bind_confirm - record the port that the kernel socket turned out to have
 * @sk: a COP sock that the caller keeps alive
 * @sport: the port, network order; 0: none, which changes nothing
 */
void cop_bind_confirm(struct sock *sk, __be16 sport);

/**
 * cop_bind_adopted - record the port of a kernel socket that came from elsewhere
 * @sk: a new sock
 * @sport: the port it has, network order; 0: none
 * @pinned: the port that the kernel keeps for it, host order; 0: none
 * @had: the port that its sock had, host order; not that if it was pinned and
 *	a disconnect gave it back
 */
void cop_bind_adopted(struct sock *sk, __be16 sport, uint16_t pinned,
		      uint16_t had);

/**
 * cop_holds - whether a sock is why a port is taken
 * @sk: the sock
 * @snum: the port, host order
 *
 * Bound or only claimed, and whether or not the kernel socket has it already.
 */
bool cop_holds(struct sock *sk, uint16_t snum);

/**
 * cop_reclaim - give back a port that no sock holds; see cop_port_reclaim()
 * @snum: the port, host order
 */
bool cop_reclaim(uint16_t snum);

/**
 * cop_bind_confirmed - see to it that a bound sock knows its port for certain
 * @sk: a COP sock that the caller keeps alive
 * @fd: its descriptor
 *
 * One system call, once.
 */
void cop_bind_confirmed(struct sock *sk, int fd);

/**
 * cop_autobind_arm - see to it that the kernel's next autobind takes our port
 * @sk: a COP sock without a port, kept alive by the caller
 * @fd: its descriptor
 *
 * The kernel binds inside the connect or send that follows, in which the port
 * has no lock, so that a disconnect gives it back. To be followed by
 * cop_autobind_settle(). Where the choice is the kernel's it binds at once.
 */
void cop_autobind_arm(struct sock *sk, int fd);

/**
 * cop_autobind_settle - record what came of an autobind
 * @sk: the sock, kept alive by the caller
 * @fd: its descriptor
 * @now: the local address and port that the kernel socket has now
 * @err: of the connect or send; -EAGAIN where the port was another's
 *
 * Returns whether it is bound. A call that fails otherwise may have done so before
 * the kernel came to bind.
 */
bool cop_autobind_settle(struct sock *sk, int fd, const struct sockaddr_in *now,
			 int err);

/* How often a port that another process holds is met before the kernel picks */
#define COP_BIND_TRIES 3

#endif /* COP_BIND_H */
