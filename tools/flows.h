/* SPDX-License-Identifier: MIT */
/*
 * flows.h - the flows of a COP socket of another process.
 */
#ifndef COP_TOOLS_FLOWS_H
#define COP_TOOLS_FLOWS_H

#include "object.h"
#include "sockets.h"

/**
 * flows_read - what is known of each peer of a socket
 * @t: the process, after target_mem()
 * @x: its library
 * @sk_addr: where the struct cop_sock is
 * @sk: that, as it was read
 * @flows: where they are; good until the next call
 *
 * Those that were sent to come first, oldest first. Returns how many there are.
 */
int flows_read(const struct target *t, const struct cop_export *x,
	       uint64_t sk_addr, const struct object *sk,
	       const struct stat_flow **flows);

#endif /* COP_TOOLS_FLOWS_H */
