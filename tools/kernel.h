/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - reads the kernel's list of UDP sockets.
 */
#ifndef COP_TOOLS_KERNEL_H
#define COP_TOOLS_KERNEL_H

#include "lib/endpoint.h"
#include "target.h"

/* A line of /proc/net/udp or udp6, which do not tell the scope of an address. */
struct kernel_sock {
	uint64_t inode;
	struct cop_endpoint local, peer;
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
