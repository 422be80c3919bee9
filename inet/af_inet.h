/* SPDX-License-Identifier: MIT */
/*
 * af_inet.h - the PF_INET family: which transports there are.
 */
#ifndef COP_AF_INET_H
#define COP_AF_INET_H

#include <netinet/in.h>

#include "adopt/carrier.h"
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
 * inet_create - make the sock of a socket
 * @sock: new, with its type
 * @family: PF_INET or PF_INET6
 * @protocol: protocol number; 0: the first of the type
 *
 * Looks the transport up. If there is none, asks for the module
 * net-pf-FAMILY-proto-PROTOCOL-type-TYPE, looks again, asks for
 * net-pf-FAMILY-proto-PROTOCOL, and looks again. Returns 0, -EINVAL for a protocol out
 * of range, -ESOCKTNOSUPPORT or -EPROTONOSUPPORT without a transport, -EPERM without
 * its capability, -ENOBUFS without memory, or what init of the transport returns.
 * Counterpart: inet_create() in af_inet.c.
 */
int inet_create(struct socket *sock, int family, int protocol);

/**
 * inet_may_request - whether inet_request() may find something
 *
 * The arguments are those of inet_request(). What the process has asked for in vain
 * costs a look at one bit. errno may change.
 */
bool inet_may_request(int family, int type, int protocol);

/**
 * inet_create_sk - the second half of inet_create()
 * @sock: new, with its type
 * @family: PF_INET or PF_INET6
 * @protocol: protocol number, not 0
 * @answer: the entry of inetsw; NULL: none
 * @prot: the transport
 *
 * Returns 0, -ENOBUFS without memory, or what init of the transport returns.
 */
int inet_create_sk(struct socket *sock, int family, int protocol,
		   const struct inet_protosw *answer, const struct proto *prot);

/**
 * inet_request - ask for a module, for a socket that the kernel has refused
 * @family: as given to socket()
 * @type: likewise, without flags
 * @protocol: likewise
 *
 * Asks as inet_create() does, and for another family for the module net-pf-FAMILY.
 * Returns whether sock_create() can have the socket now. If not, the process never asks
 * for it again. errno may change.
 */
bool inet_request(int family, int type, int protocol);

/**
 * inet_adopt_on - choose the transport of UDP, for COP_ADOPT
 * @c: the carrier; NULL: it can't be had, so socket() fails with EPROTONOSUPPORT
 * @capability: what the carrier's own sockets need; 0: none
 *
 * While the library starts, and once more where it has started without the environment.
 */
void inet_adopt_on(const struct cop_carrier *c, int capability);

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
