/* SPDX-License-Identifier: MIT */
/*
 * af_inet.h - the PF_INET family: which transports there are.
 */
#ifndef COP_AF_INET_H
#define COP_AF_INET_H

#include <netinet/in.h>

#include "socket/sock.h"

/* inet_protosw flags */
#define INET_PROTOSW_REUSE     0x01 /* a new sock has SO_REUSEADDR */
#define INET_PROTOSW_PERMANENT 0x02 /* can't be overridden */
#define INET_PROTOSW_ADOPTED   0x80 /* the kernel's type: ours by COP_ADOPT */

struct inet_protosw {
	struct inet_protosw *next;
	unsigned short type;	 /* of the socket, SOCK_* */
	unsigned short protocol; /* IPPROTO_IP: a wild card */
	const struct proto *prot;
	const struct proto_ops *ops;
	unsigned char flags; /* INET_PROTOSW_* */
};

/**
 * inet_init - register the PF_INET family and its transports
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
 * Returns 0, -EINVAL for a type out of range, -EPERM where a permanent entry
 * has the same type and protocol. A new entry goes before the others that are
 * not permanent. Only while the library starts, or a transport is loaded.
 */
int inet_register_protosw(struct inet_protosw *p);

#endif /* COP_AF_INET_H */
