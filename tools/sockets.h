/* SPDX-License-Identifier: MIT */
/*
 * sockets.h - reads the COP sockets of other processes.
 */
#ifndef COP_TOOLS_SOCKETS_H
#define COP_TOOLS_SOCKETS_H

#include "inet/export.h"
#include "flow/source.h"
#include "kernel.h"
#include "target.h"
#include "protos.h"
#include "wanted.h"

struct stat_flow {
	struct cop_endpoint peer;
	uint64_t tx, tx_bytes;
	uint64_t begin, end;  /* first and last datagram, either way;
			       * microseconds, CLOCK_MONOTONIC */
	struct cop_source rx; /* only the figures that are reported */
};

#define STAT_COUNTERS (COP_SOCK_MISSED + 1 - COP_SOCK_TX)

struct stat_sock {
	pid_t pid;
	char command[COMMAND_MAX];
	int *fds; /* ascending */
	int n_fds;
	enum cop_export_kind kind;
	const struct stat_transport
		*transport;		/* valid until the next socket */
	uint64_t own[COP_COUNTERS_MAX]; /* the transport's counters */
	bool is_connected;
	int family;
	struct cop_endpoint local, peer;
	uint64_t counter[STAT_COUNTERS]; /* index: enum cop_export_name minus
					  * COP_SOCK_TX */
	bool is_listed;			 /* the kernel lists it, with: */
	struct kernel_sock kernel;	 /* zero if it has no port */
	bool has_flows;			 /* the flows were wanted: */
	const struct stat_flow *flows;	 /* valid until the next socket */
	int n_flows;
	uint64_t addr, inode; /* these two identify the socket */
	uint64_t when;	      /* time of the reading; microseconds,
			       * CLOCK_MONOTONIC */
};

static inline uint64_t stat_counter(const struct stat_sock *s,
				    enum cop_export_name name)
{
	return s->counter[name - COP_SOCK_TX];
}

/**
 * sockets_read - read the COP sockets of a process, one by one
 * @t: the process, after target_mem()
 * @x: a library in the process
 * @w: which sockets are wanted, and whether with their flows
 * @take: called for each socket; the socket is valid until @take returns
 * @arg: passed to @take
 *
 * A socket that changes during the read may be left out, or appear as it was a
 * moment ago.
 */
void sockets_read(struct target *t, const struct cop_export *x,
		  const struct wanted *w,
		  void (*take)(void *arg, const struct stat_sock *s),
		  void *arg);

#endif /* COP_TOOLS_SOCKETS_H */
