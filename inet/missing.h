/* SPDX-License-Identifier: MIT */
/*
 * missing.h - sockets of a transport that this process does not have.
 */
#ifndef COP_MISSING_H
#define COP_MISSING_H

#include "lib/transport.h"

/*
 * Each call that would move data, name the socket or look at its queue fails with
 * EPROTONOSUPPORT. Descriptors are closed, duplicated and handed on as others are, and the
 * mark stays on the kernel socket: a process that has the transport can use the socket.
 */
extern struct proto cop_missing_prot;

#endif /* COP_MISSING_H */
