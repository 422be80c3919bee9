/* SPDX-License-Identifier: MIT */
/*
 * sockets.h - the COP sockets of other processes.
 */
#ifndef COP_TOOLS_SOCKETS_H
#define COP_TOOLS_SOCKETS_H

#include "inet/export.h"
#include "flow/source.h"
#include "kernel.h"
#include "target.h"
#include "wanted.h"

/* Addresses are in network byte order, ports are not. */
struct stat_flow {
	uint32_t addr;
	uint16_t port;
	uint64_t tx, tx_bytes;
	uint64_t begin, end;  /* of both ways; microseconds, CLOCK_MONOTONIC */
	struct cop_source rx; /* as far as it is reported */
};

#define STAT_COUNTERS (COP_SOCK_MISSED + 1 - COP_SOCK_TX)

struct stat_sock {
	pid_t pid;
	char command[COMMAND_MAX];
	int *fds; /* ascending */
	int n_fds;
	enum cop_export_kind kind;
	bool is_connected;
	uint32_t saddr, daddr;
	uint16_t num, dport;
	uint64_t counter[STAT_COUNTERS]; /* by enum cop_export_name, less
					  * COP_SOCK_TX */
	bool is_listed;			 /* by the kernel, which says: */
	struct kernel_sock kernel;	 /* zero if it has no port */
	bool has_flows;			 /* they were wanted: */
	const struct stat_flow *flows;	 /* good until the next socket */
	int n_flows;
	uint64_t addr, inode; /* by which it is told from others */
	uint64_t when;	      /* it was read; microseconds, CLOCK_MONOTONIC */
};

static inline uint64_t stat_counter(const struct stat_sock *s,
				    enum cop_export_name name)
{
	return s->counter[name - COP_SOCK_TX];
}

/**
 * sockets_read - read those of a process, one after the other
 * @t: the process, after target_mem()
 * @x: a library that it has
 * @w: which are wanted, and whether with their flows
 * @take: is given each; all of it is good until @take returns
 * @arg: is given to @take as well
 *
 * Of what changes meanwhile nothing may come, or what was there a moment ago.
 */
void sockets_read(struct target *t, const struct cop_export *x,
		  const struct wanted *w,
		  void (*take)(void *arg, const struct stat_sock *s),
		  void *arg);

#endif /* COP_TOOLS_SOCKETS_H */
