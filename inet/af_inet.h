/* SPDX-License-Identifier: MIT */
/*
 * af_inet.h - the PF_INET family: which transports there are.
 */
#ifndef COP_AF_INET_H
#define COP_AF_INET_H

#include <netinet/in.h>

#include "socket/sock.h"

/* A flag of struct inet_protosw: the kernel's type, ours by COP_ADOPT. */
#define INET_PROTOSW_ADOPTED 0x80

/**
 * inet_init - register both families, and UDP's transports
 *
 * Once, when the library starts. Counterpart: inet_init() in af_inet.c.
 */
void inet_init(void);

/**
 * inet_adopt_init - choose the transport of UDP by the environment
 */
void inet_adopt_init(void);

/**
 * inet_register_protosw - add a transport
 * @p: its entry; kept, not copied
 *
 * Returns 0, -EINVAL for a type or protocol out of range or a transport that is not
 * registered, -EPERM where a permanent entry has the same type and protocol. A new
 * entry goes before the others that are not permanent. Only while the library starts,
 * or a module begins.
 */
int inet_register_protosw(struct inet_protosw *p);

/**
 * inet_unregister_protosw - hide a transport from new sockets
 * @p: its entry; does nothing for one that is permanent or not registered
 *
 * Only while a module begins or ends.
 */
void inet_unregister_protosw(struct inet_protosw *p);

#endif /* COP_AF_INET_H */
