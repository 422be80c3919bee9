/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - what the kernel says of UDP sockets.
 */
#ifndef COP_TOOLS_KERNEL_H
#define COP_TOOLS_KERNEL_H

#include "target.h"

/* A line of /proc/net/udp. Addresses are in network byte order, ports are not. */
struct kernel_sock {
	uint64_t inode;
	uint32_t saddr, daddr;
	uint16_t num, dport;
	uint32_t tx_queue, rx_queue; /* bytes, as the kernel reckons memory */
	uint64_t drops;
	int read; /* the how manieth has found it */
};

/**
 * kernel_find - look a UDP socket up
 * @t: a process that has it
 * @inode: its inode
 * @is_listed: it has a port, so that it ought to be there
 *
 * Returns it, or NULL where the kernel does not list it: it has no port, or is of
 * a network that neither this process is in nor one that was asked for before.
 * Good until kernel_forget().
 */
const struct kernel_sock *kernel_find(struct target *t, uint64_t inode,
				      bool is_listed);

/**
 * kernel_forget - what was said is too old
 */
void kernel_forget(void);

#endif /* COP_TOOLS_KERNEL_H */
