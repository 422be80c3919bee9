/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - reads the kernel's list of UDP sockets.
 */
#ifndef COP_TOOLS_KERNEL_H
#define COP_TOOLS_KERNEL_H

#include "lib/endpoint.h"
#include "target.h"

/* Whether an IPv6 socket takes IPv6 alone. */
enum kernel_v6only { V6ONLY_UNKNOWN, V6ONLY_NO, V6ONLY_YES };

/* A line of /proc/net/udp or udp6, which tell no scope and no v6only. */
struct kernel_sock {
	uint64_t inode;
	int family; /* AF_INET or AF_INET6 */
	struct cop_endpoint local,
		peer;		     /* with the scope, if diag.c tells it */
	enum kernel_v6only v6only;   /* likewise */
	uint32_t tx_queue, rx_queue; /* bytes of the kernel's memory in use */
	uint64_t drops;
	int read; /* number of the reading that has found it */
};

/**
 * kernel_find - look a UDP socket up
 * @t: a process that has it
 * @inode: its inode
 * @is_listed: it has a port, so the kernel should list it
 *
 * Returns the socket, or NULL if it is not listed: it has no port, or it is in
 * another namespace than @t and than each process before. Valid until
 * kernel_forget().
 */
const struct kernel_sock *kernel_find(struct target *t, uint64_t inode,
				      bool is_listed);

/**
 * kernel_forget - forget all lists, which are too old now
 */
void kernel_forget(void);

#endif /* COP_TOOLS_KERNEL_H */
