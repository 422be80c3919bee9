/* SPDX-License-Identifier: MIT */
/*
 * flows.h - reads the flows of a COP socket of another process.
 */
#ifndef COP_TOOLS_FLOWS_H
#define COP_TOOLS_FLOWS_H

#include "object.h"
#include "sockets.h"

/**
 * flows_read - read the figures of each peer of a socket
 * @t: the process, after target_mem()
 * @x: its library
 * @sk_addr: address of the struct cop_sock
 * @sk: a copy of it
 * @flows: set to the flows; valid until the next call
 *
 * The flows that the socket has sent on come first, the oldest of them at the
 * front. Returns how many flows there are.
 */
int flows_read(const struct target *t, const struct cop_export *x,
	       uint64_t sk_addr, const struct object *sk,
	       const struct stat_flow **flows);

#endif /* COP_TOOLS_FLOWS_H */
