/* SPDX-License-Identifier: MIT */
/*
 * diag.h - asks the kernel what /proc/net/udp6 does not tell of a socket.
 */
#ifndef COP_TOOLS_DIAG_H
#define COP_TOOLS_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "target.h"

struct diag_sock {
	uint32_t inode;
	uint32_t device; /* the interface that the socket is bound to, or 0 */
	bool has_v6only; /* the kernel tells only of sockets without a peer: */
	bool v6only;	 /* the socket takes IPv6 alone */
};

/**
 * diag_udp6 - ask the kernel about the IPv6 UDP sockets of a network namespace
 * @t: a process in the namespace
 * @take: called for each socket that has a port
 * @arg: passed to @take
 *
 * The kernel does not answer without its module udp_diag, and tells of another
 * namespace than cop's own only to a user who may enter it. Then @take is not called.
 */
void diag_udp6(const struct target *t,
	       void (*take)(void *arg, const struct diag_sock *d), void *arg);

#endif /* COP_TOOLS_DIAG_H */
